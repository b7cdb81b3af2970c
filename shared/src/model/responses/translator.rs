use serde_json::{Value, json};

use super::function_calls::FunctionCalls;
use super::hosted_tools::HostedToolCall;
use super::wire::{self, ContentPart, Image, OutputItem, Response, StreamEvent, Usage};
use crate::model::builders::{Images, MessageBuilder, ReasoningBuilder, Tasks, file_annotation, page_annotation};
use crate::model::error::ModelError;
use crate::model::event::{Events, Flow, IncompleteReason, ModelEvent, Picture};
use crate::model::prompt::Prompt;
use crate::model::tokens::{HostedCalls, TokenUsage};
use crate::model::wire::ReportedError;
use crate::protocol::{Annotation, AssistantContent};

/// Turns the upstream's events into model events, and completes what the upstream leaves out.
pub(crate) struct Translator {
    reasoning: ReasoningBuilder,
    messages: Vec<MessageBuilder>,
    tasks: Tasks,
    images: Images,
    calls: FunctionCalls,
    billed_calls: HostedCalls,
}

impl Translator {
    pub(crate) fn new(prompt: &Prompt) -> Self {
        Self {
            reasoning: ReasoningBuilder::default(),
            messages: Vec::new(),
            tasks: Tasks::default(),
            images: Images::new(prompt),
            calls: FunctionCalls::new(prompt),
            billed_calls: HostedCalls::default(),
        }
    }

    pub(crate) fn accept(&mut self, data: &str, out: &mut Events) -> Result<Flow, ModelError> {
        match parse(data)? {
            StreamEvent::OutputItemAdded { output_index, item } => self.item_added(output_index, item, out),
            StreamEvent::OutputItemDone { output_index, item } => self.item_done(output_index, item, out),
            StreamEvent::ContentPartAdded { output_index, content_index, part } => {
                if let (Some(part), Some(message)) = (text(part), self.unfinished_message(output_index)) {
                    message.fill_part(content_index, part, out);
                }
            }
            StreamEvent::ContentPartDone { output_index, content_index, part } => {
                if let (Some(part), Some(message)) = (text(part), self.unfinished_message(output_index)) {
                    message.finish_part(content_index, part, out);
                }
            }
            StreamEvent::TextDelta { output_index, content_index, delta } => {
                if let Some(message) = self.message(output_index, out) {
                    message.add_text(content_index, delta, out);
                }
            }
            StreamEvent::TextDone { output_index, content_index, text } => {
                if let Some(message) = self.message(output_index, out) {
                    message.finish_text(content_index, text, out);
                }
            }
            StreamEvent::AnnotationAdded { output_index, content_index, annotation } => {
                let annotation = annotation.and_then(source);
                if let (Some(annotation), Some(message)) = (annotation, self.unfinished_message(output_index)) {
                    message.add_annotation(content_index, annotation, out);
                }
            }
            StreamEvent::ReasoningSummaryDelta { output_index, summary_index, delta } => {
                self.reasoning.add_text(output_index, summary_index, delta, out);
            }
            StreamEvent::ReasoningSummaryDone { output_index, summary_index, text } => {
                self.reasoning.finish_thought(output_index, summary_index, text, out);
            }
            StreamEvent::ArgumentsDelta { output_index, delta } => self.calls.add_arguments(output_index, &delta),
            StreamEvent::ArgumentsDone { output_index, arguments } => {
                self.calls.set_arguments(output_index, arguments);
            }
            StreamEvent::WebSearch { output_index } => self.tasks.resume(output_index, HostedToolCall::web_search, out),
            StreamEvent::FileSearch { output_index } => {
                self.tasks.resume(output_index, HostedToolCall::file_search, out)
            }
            StreamEvent::CodeInterpreter { output_index } => {
                self.tasks.resume(output_index, || HostedToolCall::program(None), out);
            }
            StreamEvent::CodeDone { output_index, code } => {
                self.tasks.update(output_index, HostedToolCall::program(Some(code)), out);
            }
            StreamEvent::Image { output_index } => {
                self.images.resume(output_index, out);
            }
            StreamEvent::ImagePartial { output_index, partial_image_index, partial_image_b64, output_format } => {
                let picture = Picture::from_base64(&partial_image_b64, output_format.as_deref());
                self.images.emit_partial(output_index, partial_image_index, picture, out);
            }
            // Some servers have only one last event, and say in it that the answer was cut.
            StreamEvent::Completed { response } if !response.as_ref().is_some_and(Response::is_incomplete) => {
                let response = response.unwrap_or_default();
                self.finish(response.output, out);
                self.calls.finish_all(out);
                out.push_back(ModelEvent::Completed(self.counted(response.usage)));
                return Ok(Flow::End);
            }
            StreamEvent::Completed { response } | StreamEvent::Incomplete { response } => {
                let response = response.unwrap_or_default();
                let reason = IncompleteReason::from(&response);
                self.finish(response.output, out);
                out.push_back(ModelEvent::Incomplete { reason, usage: self.counted(response.usage) });
                return Ok(Flow::End);
            }
            StreamEvent::Failed { response } => {
                return Err(ModelError::reported(&response.and_then(|response| response.error).unwrap_or_default()));
            }
            StreamEvent::Error { code, error } => {
                return Err(ModelError::reported(&error.unwrap_or(ReportedError { code, ..ReportedError::default() })));
            }
            StreamEvent::Other => {}
        }
        Ok(Flow::Continue)
    }

