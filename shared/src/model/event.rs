use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;

use super::prompt::FunctionCall;
use crate::protocol::{Annotation, AssistantContent, Task};

/// What a model does, in order.
///
/// An answer has messages, a message has parts; both are numbered from 0 in the order in which they start. Of each
/// message come one `MessageStarted`, then its parts, then one `MessageDone`; of each part one `PartAdded`, its deltas,
/// then one `PartDone`, and annotations until the end of its message.
///
/// Tasks and images are numbered from 0, too. A task is loading until its last event, which alone is complete. Thoughts
/// and tasks may alternate, and all are over before a message starts: OpenAI's models wait for what they have their
/// server do. Of each image come one `ImageStarted`, then one `ImageDone`; messages may lie between.
///
/// Calls come when they are whole; an answer of calls alone is a good one. The last event is `Completed` or
/// `Incomplete`, or else the stream ends with an error and whatever is open stays open.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// The model thinks. A model may think more than once in an answer.
    ReasoningStarted,
    /// More of the summary of a thought.
    ReasoningDelta {
        /// Which thought of the answer, from 0.
        part: u64,
        /// What is added.
        text: String,
    },
    /// The summary of a thought is whole.
    ReasoningDone {
        /// Which thought of the answer, from 0.
        part: u64,
        /// The whole summary.
        text: String,
    },
    /// A message begins.
    MessageStarted {
        /// Which message of the answer, from 0.
        message: u64,
        /// The upstream's id of it, not necessarily unique.
        upstream_id: Option<String>,
    },
    /// An empty part is added to a message.
    PartAdded {
        /// Which message.
        message: u64,
        /// Which part of it, from 0.
        index: u64,
    },
    /// More of a part's text. A refusal is text like any other.
    TextDelta {
        /// Which message.
        message: u64,
        /// Which part of it.
        index: u64,
        /// What is added.
        text: String,
    },
    /// A place in a part's text names its source.
    AnnotationAdded {
        /// Which message.
        message: u64,
        /// Which part of it.
        index: u64,
        /// What and where.
        annotation: Box<Annotation>,
    },
    /// A part is whole.
    PartDone {
        /// Which message.
        message: u64,
        /// Which part of it.
        index: u64,
        /// The whole text.
        text: String,
    },
    /// A message is whole.
    MessageDone {
        /// Which message.
        message: u64,
        /// All its parts with their annotations.
        content: Vec<AssistantContent>,
    },
    /// Something that the model's server does itself: a search, a program, a remote tool. First as it begins, then each
    /// time as it is now; its `status_indicator` says whether it is over, which is said once.
    Task {
        /// Which task of the answer, from 0.
        task: u64,
        /// The whole task.
        content: Box<Task>,
    },
    /// A picture begins.
    ImageStarted {
        /// Which picture of the answer, from 0.
        image: u64,
    },
    /// A picture takes shape.
    ImagePartial {
        /// Which picture.
        image: u64,
        /// What it looks like so far.
        picture: Picture,
        /// How far it is, from 0 to 1; 0 where nobody knows.
        progress: f64,
    },
    /// A picture is whole.
    ImageDone {
        /// Which picture.
        image: u64,
        /// The upstream's id of it.
        upstream_id: Option<String>,
        /// What it looks like; `None` if it failed.
        picture: Option<Picture>,
    },
    /// A function that somebody here must run. The model waits for the output in the next prompt.
    Call(FunctionCall),
    /// A call that the model's server has carried out itself, and that only we can tell the model of in later prompts. In
    /// order with the other calls.
    Answered {
        /// The call.
        call: FunctionCall,
        /// What came out.
        output: String,
    },
    /// What the model wants to be given back in the next prompt of the same turn, unread: its encrypted thoughts and the
    /// like. In order with the calls.
    Opaque(Value),
    /// The answer is whole. `None` where the upstream does not count.
    Completed(Option<TokenUsage>),
    /// The answer was cut.
    Incomplete {
        /// By what.
        reason: IncompleteReason,
        /// What it took; `None` where the upstream does not count.
        usage: Option<TokenUsage>,
    },
}

/// A picture that the model made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its type, such as `image/png`.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Events on their way to the reader.
pub(super) type Events = VecDeque<ModelEvent>;

/// Why an answer was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncompleteReason {
    /// It reached the prompt's `max_output_tokens` or the model's own limit.
    MaxOutputTokens,
    /// The upstream's filter stopped it.
    ContentFilter,
    /// The upstream did not say, or said something new.
    Other,
}

/// Tokens as the upstream counts and bills them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// All of the prompt.
    pub input: u64,
    /// Those of `input` that came from the cache.
    pub cached: u64,
    /// All of the answer.
    pub output: u64,
    /// Those of `output` that were thoughts.
    pub reasoning: u64,
}

impl TokenUsage {
    /// What an upstream says, as far as it can be: whoever claims more than any model takes must not break a sum.
    pub(super) fn believed(self) -> Self {
        const MOST: u64 = 1 << 32;
        let Self { input, cached, output, reasoning } = self;
        Self {
            input: input.min(MOST),
            cached: cached.min(MOST),
            output: output.min(MOST),
            reasoning: reasoning.min(MOST),
        }
    }
}
