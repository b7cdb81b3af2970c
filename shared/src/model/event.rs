use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;

use super::prompt::FunctionCall;
use super::tokens::TokenUsage;
use crate::protocol::{Annotation, AssistantContent, Task};

/// What a model does, in order.
///
/// An answer has messages, a message has parts; both are numbered from 0 in the order in which they start. A message is
/// one `MessageStarted`, its parts, and one `MessageDone`. A part is one `PartAdded`, its deltas, and one `PartDone`;
/// annotations come until the end of its message.
///
/// Tasks and images are numbered from 0, too. The last event of a task has the status `Complete`, all others `Loading`.
/// Thoughts and tasks may alternate, and all are finished before a message starts: OpenAI's models wait for their
/// hosted tools. An image is one `ImageStarted` and one `ImageDone`; messages may come between them.
///
/// A call comes when it is complete, and an answer may consist of calls alone. The last event is `Completed` or
/// `Incomplete`; otherwise the stream ends with an error, and unfinished messages, tasks and images stay unfinished.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// The model thinks; it may do so more than once in an answer.
    ReasoningStarted,
    /// More of the summary of a thought.
    ReasoningDelta {
        /// Which thought of the answer, from 0.
        part: u64,
        text: String,
    },
    /// The summary of a thought is complete.
    ReasoningDone {
        /// Which thought of the answer, from 0.
        part: u64,
        text: String,
    },
    /// A message starts.
    MessageStarted {
        /// Which message of the answer, from 0.
        message: u64,
        /// The upstream's id, not necessarily unique.
        upstream_id: Option<String>,
    },
    /// An empty part is added to a message.
    PartAdded {
        message: u64,
        /// Which part of it, from 0.
        index: u64,
    },
    /// More of a part's text. A refusal is text like any other.
    TextDelta { message: u64, index: u64, text: String },
    /// A source of a part's text.
    AnnotationAdded {
        message: u64,
        index: u64,
        /// The source and its position in the text.
        annotation: Box<Annotation>,
    },
    /// A part is complete.
    PartDone { message: u64, index: u64, text: String },
    /// A message is complete.
    MessageDone {
        message: u64,
        /// All its parts with their annotations.
        content: Vec<AssistantContent>,
    },
    /// A hosted tool at work: a search, a program, a remote tool. The whole task each time that it changes, first as it
    /// starts and last with the status `Complete`.
    Task {
        /// Which task of the answer, from 0.
        task: u64,
        content: Box<Task>,
    },
    /// A picture is being made.
    ImageStarted {
        /// Which picture of the answer, from 0.
        image: u64,
    },
    /// An earlier state of a picture.
    ImagePartial {
        image: u64,
        picture: Picture,
        /// From 0 to 1; 0 where it is not known.
        progress: f64,
    },
    /// A picture is complete, or failed.
    ImageDone {
        image: u64,
        upstream_id: Option<String>,
        /// What it looks like; `None` if it failed.
        picture: Option<Picture>,
    },
    /// A function that a server tool or a client tool must run. The model waits for the output in the next prompt.
    Call(FunctionCall),
    /// A call that the model's server has carried out itself and will not remember: later prompts must contain it. In
    /// order with the other calls.
    Answered { call: FunctionCall, output: String },
    /// What the next prompt of the same turn must contain unchanged, such as encrypted thoughts. In order with the
    /// calls.
    Opaque(Value),
    /// The answer is complete. `None` where the upstream does not count tokens.
    Completed(Option<TokenUsage>),
    /// The answer was cut.
    Incomplete {
        reason: IncompleteReason,
        /// `None` where the upstream does not count tokens.
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

/// Events that the reader has not read yet.
pub(super) type Events = VecDeque<ModelEvent>;

/// Whether the stream has more events to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    End,
}

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
