use std::mem;

use super::event::{Events, ModelEvent};
use crate::protocol::{Annotation, AssistantContent};

/// A message on its way: what has come of it so far.
pub(super) struct Message {
    /// Which message of the answer, from 0.
    number: u64,
    /// Its place in the upstream's output.
    pub(super) output_index: u64,
    pub(super) is_done: bool,
    parts: Vec<Part>,
}

/// A part on its way.
struct Part {
    /// Its place in the upstream's message; places of kinds that are not text are skipped.
    content_index: u64,
    is_done: bool,
    content: AssistantContent,
}

impl Message {
    pub(super) fn start(number: u64, output_index: u64, upstream_id: Option<String>, out: &mut Events) -> Self {
        out.push_back(ModelEvent::MessageStarted { message: number, upstream_id });
        Self { number, output_index, is_done: false, parts: Vec::new() }
    }

    pub(super) fn add_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !part.is_done && !text.is_empty() {
            part.content.text.push_str(&text);
            out.push_back(ModelEvent::TextDelta { message, index, text });
        }
    }

    pub(super) fn add_annotation(&mut self, content_index: u64, annotation: Annotation, out: &mut Events) {
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        part.content.annotations.push(annotation.clone());
        out.push_back(ModelEvent::AnnotationAdded { message, index, annotation: Box::new(annotation) });
    }

    /// The part is whole, and this is its text.
    pub(super) fn finish_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        self.finish_part(content_index, AssistantContent { text, annotations: Vec::new() }, out);
    }

    /// The message is whole, and these are its parts with their places; whatever of it did not come before, comes now.
    pub(super) fn finish(&mut self, parts: Vec<(u64, AssistantContent)>, out: &mut Events) {
        for (content_index, part) in parts {
            self.finish_part(content_index, part, out);
        }
        for content_index in self.parts.iter().map(|part| part.content_index).collect::<Vec<_>>() {
            self.finish_part(content_index, AssistantContent::default(), out);
        }
        self.is_done = true;
        let content = mem::take(&mut self.parts).into_iter().map(|part| part.content).collect();
        out.push_back(ModelEvent::MessageDone { message: self.number, content });
    }

    /// The part is whole, and this is it.
    pub(super) fn finish_part(&mut self, content_index: u64, whole: AssistantContent, out: &mut Events) {
        self.fill_part(content_index, whole, out);
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !mem::replace(&mut part.is_done, true) {
            out.push_back(ModelEvent::PartDone { message, index, text: part.content.text.clone() });
        }
    }

    /// Brings the part, which begins now if it has not, to what the upstream says it is: the text and annotations that
    /// are missing come now. Empty means that the upstream did not say.
    pub(super) fn fill_part(&mut self, content_index: u64, whole: AssistantContent, out: &mut Events) {
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !whole.text.is_empty() {
            let missing = whole.text.strip_prefix(part.content.text.as_str()).unwrap_or_default();
            if !missing.is_empty() && !part.is_done {
                out.push_back(ModelEvent::TextDelta { message, index, text: missing.to_owned() });
            }
            part.content.text = whole.text;
        }
        if !whole.annotations.is_empty() {
            for annotation in &whole.annotations {
                if !part.content.annotations.contains(annotation) {
                    out.push_back(ModelEvent::AnnotationAdded {
                        message,
                        index,
                        annotation: Box::new(annotation.clone()),
                    });
                }
            }
            part.content.annotations = whole.annotations;
        }
    }

    /// The part at the upstream's place, which begins now if it has not.
    fn part(&mut self, content_index: u64, out: &mut Events) -> (u64, &mut Part) {
        let known = self.parts.iter().position(|part| part.content_index == content_index);
        let position = known.unwrap_or_else(|| {
            let position = self.parts.len();
            out.push_back(ModelEvent::PartAdded { message: self.number, index: position as u64 });
            self.parts.push(Part { content_index, is_done: false, content: AssistantContent::default() });
            position
        });
        (position as u64, &mut self.parts[position])
    }
}
