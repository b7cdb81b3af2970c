//! How much of an answer fits the store: a record of DynamoDB has 400 KB at most. What does not fit is not shown either,
//! so nothing that the person saw is lost.

use serde::Serialize;

use crate::protocol::{AssistantContent, Task};

/// Bytes of an item as JSON. What is carried beside it has 64 KB, its other attributes a few.
pub(super) const LARGEST_ITEM: usize = 300 * 1024;

/// Bytes of a task in a block as JSON. Each change of a task repeats it.
pub(super) const LARGEST_TASK: usize = 32 * 1024;

/// Bytes of what stands around the texts of a task or of a part of a message, and around the item of either.
const FRAME: usize = 512;

/// What is left of the room of a message.
pub(super) struct Room {
    left: usize,
    /// Whether something did not fit.
    pub(super) is_full: bool,
}

impl Room {
    pub(super) const fn new() -> Self {
        Self { left: LARGEST_ITEM - FRAME, is_full: false }
    }

    /// Takes room for something whole; whether there was enough.
    pub(super) fn take(&mut self, value: &impl Serialize) -> bool {
        let left = self.left.checked_sub(size(value));
        self.left = left.unwrap_or(self.left);
        self.is_full |= left.is_none();
        left.is_some()
    }

    /// Takes room for a text, which is cut where it ends.
    pub(super) fn take_text(&mut self, text: &mut String) {
        let (end, bytes) = fitting(text, self.left);
        self.left -= bytes;
        self.is_full |= end < text.len();
        text.truncate(end);
    }

    /// Takes room for all of a message's content, which is cut where it ends.
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

/// Bytes of something as JSON, with the comma behind it.
pub(super) fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len() + 1)
}

/// Cuts a task to what fits; whether it was larger.
pub(super) fn fit(task: &mut Task) -> bool {
    if size(task) <= LARGEST_TASK {
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
    let mut left = LARGEST_TASK - FRAME;
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

/// How far a text goes in so many bytes of JSON, and how many of them it takes.
fn fitting(text: &str, most: usize) -> (usize, usize) {
    let mut bytes = 0;
    for (place, character) in text.char_indices() {
        let more = match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..' ' => 6,
            other => other.len_utf8(),
        };
        if bytes + more > most {
            return (place, bytes);
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
            let (mut room, mut content) = (Room::new(), whole.clone());
            room.take_content(&mut content);
            prop_assert!(size(&content) <= LARGEST_ITEM);
            prop_assert_eq!(room.is_full, content != whole);
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
            assert!(fit(&mut task));
            assert!(size(&task) <= LARGEST_TASK, "{}", size(&task));
        }
    }
}
