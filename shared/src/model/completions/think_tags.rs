//! Thoughts that a server leaves in the text: `<think>…</think>` at its beginning. vLLM without a parser for reasoning,
//! llama.cpp and older versions of Ollama do so.

use std::mem::take;

const START: &str = "<think>";
const END: &str = "</think>";

/// Takes the thoughts out of a text that comes in pieces.
#[derive(Default)]
pub(super) struct ThinkTags {
    stage: Stage,
    /// What may be a part of a tag, or space around one.
    withheld: String,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A thought may begin.
    #[default]
    Start,
    /// The thought has begun, and nothing of it has come.
    EmptyThought,
    Thought,
    /// The thought has ended, and only space has come since.
    BeforeText,
    Text,
}

impl ThinkTags {
    /// What of the text so far is thought, and what is said, as far as the next piece cannot change that.
    pub(super) fn split(&mut self, piece: &str) -> (String, String) {
        let (mut thought, mut text) = (String::new(), take(&mut self.withheld));
        text.push_str(piece);
        if self.stage == Stage::Start {
            let trimmed = text.trim_start();
            if let Some(rest) = trimmed.strip_prefix(START) {
                self.stage = Stage::EmptyThought;
                text = rest.to_owned();
            } else if START.starts_with(trimmed) {
                self.withheld = text;
                return Default::default();
            } else {
                self.stage = Stage::Text;
            }
        }
        if matches!(self.stage, Stage::EmptyThought | Stage::Thought) {
            let end = text.find(END);
            let content = match end {
                Some(end) => &text[..end],
                None => &text[..text.len() - tag_prefix(&text)],
            };
            let content = content.trim_end();
            let is_first = self.stage == Stage::EmptyThought;
            thought = if is_first { content.trim_start() } else { content }.to_owned();
            if !thought.is_empty() {
                self.stage = Stage::Thought;
            }
            let Some(end) = end else {
                self.withheld = text.split_off(content.len());
                return (thought, String::new());
            };
            self.stage = Stage::BeforeText;
            text.drain(..end + END.len());
        }
        if self.stage == Stage::BeforeText {
            text = text.trim_start().to_owned();
            if !text.is_empty() {
                self.stage = Stage::Text;
            }
        }
        (thought, text)
    }

    /// What is left when nothing more comes.
    pub(super) fn finish(&mut self) -> (String, String) {
        let rest = take(&mut self.withheld);
        match self.stage {
            Stage::EmptyThought | Stage::Thought => (rest.trim_end().to_owned(), String::new()),
            Stage::Start | Stage::BeforeText | Stage::Text => (String::new(), rest),
        }
    }
}

/// How many bytes at the end of the text may begin the end tag.
fn tag_prefix(text: &str) -> usize {
    (1..END.len()).rev().find(|&length| text.ends_with(&END[..length])).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut tags = ThinkTags::default();
        let mut all: Vec<_> = pieces.into_iter().map(|piece| tags.split(piece)).collect();
        all.push(tags.finish());
        all.into_iter().unzip()
    }

    const ANSWERS: [(&str, &str, &str); 16] = [
        ("<think>Hm, hm</think>\n\nHello", "Hm, hm", "Hello"),
        (" \n<think>\nHm\n\n hm \n</think>Hello \n", "Hm\n\n hm", "Hello \n"),
        ("<think>\n\n</think>\n\nHello", "", "Hello"),
        ("<think></think>", "", ""),
        ("<think>a < b </ think></thin", "a < b </ think></thin", ""),
        ("<think>never ends\n", "never ends", ""),
        ("<think>", "", ""),
        ("<think>ü</think>ä<think>more</think>", "ü", "ä<think>more</think>"),
        ("<think>a</think></think>b", "a", "</think>b"),
        ("Hello <think>x</think>", "", "Hello <think>x</think>"),
        ("<thin", "", "<thin"),
        ("<thinking>x", "", "<thinking>x"),
        ("\n  Hello", "", "\n  Hello"),
        ("</think>Hello", "", "</think>Hello"),
        ("", "", ""),
        (" ", "", " "),
    ];

    #[test]
    fn thought_at_the_beginning_is_no_text_however_it_is_cut() {
        for (answer, thought, text) in ANSWERS {
            let expected = (thought.to_owned(), text.to_owned());
            assert_eq!(read([answer]), expected, "{answer:?}");
            let characters: Vec<_> = answer.split("").collect();
            assert_eq!(read(characters), expected, "{answer:?}");
            for (cut, _) in answer.char_indices() {
                assert_eq!(read([&answer[..cut], &answer[cut..]]), expected, "{answer:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn nothing_is_held_back_that_must_be_text() {
        let mut tags = ThinkTags::default();
        assert_eq!(tags.split("<").1, "");
        assert_eq!(tags.split("b").1, "<b");
        assert_eq!(tags.split(" <think").1, " <think");
        let mut tags = ThinkTags::default();
        assert_eq!(tags.split("<think>a <").0, "a");
        assert_eq!(tags.split("b").0, " <b");
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            answer in "( |\n){0,2}(<think>)?[a-b<>/ü ]{0,9}(</think>)?[a-b<> ]{0,9}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let mut ends: Vec<_> = cuts.iter().map(|cut| answer.floor_char_boundary(cut.index(answer.len() + 1))).collect();
            ends.sort_unstable();
            let pieces = ends.iter().scan(0, |from, &end| Some(&answer[std::mem::replace(from, end)..end]));
            let rest = &answer[ends.last().copied().unwrap_or_default()..];
            prop_assert_eq!(read(pieces.chain([rest])), read([answer.as_str()]));
        }
    }
}