    fn item_added(&mut self, output_index: u64, item: OutputItem, out: &mut Events) {
        match item {
            OutputItem::Message(wire::Message { id, content }) => {
                let message = self.start_message(output_index, id, out);
                for (content_index, part) in texts(content) {
                    message.fill_part(content_index, part, out);
                }
            }
            OutputItem::Reasoning(_) => self.reasoning.start(output_index, out),
            OutputItem::FunctionCall(call) => self.calls.start(output_index, call),
            OutputItem::Image(Image { id, .. }) => self.images.start(output_index, id, out),
            OutputItem::HostedTool(item) => self.tasks.start(output_index, item.id.clone(), item.task(), out),
            OutputItem::Other => {}
        }
    }

    fn item_done(&mut self, output_index: u64, item: OutputItem, out: &mut Events) {
        match item {
            OutputItem::Message(wire::Message { id, content }) => {
                if !self.has_message(output_index) {
                    self.start_message(output_index, id, out);
                }
                if let Some(message) = self.unfinished_message(output_index) {
                    message.finish(texts(content), out);
                }
            }
            OutputItem::Reasoning(wire::Reasoning { summary, opaque }) => {
                self.reasoning.finish(output_index, summary, out);
                out.extend(opaque.map(ModelEvent::Opaque));
            }
            OutputItem::FunctionCall(call) => self.calls.finish(output_index, call, out),
            OutputItem::Image(image) => {
                let (id, picture) = picture_of(image);
                let is_picture = picture.is_some();
                if self.images.finish(output_index, id, picture, out) && is_picture {
                    self.billed_calls.image_generation += 1;
                }
            }
            OutputItem::HostedTool(mut item) => {
                let mcp_call = item.mcp_call.take();
                let billed_calls = item.billed_calls();
                let is_new = self.tasks.finish(output_index, item.id.clone(), item.task(), out);
                if is_new {
                    self.billed_calls += billed_calls;
                }
                if let Some(call) = mcp_call.filter(|_| is_new) {
                    self.calls.emit_answered(call, out);
                }
            }
            OutputItem::Other => {}
        }
    }

    /// Finishes what is unfinished, with the upstream's summary of its output where there is one. Messages are matched
    /// by their order: the indices that servers give them in events do not always agree with those in the summary.
    fn finish(&mut self, output: Vec<OutputItem>, out: &mut Events) {
        self.reasoning.finish_all(out);
        self.tasks.finish_all(out);
        let nothing_came = self.is_empty();
        let (mut position, mut images, mut calls) = (0, Vec::new(), Vec::new());
        for (output_index, item) in (0..).zip(output) {
            match item {
                // The summary is the whole answer.
                item if nothing_came => self.item_done(output_index, item, out),
                OutputItem::Message(wire::Message { id, content }) => {
                    if position == self.messages.len() {
                        self.start_message(output_index, id, out);
                    }
                    let message = &mut self.messages[position];
                    if !message.is_done {
                        message.finish(texts(content), out);
                    }
                    position += 1;
                }
                OutputItem::FunctionCall(call) => calls.push(call),
                OutputItem::Image(image) => images.push(picture_of(image)),
                OutputItem::Reasoning(_) | OutputItem::HostedTool(_) | OutputItem::Other => {}
            }
        }
        for message in self.messages.iter_mut().filter(|message| !message.is_done) {
            message.finish(Vec::new(), out);
        }
        self.billed_calls.image_generation += self.images.finish_all(images, out);
        self.calls.finish_summary(calls, out);
    }

    /// `None` where the upstream did not count. Some servers then send zeros or other fields.
    fn counted(&self, usage: Option<Usage>) -> Option<TokenUsage> {
        let usage = usage.map(TokenUsage::from).filter(|usage| usage.total() > 0)?;
        Some(TokenUsage { calls: self.billed_calls, ..usage })
    }

    fn is_empty(&self) -> bool {
        self.reasoning.is_empty()
            && self.messages.is_empty()
            && self.tasks.is_empty()
            && self.images.is_empty()
            && self.calls.is_empty()
    }

