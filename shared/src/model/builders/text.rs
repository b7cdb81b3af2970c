//! Messages and thoughts, built from their deltas.

use std::mem;

use crate::model::event::{Events, ModelEvent};
use crate::protocol::{Annotation, AssistantContent, Source};

/// A message and what has come of it so far.
pub(crate) struct MessageBuilder {
    /// Which message of the answer, from 0.
    number: u64,
    pub(crate) output_index: u64,
    pub(crate) is_done: bool,
    parts: Vec<PartBuilder>,
}

struct PartBuilder {
    /// The upstream's index, which also counts the parts that are not text.
    content_index: u64,
    is_done: bool,
    content: AssistantContent,
}

impl MessageBuilder {
    pub(crate) fn start(number: u64, output_index: u64, upstream_id: Option<String>, out: &mut Events) -> Self {
        out.push_back(ModelEvent::MessageStarted { message: number, upstream_id });
        Self { number, output_index, is_done: false, parts: Vec::new() }
    }

    pub(crate) fn add_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !part.is_done && !text.is_empty() {
            part.content.text.push_str(&text);
            out.push_back(ModelEvent::TextDelta { message, index, text });
        }
    }

    pub(crate) fn add_annotation(&mut self, content_index: u64, annotation: Annotation, out: &mut Events) {
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        part.content.annotations.push(annotation.clone());
        out.push_back(ModelEvent::AnnotationAdded { message, index, annotation: Box::new(annotation) });
    }

    /// Finishes a part with its whole text.
    pub(crate) fn finish_text(&mut self, content_index: u64, text: String, out: &mut Events) {
        self.finish_part(content_index, AssistantContent { text, annotations: Vec::new() }, out);
    }

    /// Finishes the message with its parts and their indices.
    pub(crate) fn finish(&mut self, parts: Vec<(u64, AssistantContent)>, out: &mut Events) {
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

    pub(crate) fn finish_part(&mut self, content_index: u64, whole: AssistantContent, out: &mut Events) {
        self.fill_part(content_index, whole, out);
        let message = self.number;
        let (index, part) = self.part(content_index, out);
        if !mem::replace(&mut part.is_done, true) {
            out.push_back(ModelEvent::PartDone { message, index, text: part.content.text.clone() });
        }
    }

    /// Brings the part to what the upstream says it is: emits the text and annotations that are missing. Empty means
    /// that the upstream did not say.
    pub(crate) fn fill_part(&mut self, content_index: u64, whole: AssistantContent, out: &mut Events) {
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
            for annotation in whole.annotations.iter().filter(|known| !part.content.annotations.contains(known)) {
                let annotation = Box::new(annotation.clone());
                out.push_back(ModelEvent::AnnotationAdded { message, index, annotation });
            }
            part.content.annotations = whole.annotations;
        }
    }

    /// The part at the upstream's index; starts it if it is new.
    fn part(&mut self, content_index: u64, out: &mut Events) -> (u64, &mut PartBuilder) {
        let known = self.parts.iter().position(|part| part.content_index == content_index);
        let position = known.unwrap_or_else(|| {
            let position = self.parts.len();
            out.push_back(ModelEvent::PartAdded { message: self.number, index: position as u64 });
            self.parts.push(PartBuilder { content_index, is_done: false, content: AssistantContent::default() });
            position
        });
        (position as u64, &mut self.parts[position])
    }
}

/// The thoughts of an answer and what has come of them so far.
#[derive(Default)]
pub(crate) struct ReasoningBuilder {
    /// The upstream's indices of the reasoning items, in the order in which they started.
    output_indices: Vec<u64>,
    /// Numbered in the order in which they started.
    thoughts: Vec<Thought>,
}

struct Thought {
    /// A position in `output_indices`.
    item: usize,
    summary_index: u64,
    text: String,
    is_done: bool,
}

impl ReasoningBuilder {
    pub(crate) const fn is_empty(&self) -> bool {
        self.output_indices.is_empty()
    }

