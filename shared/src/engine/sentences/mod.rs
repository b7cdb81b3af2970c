//! What a person reads in the chat, in each language. A language is a file; the compiler sees that it is complete.

mod de;
mod en;
mod es;
mod fr;
mod it;
mod ja;
mod pt;
mod zh;

use std::time::Duration;

use crate::identity::Languages;
use crate::limits::whole_seconds;

/// The sentences of one language. `{when}` stands for one of `in_seconds`, `in_minutes` and `in_hours`, whose `{n}` is
/// at least two.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentences {
    pub(super) out_of_order: &'static str,
    pub(super) busy: &'static str,
    pub(super) conversation_too_long: &'static str,
    pub(super) not_answerable: &'static str,
    pub(super) unreachable: &'static str,
    pub(super) silent: &'static str,
    pub(super) broken_off: &'static str,
    pub(super) action_failed: &'static str,
    pub(super) took_too_long: &'static str,
    pub(super) interrupted: &'static str,
    pub(super) no_answer: &'static str,
    pub(super) not_saved: &'static str,
    pub(super) closed: &'static str,

    pub(super) asked_a_lot: &'static str,
    pub(super) user_budget: &'static str,
    pub(super) address_budget: &'static str,
    pub(super) tenant_budget: &'static str,
    pub(super) larger_than_budget: &'static str,
    pub(super) in_seconds: &'static str,
    pub(super) in_minutes: &'static str,
    pub(super) in_hours: &'static str,

    pub(super) cut_by_limit: &'static str,
    pub(super) cut_by_user_budget: &'static str,
    pub(super) cut_by_address_budget: &'static str,
    pub(super) cut_by_tenant_budget: &'static str,
    pub(super) cut_by_length: &'static str,
    pub(super) cut_by_filter: &'static str,
    pub(super) incomplete: &'static str,
    pub(super) picture_lost: &'static str,

    pub(super) task_failed: &'static str,
    pub(super) searched_web: &'static str,
    pub(super) searched_files: &'static str,
    pub(super) steps: &'static str,
}

impl Sentences {
    /// The first of the person's languages that there is; English if there is none.
    pub(super) fn of(languages: &Languages) -> &'static Self {
        let known = |tag: &str| {
            Some(match tag.split('-').next()?.to_ascii_lowercase().as_str() {
                "de" => &de::DE,
                "en" => &en::EN,
                "es" => &es::ES,
                "fr" => &fr::FR,
                "it" => &it::IT,
                "ja" => &ja::JA,
                "pt" => &pt::PT,
                "zh" => &zh::ZH,
                _ => return None,
            })
        };
        languages.iter().find_map(known).unwrap_or(&en::EN)
    }

    /// The sentence with the time after which its reader may come back.
    pub(super) fn with_time(&self, sentence: &str, wait: Duration) -> String {
        let seconds = whole_seconds(wait);
        let (when, count) = match seconds {
            ..100 => (self.in_seconds, seconds),
            100..6_000 => (self.in_minutes, seconds.div_ceil(60)),
            _ => (self.in_hours, seconds.div_ceil(3_600)),
        };
        // One second more than is true does no harm, and spares every language its singular.
        sentence.replace("{when}", &when.replace("{n}", &count.max(2).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [&Sentences; 8] = [&de::DE, &en::EN, &es::ES, &fr::FR, &it::IT, &ja::JA, &pt::PT, &zh::ZH];

    /// The names of the fields, each with its sentence.
    fn fields(sentences: &Sentences) -> Vec<(String, String)> {
        let debug = format!("{sentences:#?}");
        let lines = debug.lines().filter_map(|line| line.trim().trim_end_matches(',').split_once(": "));
        lines.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn each_language_has_the_same_placeholders() {
        let placeholders = |text: &str| {
            let mut all: Vec<_> =
                text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
            all.sort();
            all
        };
        for language in LANGUAGES {
            for ((name, text), (_, english)) in fields(language).iter().zip(fields(&en::EN)) {
                assert_eq!(placeholders(text), placeholders(&english), "{name}: {text}");
                assert!(text.len() > 4 && (language == &en::EN || *text != english), "{name}: {text}");
                // Labels and times are no sentences.
                let is_sentence = english.contains('.');
                assert_eq!(text.contains(['.', '。']), is_sentence, "{name}: {text}");
            }
        }
        assert_eq!(fields(&en::EN).len(), 33);
    }

    #[test]
    fn language_is_the_first_known_one() {
        for (header, expected) in [
            ("", &en::EN),
            ("nl", &en::EN),
            ("nl, DE-at;q=0.8, fr;q=0.5", &de::DE),
            ("zh-Hant-TW", &zh::ZH),
            ("deu", &en::EN),
            ("pt-BR,pt;q=0.9", &pt::PT),
        ] {
            assert_eq!(Sentences::of(&Languages::accepted(header)), expected, "{header}");
        }
    }

    #[test]
    fn time_is_said_in_a_unit_that_people_use() {
        for (seconds, when) in [
            (0, "in 2 seconds"),
            (40, "in 40 seconds"),
            (99, "in 99 seconds"),
            (100, "in 2 minutes"),
            (121, "in 3 minutes"),
            (5_999, "in 100 minutes"),
            (6_000, "in 2 hours"),
            (86_400, "in 24 hours"),
        ] {
            assert_eq!(en::EN.with_time("{when}", Duration::from_secs(seconds)), when);
        }
    }
}
