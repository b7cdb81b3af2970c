use std::mem;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::function_calls::FunctionCalls;
use super::think_tags::ThinkTags;
use super::wire::{Choice, Chunk, Content, ContentPart, Delta, ToolCall, Usage};
use crate::model::builders::{MessageBuilder, ReasoningBuilder, page_annotation};
use crate::model::error::{ModelError, ModelErrorKind};
use crate::model::event::{Events, Flow, IncompleteReason, ModelEvent};
use crate::model::prompt::Prompt;
use crate::model::tokens::TokenUsage;
use crate::model::wire::ReportedError;

/// The data of the event behind the last chunk.
pub(crate) const DONE: &str = "[DONE]";

/// The indices of the parts in the one message.
const TEXT_INDEX: u64 = 0;
const REFUSAL_INDEX: u64 = 1;

/// Turns chunks into model events: thoughts, then one message, then calls. Thoughts that come after the first text are
/// left out, because they would cut the message in two.
pub(crate) struct Translator {
    reasoning: ReasoningBuilder,
    think_tags: ThinkTags,
    message: Option<MessageBuilder>,
    calls: FunctionCalls,
    /// All thoughts, under the server's name for them.
    thoughts: Map<String, Value>,
    usage: Option<TokenUsage>,
    /// How the answer has ended, once it has. Only the usage may follow.
    ending: Option<Ending>,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Complete,
    Cut(IncompleteReason),
}

impl Translator {
    pub(crate) fn new(prompt: &Prompt) -> Self {
        Self {
            reasoning: ReasoningBuilder::default(),
            think_tags: ThinkTags::default(),
            message: None,
            calls: FunctionCalls::new(prompt),
            thoughts: Map::new(),
            usage: None,
            ending: None,
        }
    }

    pub(crate) fn accept(&mut self, data: &str, out: &mut Events) -> Result<Flow, ModelError> {
        if data == DONE {
            // Some servers end without a reason.
            if self.ending.is_none() && (self.message.is_some() || !self.calls.is_empty()) {
                self.finish(Ending::Cut(IncompleteReason::Other), out);
            }
            return self.end(out).map(|()| Flow::End);
        }
        let document: Value = serde_json::from_str(data).map_err(|_| ModelError::broken("an event is not JSON"))?;
        if let Some(error) = ReportedError::find(&document) {
            return Err(ModelError::reported(&error));
        }
        // What is not an object is not a chunk.
        let Ok(Chunk { choices, mut usage }) = Chunk::deserialize(document) else { return Ok(Flow::Continue) };
        let choice = choices.unwrap_or_default().into_iter().find(|choice| choice.index.unwrap_or_default() == 0);
        if let Some(mut choice) = choice {
            usage = usage.or(choice.usage.take());
            if self.ending.is_none() {
                self.apply(choice, out)?;
            }
        }
        // Servers that count in each chunk start with zeros.
        let counted = usage.map(TokenUsage::from).filter(|usage| usage.total() > 0);
        self.usage = counted.or(self.usage);
        if counted.is_none() || self.ending.is_none() {
            return Ok(Flow::Continue);
        }
        self.end(out).map(|()| Flow::End)
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.ending.is_some()
    }

    pub(crate) fn end(&mut self, out: &mut Events) -> Result<(), ModelError> {
        let usage = self.usage;
        out.push_back(match self.ending {
            Some(Ending::Complete) => ModelEvent::Completed(usage),
            Some(Ending::Cut(reason)) => ModelEvent::Incomplete { reason, usage },
            None => return Err(ModelError::cut_off()),
        });
        Ok(())
    }

