use serde_json::Value;

use super::content::{source, text, texts};
use super::wire::{OutputItem, Response, StreamEvent, SummaryPart, Usage};
use crate::model::error::ModelError;
use crate::model::event::{Events, IncompleteReason, ModelEvent, TokenUsage};
use crate::model::message::Message;
use crate::model::reasoning::Reasoning;
use crate::model::reported::ReportedError;
use crate::model::translator::Flow;

/// Turns the upstream's events into ours, one way. What the upstream leaves out is made whole.
#[derive(Default)]
pub(in crate::model) struct Translator {
    reasoning: Reasoning,
    messages: Vec<Message>,
}

impl Translator {
    /// As [`crate::model::translator::Translator::accept`].
    pub(in crate::model) fn accept(&mut self, data: &str, out: &mut Events) -> Result<Flow, ModelError> {
        match parse(data)? {
            StreamEvent::OutputItemAdded { output_index, item } => self.item_added(output_index, item, out),
            StreamEvent::OutputItemDone { output_index, item } => self.item_done(output_index, item, out),
            StreamEvent::ContentPartAdded { output_index, content_index, part } => {
                if let (Some(part), Some(message)) = (text(part), self.open_message(output_index)) {
                    message.fill_part(content_index, part, out);
                }
            }
            StreamEvent::ContentPartDone { output_index, content_index, part } => {
                if let (Some(part), Some(message)) = (text(part), self.open_message(output_index)) {
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
                if let (Some(annotation), Some(message)) = (annotation, self.open_message(output_index)) {
                    message.add_annotation(content_index, annotation, out);
                }
            }
            StreamEvent::ReasoningSummaryDelta { output_index, summary_index, delta } => {
                self.reasoning.add_text(output_index, summary_index, delta, out);
            }
            StreamEvent::ReasoningSummaryDone { output_index, summary_index, text } => {
                self.reasoning.finish_thought(output_index, summary_index, text, out);
            }
            StreamEvent::Completed { response } => {
                self.finish(response.output, out);
                out.push_back(ModelEvent::Completed(response.usage.map(TokenUsage::from)));
                return Ok(Flow::End);
            }
            StreamEvent::Incomplete { response } => {
                let reason = IncompleteReason::from(&response);
                self.finish(response.output, out);
                out.push_back(ModelEvent::Incomplete { reason, usage: response.usage.map(TokenUsage::from) });
                return Ok(Flow::End);
            }
            StreamEvent::Failed { response } => {
                return Err(ModelError::reported(&response.error.unwrap_or_default()));
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
            OutputItem::Message { id, content } => {
                let message = self.start_message(output_index, id, out);
                for (content_index, part) in texts(content) {
                    message.fill_part(content_index, part, out);
                }
            }
            OutputItem::Reasoning { .. } => self.reasoning.start(output_index, out),
            OutputItem::Other => {}
        }
    }

    fn item_done(&mut self, output_index: u64, item: OutputItem, out: &mut Events) {
        match item {
            OutputItem::Message { id, content } => {
                if !self.has_message(output_index) {
                    self.start_message(output_index, id, out);
                }
                if let Some(message) = self.open_message(output_index) {
                    message.finish(texts(content), out);
                }
            }
            OutputItem::Reasoning { summary } => {
                self.reasoning.finish(output_index, thoughts(summary), out);
            }
            OutputItem::Other => {}
        }
    }

    /// Ends what is open, with the upstream's own summary of its output where there is one. Messages are matched by
    /// their order: the places that servers give them in events do not always agree with those in the summary.
    fn finish(&mut self, output: Option<Vec<OutputItem>>, out: &mut Events) {
        self.reasoning.finish_all(out);
        let nothing_came = self.reasoning.is_empty() && self.messages.is_empty();
        let mut position = 0;
        for (output_index, item) in (0..).zip(output.unwrap_or_default()) {
            match item {
                OutputItem::Message { id, content } => {
                    if position == self.messages.len() {
                        self.start_message(output_index, id, out);
                    }
                    let message = &mut self.messages[position];
                    if !message.is_done {
                        message.finish(texts(content), out);
                    }
                    position += 1;
                }
                OutputItem::Reasoning { summary } if nothing_came => {
                    self.reasoning.finish(output_index, thoughts(summary), out);
                }
                OutputItem::Reasoning { .. } | OutputItem::Other => {}
            }
        }
        for message in self.messages.iter_mut().filter(|message| !message.is_done) {
            message.finish(Vec::new(), out);
        }
    }

    fn has_message(&self, output_index: u64) -> bool {
        self.messages.iter().any(|message| message.output_index == output_index)
    }

    /// The message at the upstream's place, if it has begun and is not over. Reasoning has parts and places too.
    fn open_message(&mut self, output_index: u64) -> Option<&mut Message> {
        let latest = self.messages.iter_mut().rfind(|message| message.output_index == output_index);
        latest.filter(|message| !message.is_done)
    }

    /// The message at the upstream's place that text is added to, which begins now if it has not; `None` if it is over.
    fn message(&mut self, output_index: u64, out: &mut Events) -> Option<&mut Message> {
        if !self.has_message(output_index) {
            self.start_message(output_index, None, out);
        }
        self.open_message(output_index)
    }

    fn start_message(&mut self, output_index: u64, upstream_id: Option<String>, out: &mut Events) -> &mut Message {
        self.reasoning.finish_all(out);
        // What adapters in front of the Chat Completions API give to every message.
        let upstream_id = upstream_id.filter(|id| !matches!(id.as_str(), "" | "__fake_id__"));
        let position = self.messages.len();
        self.messages.push(Message::start(position as u64, output_index, upstream_id, out));
        &mut self.messages[position]
    }
}

/// The event in the data.
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
        // Some event of a form that we do not know. What it should have told, the last events repeat.
        None => Ok(StreamEvent::Other),
    }
}

fn thoughts(summary: Option<Vec<SummaryPart>>) -> Vec<String> {
    summary.unwrap_or_default().into_iter().map(|part| part.text).collect()
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
            cached: usage.input_tokens_details.map_or(0, |details| details.cached_tokens),
            output: usage.output_tokens,
            reasoning: usage.output_tokens_details.map_or(0, |details| details.reasoning_tokens),
        }
    }
}
