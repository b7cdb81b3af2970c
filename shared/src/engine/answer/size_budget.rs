//! How much of an answer fits the store: a record of DynamoDB has 400 KB at most. What does not fit is not shown
//! either, so nothing that the person saw is lost.

use serde::Serialize;

use crate::protocol::{AssistantContent, Task};

/// Of an item as JSON. The model context that is stored beside it has 64 KB, its other attributes a few.
pub(super) const MAX_ITEM_BYTES: usize = 300 * 1024;

/// Of a task of a workflow as JSON. Each change of a task sends all of it.
pub(super) const MAX_TASK_BYTES: usize = 32 * 1024;

/// For what surrounds the texts of a task or of a part of a message, and the item of either.
const FRAME_BYTES: usize = 512;

/// How many bytes a message may still take.
pub(super) struct SizeBudget {
    bytes_left: usize,
    /// Whether something did not fit.
    pub(super) is_full: bool,
}

impl SizeBudget {
    pub(super) const fn new() -> Self {
        Self { bytes_left: MAX_ITEM_BYTES - FRAME_BYTES, is_full: false }
    }

    /// Takes what a whole value needs; false if it does not fit.
    pub(super) fn take(&mut self, value: &impl Serialize) -> bool {
        let left = self.bytes_left.checked_sub(size(value));
        self.bytes_left = left.unwrap_or(self.bytes_left);
        self.is_full |= left.is_none();
        left.is_some()
    }

    /// Takes what a text needs; the text is cut where it no longer fits.
    pub(super) fn take_text(&mut self, text: &mut String) {
        let (end, bytes) = fitting(text, self.bytes_left);
        self.bytes_left -= bytes;
        self.is_full |= end < text.len();
        text.truncate(end);
    }

    /// Starts again with all of a message's content, which is cut where it no longer fits.
    pub(super) fn take_content(&mut self, content: &mut Vec<AssistantContent>) {
        *self = Self { is_full: self.is_full, ..Self::new() };
        content.retain_mut(|part| {
            let mut text = std::mem::take(&mut part.text);
            let annotations = std::mem::take(&mut part.annotations);
            if !self.take(part) {
                return false;
            }
            self.take_text(&mut text);
            part.text = text;
            part.annotations = annotations.into_iter().filter(|annotation| self.take(annotation)).collect();
            true
        });
    }
}

/// Bytes of a value as JSON, with the comma behind it.
pub(super) fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len() + 1)
}

/// Cuts a task that is larger than [`MAX_TASK_BYTES`]; false if it is not.
pub(super) fn truncate_to_fit(task: &mut Task) -> bool {
    if size(task) <= MAX_TASK_BYTES {
        return false;
    }
    let (title, content) = match task {
        Task::Thought { title, content, .. } => (title, Some(content)),
        Task::Custom { title, content, .. } => (title, content.as_mut()),
        Task::WebSearch { title, title_query, queries, sources, .. } => {
            *title_query = None;
            queries.clear();
            sources.clear();
            (title, None)
        }
        Task::File { title, sources, .. } => {
            sources.clear();
            (title, None)
        }
        Task::Image { title, .. } => (title, None),
    };
    let mut left = MAX_TASK_BYTES - FRAME_BYTES;
    for text in title.iter_mut().chain(content) {
        let (end, bytes) = fitting(text, left);
        if end < text.len() {
            text.truncate(end);
            text.push('…');
        }
        left -= bytes;
    }
    true
}

/// The longest prefix of a text that takes at most so many bytes in JSON: where it ends, and its bytes.
fn fitting(text: &str, most: usize) -> (usize, usize) {
    let mut bytes = 0;
    for (position, character) in text.char_indices() {
        let more = match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..' ' => 6,
            other => other.len_utf8(),
        };
        if bytes + more > most {
            return (position, bytes);
        }
        bytes += more;
    }
    (text.len(), bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{Source, StatusIndicator};

    proptest! {
        #[test]
        fn a_text_takes_what_its_json_has(text: String, most in 0_usize..200) {
            let (end, bytes) = fitting(&text, most);
            prop_assert_eq!(bytes, serde_json::to_string(&text[..end]).unwrap().len() - 2);
            prop_assert!(bytes <= most && (end == text.len() || bytes + 6 > most));
        }

        #[test]
        fn what_was_taken_fits(texts in prop::collection::vec(("[a\"ü\\n\\x01]{0,9}", 0_usize..30_000), 0..20)) {
            let part = |(text, times): (String, usize)| {
                AssistantContent { text: text.repeat(times), ..AssistantContent::default() }
            };
            let whole: Vec<_> = texts.into_iter().map(part).collect();
            let (mut budget, mut content) = (SizeBudget::new(), whole.clone());
            budget.take_content(&mut content);
            prop_assert!(size(&content) <= MAX_ITEM_BYTES);
            prop_assert_eq!(budget.is_full, content != whole);
        }
    }

    #[test]
    fn every_task_fits() {
        let (status_indicator, long) = (StatusIndicator::None, "\u{1}ü\"".repeat(100_000));
        let title = Some(long.clone());
        let url = |_| Source::Url {
            title: long.clone(),
            url: long.clone(),
            description: None,
            timestamp: None,
            group: None,
            attribution: None,
        };
        let sources: Vec<_> = (0..3).map(url).collect();
        for mut task in [
            Task::Thought { status_indicator, title: title.clone(), content: long.clone() },
            Task::Custom { status_indicator, title: title.clone(), icon: None, content: title.clone() },
            Task::WebSearch {
                status_indicator,
                title: title.clone(),
                title_query: title.clone(),
                queries: vec![long.clone()],
                sources: sources.clone(),
            },
            Task::File { status_indicator, title: title.clone(), sources },
            Task::Image { status_indicator, title },
        ] {
            assert!(truncate_to_fit(&mut task));
            assert!(size(&task) <= MAX_TASK_BYTES, "{}", size(&task));
        }
    }
}