    fn apply(&mut self, choice: Choice, out: &mut Events) -> Result<(), ModelError> {
        let Delta { content, refusal, reasoning_content, reasoning, annotations, tool_calls, function_call } =
            choice.delta.unwrap_or_default();
        let ending = choice.finish_reason.map_or(Ok(None), |reason| ending(&reason))?;
        let (text, thought) = content.map_or_else(Default::default, split);
        let (tagged_thought, text) = self.think_tags.split(&text);
        let named = [("reasoning_content", reasoning_content), ("reasoning", reasoning)];
        let named = named.into_iter().find_map(|(name, thought)| Some((name, thought.filter(|t| !t.is_empty())?)));
        if let Some((name, thought)) = &named {
            self.record_thought(name, thought);
        }
        for thought in [named.map(|(_, thought)| thought).unwrap_or_default(), thought, tagged_thought] {
            self.add_thought(thought, out);
        }
        for (content_index, text) in [(TEXT_INDEX, text), (REFUSAL_INDEX, refusal.unwrap_or_default())] {
            self.add_text(content_index, text, out);
        }
        let citations = annotations.unwrap_or_default().into_iter().filter_map(|annotation| annotation.url_citation);
        if let Some(message) = &mut self.message {
            for citation in citations {
                if let Some(source) = page_annotation(citation.url, citation.title, citation.end_index) {
                    message.add_annotation(TEXT_INDEX, source, out);
                }
            }
        }
        let older = function_call.map(|function| ToolCall { function: Some(function), ..ToolCall::default() });
        for piece in tool_calls.into_iter().chain(older) {
            self.calls.add(piece);
        }
        if let Some(ending) = ending {
            self.finish(ending, out);
        }
        Ok(())
    }

    fn add_thought(&mut self, thought: String, out: &mut Events) {
        if self.message.is_none() && !thought.is_empty() {
            self.reasoning.add_text(0, 0, thought, out);
        }
    }

    fn add_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        if !text.is_empty() {
            self.message(out).add_text(content_index, text, out);
        }
    }

    fn record_thought(&mut self, name: &str, thought: &str) {
        match self.thoughts.get_mut(name) {
            Some(Value::String(thoughts)) => thoughts.push_str(thought),
            _ => drop(self.thoughts.insert(name.to_owned(), thought.into())),
        }
    }

    /// The one message; starts it if it is new.
    fn message(&mut self, out: &mut Events) -> &mut MessageBuilder {
        let Self { reasoning, message, .. } = self;
        message.get_or_insert_with(|| {
            reasoning.finish_all(out);
            MessageBuilder::start(0, 0, None, out)
        })
    }

    fn finish(&mut self, ending: Ending, out: &mut Events) {
        let (thought, text) = self.think_tags.finish();
        self.add_thought(thought, out);
        self.add_text(TEXT_INDEX, text, out);
        self.reasoning.finish_all(out);
        if let Some(message) = &mut self.message {
            message.finish(Vec::new(), out);
        }
        if !self.calls.is_empty() && !self.thoughts.is_empty() {
            // DeepSeek's and Moonshot's servers want the thoughts back with the calls.
            out.push_back(ModelEvent::Opaque(Value::Object(mem::take(&mut self.thoughts))));
        }
        self.calls.finish(matches!(ending, Ending::Cut(_)), out);
        self.ending = Some(ending);
    }
}

/// An answer that has come whole, as the one chunk of a stream.
pub(crate) fn only_chunk(mut answer: Value) -> String {
    let choices = answer.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(message) = choice.remove("message") {
            choice.insert("delta".to_owned(), message);
        }
    }
    answer.to_string()
}

/// What a `finish_reason` means; `None` if the answer is not finished. OpenAI's are `stop`, `length`, `content_filter`
/// and the calls of tools; the others are Anthropic's, Mistral's, OpenRouter's and Hugging Face's.
fn ending(reason: &str) -> Result<Option<Ending>, ModelError> {
    Ok(Some(match reason {
        "" | "null" => return Ok(None),
        "stop" | "tool_calls" | "function_call" | "end_turn" | "stop_sequence" | "eos_token" => Ending::Complete,
        "length" | "max_tokens" | "model_length" => Ending::Cut(IncompleteReason::MaxOutputTokens),
        "content_filter" => Ending::Cut(IncompleteReason::ContentFilter),
        "error" => return Err(ModelError::new(ModelErrorKind::Unavailable)),
        _ => Ending::Cut(IncompleteReason::Other),
    }))
}

/// The text and the thoughts.
fn split(content: Content) -> (String, String) {
    let parts = match content {
        Content::Text(text) => return (text, String::new()),
        Content::Parts(parts) => parts,
    };
    let (mut text, mut thought) = (String::new(), String::new());
    for part in parts {
        match part {
            ContentPart::Text { text: more } => text.push_str(&more),
            ContentPart::Thinking { thinking } => thought.push_str(&split(Content::Parts(thinking)).0),
            ContentPart::Other => {}
        }
    }
    (text, thought)
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.prompt_tokens,
            cached: usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or_default(),
            output: usage.completion_tokens,
            reasoning: usage.completion_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or_default(),
            ..Self::default()
        }
        .within_limits()
    }
}
