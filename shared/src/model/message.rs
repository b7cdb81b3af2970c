use std::mem;

use super::event::{Events, ModelEvent};
use super::wire;
use crate::protocol::{Annotation, AssistantContent, Source};

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

    /// The part begins, with what it has from the beginning.
    pub(super) fn add_part(&mut self, content_index: u64, part: wire::ContentPart, out: &mut Events) {
        if let Some(content) = content(part) {
            self.reach(content_index, content, out);
        }
    }

    pub(super) fn add_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !part.is_done && !text.is_empty() {
            part.content.text.push_str(&text);
            out.push_back(ModelEvent::TextDelta { message, index, text });
        }
    }

    pub(super) fn add_annotation(&mut self, content_index: u64, annotation: wire::Annotation, out: &mut Events) {
        if let Some(annotation) = convert(annotation) {
            let message = self.number;
            let (index, part) = self.part(content_index, out);
            part.content.annotations.push(annotation.clone());
            out.push_back(ModelEvent::AnnotationAdded { message, index, annotation: Box::new(annotation) });
        }
    }

    /// The part is whole, and this is it.
    pub(super) fn finish_part(&mut self, content_index: u64, part: wire::ContentPart, out: &mut Events) {
        if let Some(content) = content(part) {
            self.conclude(content_index, content, out);
        }
    }

    /// The part is whole, and this is its text.
    pub(super) fn finish_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        self.conclude(content_index, AssistantContent { text, annotations: Vec::new() }, out);
    }

    /// The message is whole, and this is its content; whatever of it did not come before, comes now.
    pub(super) fn finish(&mut self, parts: Vec<wire::ContentPart>, out: &mut Events) {
        for (content_index, part) in (0..).zip(parts) {
            self.finish_part(content_index, part, out);
        }
        for content_index in self.parts.iter().map(|part| part.content_index).collect::<Vec<_>>() {
            self.conclude(content_index, AssistantContent::default(), out);
        }
        self.is_done = true;
        let content = mem::take(&mut self.parts).into_iter().map(|part| part.content).collect();
        out.push_back(ModelEvent::MessageDone { message: self.number, content });
    }

    fn conclude(&mut self, content_index: u64, whole: AssistantContent, out: &mut Events) {
        self.reach(content_index, whole, out);
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !mem::replace(&mut part.is_done, true) {
            out.push_back(ModelEvent::PartDone { message, index, text: part.content.text.clone() });
        }
    }

    /// Brings the part to what the upstream says it is: the text and annotations that are missing come now. Empty means
    /// that the upstream did not say.
    fn reach(&mut self, content_index: u64, whole: AssistantContent, out: &mut Events) {
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

/// A part as text, a refusal too; `None` for kinds that no one reads.
fn content(part: wire::ContentPart) -> Option<AssistantContent> {
    match part {
        wire::ContentPart::OutputText { text, annotations } => {
            let annotations = annotations.unwrap_or_default().into_iter().filter_map(convert).collect();
            Some(AssistantContent { text, annotations })
        }
        wire::ContentPart::Refusal { refusal } => Some(AssistantContent { text: refusal, annotations: Vec::new() }),
        wire::ContentPart::Other => None,
    }
}

/// The source in ChatKit's form, at the end of the text that it supports; `None` for what cannot be shown.
fn convert(annotation: wire::Annotation) -> Option<Annotation> {
    let (source, index) = match annotation {
        wire::Annotation::FileCitation { filename, index }
        | wire::Annotation::ContainerFileCitation { filename, end_index: index } => {
            let filename = filename.filter(|name| !name.is_empty())?;
            let title = filename.clone();
            (Source::File { title, description: None, timestamp: None, group: None, filename }, index)
        }
        wire::Annotation::UrlCitation { url, title, end_index } => {
            let url = url.filter(|url| !url.is_empty())?;
            let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| url.clone());
            let source = Source::Url { title, description: None, timestamp: None, group: None, url, attribution: None };
            (source, end_index)
        }
        wire::Annotation::Other => return None,
    };
    Some(Annotation { source, index: index.and_then(|index| u64::try_from(index).ok()) })
}