    fn has_message(&self, output_index: u64) -> bool {
        self.messages.iter().any(|message| message.output_index == output_index)
    }

    /// The unfinished message at the upstream's index. Reasoning items have parts and indices, too.
    fn unfinished_message(&mut self, output_index: u64) -> Option<&mut MessageBuilder> {
        let latest = self.messages.iter_mut().rfind(|message| message.output_index == output_index);
        latest.filter(|message| !message.is_done)
    }

    /// The unfinished message at the upstream's index; starts it if it is new. `None` if it is finished.
    fn message(&mut self, output_index: u64, out: &mut Events) -> Option<&mut MessageBuilder> {
        if !self.has_message(output_index) {
            self.start_message(output_index, None, out);
        }
        self.unfinished_message(output_index)
    }

    fn start_message(
        &mut self,
        output_index: u64,
        upstream_id: Option<String>,
        out: &mut Events,
    ) -> &mut MessageBuilder {
        self.reasoning.finish_all(out);
        self.tasks.finish_all(out);
        // Adapters in front of the Chat Completions API give this id to every message.
        let upstream_id = upstream_id.filter(|id| !matches!(id.as_str(), "" | "__fake_id__"));
        let position = self.messages.len();
        self.messages.push(MessageBuilder::start(position as u64, output_index, upstream_id, out));
        &mut self.messages[position]
    }
}

/// An answer that has come whole, as the last event of a stream; `None` if it is no answer.
pub(crate) fn last_event(response: &Value) -> Option<String> {
    let kind = match (&response["error"], &response["output"]) {
        (Value::Null, Value::Array(_)) => "response.completed",
        (Value::Null, _) => return None,
        _ => "response.failed",
    };
    Some(json!({ "type": kind, "response": response }).to_string())
}

fn parse(data: &str) -> Result<StreamEvent, ModelError> {
    if data == "[DONE]" {
        return Ok(StreamEvent::Other);
    }
    if let Ok(event) = serde_json::from_str(data) {
        return Ok(event);
    }
    let document: Value = serde_json::from_str(data).map_err(|_| ModelError::broken("an event is not JSON"))?;
    match ReportedError::find(&document) {
        // Gateways report errors without a `type`.
        Some(error) => Err(ModelError::reported(&error)),
        // An event of an unknown shape; the last events repeat what it says.
        None => Ok(StreamEvent::Other),
    }
}

/// The id of an image, and its picture unless it failed.
fn picture_of(image: Image) -> (Option<String>, Option<Picture>) {
    let Image { id, result, output_format } = image;
    (id, result.and_then(|result| Picture::from_base64(&result, output_format.as_deref())))
}

impl From<&Response> for IncompleteReason {
    fn from(response: &Response) -> Self {
        let details = response.incomplete_details.as_ref();
        match details.and_then(|details| details.reason.as_deref()) {
            Some("max_output_tokens") => Self::MaxOutputTokens,
            Some("content_filter") => Self::ContentFilter,
            Some(_) | None => Self::Other,
        }
    }
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input_tokens,
            cached: usage.input_tokens_details.as_ref().map_or(0, |details| details.cached_tokens),
            cache_write: usage.input_tokens_details.map_or(0, |details| details.cache_write_tokens),
            output: usage.output_tokens,
            reasoning: usage.output_tokens_details.map_or(0, |details| details.reasoning_tokens),
            ..Self::default()
        }
        .within_limits()
    }
}

/// The part as text, which a refusal is, too; `None` for other kinds.
fn text(part: ContentPart) -> Option<AssistantContent> {
    match part {
        ContentPart::OutputText { text, annotations } => {
            let annotations = annotations.into_iter().filter_map(source).collect();
            Some(AssistantContent { text, annotations })
        }
        ContentPart::Refusal { refusal } => Some(AssistantContent { text: refusal, annotations: Vec::new() }),
        ContentPart::Other => None,
    }
}

/// The parts that are text, each with its index among all.
fn texts(parts: Vec<ContentPart>) -> Vec<(u64, AssistantContent)> {
    let parts = (0..).zip(parts);
    parts.filter_map(|(content_index, part)| Some((content_index, text(part)?))).collect()
}

/// The source in ChatKit's form; `None` for what cannot be shown.
fn source(annotation: wire::Annotation) -> Option<Annotation> {
    match annotation {
        wire::Annotation::FileCitation { filename, index }
        | wire::Annotation::ContainerFileCitation { filename, end_index: index } => file_annotation(filename, index),
        wire::Annotation::UrlCitation { url, title, end_index } => page_annotation(url, title, end_index),
        wire::Annotation::Other => None,
    }
}
