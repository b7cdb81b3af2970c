use super::wire;
use crate::model::annotation;
use crate::protocol::{Annotation, AssistantContent};

/// A part as text, a refusal too; `None` for kinds that no one reads.
pub(super) fn text(part: wire::ContentPart) -> Option<AssistantContent> {
    match part {
        wire::ContentPart::OutputText { text, annotations } => {
            let annotations = annotations.unwrap_or_default().into_iter().filter_map(source).collect();
            Some(AssistantContent { text, annotations })
        }
        wire::ContentPart::Refusal { refusal } => Some(AssistantContent { text: refusal, annotations: Vec::new() }),
        wire::ContentPart::Other => None,
    }
}

/// The parts that are text, each with its place among all.
pub(super) fn texts(parts: Option<Vec<wire::ContentPart>>) -> Vec<(u64, AssistantContent)> {
    let parts = (0..).zip(parts.unwrap_or_default());
    parts.filter_map(|(content_index, part)| Some((content_index, text(part)?))).collect()
}

/// The source in ChatKit's form, at the end of the text that it supports; `None` for what cannot be shown.
pub(super) fn source(annotation: wire::Annotation) -> Option<Annotation> {
    match annotation {
        wire::Annotation::FileCitation { filename, index }
        | wire::Annotation::ContainerFileCitation { filename, end_index: index } => annotation::file(filename, index),
        wire::Annotation::UrlCitation { url, title, end_index } => annotation::page(url, title, end_index),
        wire::Annotation::Other => None,
    }
}