    pub(crate) fn start(&mut self, output_index: u64, out: &mut Events) {
        self.finish_all(out);
        self.output_indices.push(output_index);
        out.push_back(ModelEvent::ReasoningStarted);
    }

    pub(crate) fn add_text(&mut self, output_index: u64, summary_index: u64, text: String, out: &mut Events) {
        let (part, thought) = self.thought(output_index, summary_index, out);
        if !thought.is_done && !text.is_empty() {
            thought.text.push_str(&text);
            out.push_back(ModelEvent::ReasoningDelta { part, text });
        }
    }

    /// Finishes a thought with its whole text.
    pub(crate) fn finish_thought(&mut self, output_index: u64, summary_index: u64, text: String, out: &mut Events) {
        let (part, thought) = self.thought(output_index, summary_index, out);
        if !thought.is_done {
            // Empty means that the upstream did not say.
            if !text.is_empty() {
                thought.text = text;
            }
            thought.finish(part, out);
        }
    }

    /// Finishes a reasoning item with all its thoughts.
    pub(crate) fn finish(&mut self, output_index: u64, thoughts: Vec<String>, out: &mut Events) {
        if !self.output_indices.contains(&output_index) {
            self.start(output_index, out);
        }
        for (summary_index, text) in (0..).zip(thoughts) {
            self.finish_thought(output_index, summary_index, text, out);
        }
        self.finish_all(out);
    }

    /// Something else starts, or nothing more comes.
    pub(crate) fn finish_all(&mut self, out: &mut Events) {
        for (part, thought) in (0..).zip(&mut self.thoughts) {
            if !thought.is_done {
                thought.finish(part, out);
            }
        }
    }

    /// The thought at the upstream's indices; starts it if it is new.
    fn thought(&mut self, output_index: u64, summary_index: u64, out: &mut Events) -> (u64, &mut Thought) {
        let item = self.output_indices.iter().rposition(|&index| index == output_index).unwrap_or_else(|| {
            self.start(output_index, out);
            self.output_indices.len() - 1
        });
        let known = self.thoughts.iter().position(|known| known.item == item && known.summary_index == summary_index);
        let position = known.unwrap_or_else(|| {
            self.thoughts.push(Thought { item, summary_index, text: String::new(), is_done: false });
            self.thoughts.len() - 1
        });
        (position as u64, &mut self.thoughts[position])
    }
}

impl Thought {
    fn finish(&mut self, part: u64, out: &mut Events) {
        self.is_done = true;
        out.push_back(ModelEvent::ReasoningDone { part, text: mem::take(&mut self.text) });
    }
}

/// A web page as the source of the text before `end`, in characters; `None` without an address.
pub(crate) fn page_annotation(url: Option<String>, title: Option<String>, end: Option<i64>) -> Option<Annotation> {
    Some(Annotation { source: page_source(url, title)?, index: index(end) })
}

/// A file as the source of the text before `end`, in characters; `None` without a name.
pub(crate) fn file_annotation(filename: Option<String>, end: Option<i64>) -> Option<Annotation> {
    Some(Annotation { source: file_source(filename)?, index: index(end) })
}

/// A web page; `None` without an address.
pub(crate) fn page_source(url: Option<String>, title: Option<String>) -> Option<Source> {
    let url = url.filter(|url| !url.is_empty())?;
    let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| url.clone());
    Some(Source::Url { title, description: None, timestamp: None, group: None, url, attribution: None })
}

/// A file; `None` without a name.
pub(crate) fn file_source(filename: Option<String>) -> Option<Source> {
    let filename = filename.filter(|name| !name.is_empty())?;
    let title = filename.clone();
    Some(Source::File { title, description: None, timestamp: None, group: None, filename })
}

fn index(position: Option<i64>) -> Option<u64> {
    position.and_then(|position| u64::try_from(position).ok())
}
