use super::item;
use crate::model::annotation;
use crate::protocol::{Annotation, AssistantContent};

/// A part as text, a refusal too; `None` for kinds that no one reads.
pub(super) fn text(part: item::ContentPart) -> Option<AssistantContent> {
    match part {
        item::ContentPart::OutputText { text, annotations } => {
            let annotations = annotations.into_iter().filter_map(source).collect();
            Some(AssistantContent { text, annotations })
        }
        item::ContentPart::Refusal { refusal } => Some(AssistantContent { text: refusal, annotations: Vec::new() }),
        item::ContentPart::Other => None,
    }
}

/// The parts that are text, each with its place among all.
pub(super) fn texts(parts: Vec<item::ContentPart>) -> Vec<(u64, AssistantContent)> {
    let parts = (0..).zip(parts);
    parts.filter_map(|(content_index, part)| Some((content_index, text(part)?))).collect()
}

/// The source in ChatKit's form, at the end of the text that it supports; `None` for what cannot be shown.
pub(super) fn source(annotation: item::Annotation) -> Option<Annotation> {
    match annotation {
        item::Annotation::FileCitation { filename, index }
        | item::Annotation::ContainerFileCitation { filename, end_index: index } => annotation::file(filename, index),
        item::Annotation::UrlCitation { url, title, end_index } => annotation::page(url, title, end_index),
        item::Annotation::Other => None,
    }
}
