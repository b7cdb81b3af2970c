//! Ids in answers, as names that stay the same from run to run, and answers as snapshots show them.

use std::collections::HashMap;

use serde_json::Value;

/// Gives each id a name by its prefix and the order in which it was first seen: `thr_1`, `msg_2`.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_id: HashMap<String, String>,
    counts: HashMap<String, usize>,
}

/// Characters of a ULID.
const ULID: usize = 26;

/// Most characters of a line of a snapshot.
const LINE: usize = 100;

impl Names {
    /// A text with names in place of ids.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut named = String::new();
        let mut rest = text;
        while let Some(position) = rest.find('_') {
            let prefix = rest[..position].rfind(|c: char| !c.is_ascii_lowercase()).map_or(0, |before| before + 1);
            let end = position + 1 + ULID;
            let is_ulid = |ulid: &str| ulid.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
            if prefix < position && rest.get(position + 1..end).is_some_and(is_ulid) {
                named.push_str(&rest[..prefix]);
                named.push_str(&self.name(&rest[prefix..end]));
                rest = &rest[end..];
            } else {
                named.push_str(&rest[..=position]);
                rest = &rest[position + 1..];
            }
        }
        named + rest
    }

    /// Events or any other JSON with names in place of ids.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Value {
        serde_json::from_str(&self.text(&serde_json::to_string(value).unwrap())).unwrap()
    }

    /// Events, or others of several types, for a snapshot: the type and the rest of each.
    pub(crate) fn events(&mut self, events: &[Value]) -> String {
        let lines = events.iter().map(|event| {
            let mut rest = event.as_object().unwrap().clone();
            let kind = rest.remove("type").unwrap();
            format!("{} {}\n", kind.as_str().unwrap(), Value::Object(rest))
        });
        lines_of(&self.text(&lines.collect::<String>()))
    }

    /// The id behind a name.
    pub(crate) fn id(&self, name: &str) -> String {
        self.by_id.iter().find(|(_, known)| *known == name).unwrap().0.clone()
    }

    fn name(&mut self, id: &str) -> String {
        if let Some(name) = self.by_id.get(id) {
            return name.clone();
        }
        let prefix = id.split('_').next().unwrap();
        let count = self.counts.entry(prefix.to_owned()).or_default();
        *count += 1;
        let name = format!("{prefix}_{count}");
        self.by_id.insert(id.to_owned(), name.clone());
        name
    }
}

/// JSON, a document a line, for a snapshot: what is too long goes on in the next lines, which are indented.
pub(crate) fn lines_of(text: &str) -> String {
    text.lines().map(wrap).collect::<Vec<_>>().join("\n")
}

/// Breaks a line behind commas.
fn wrap(line: &str) -> String {
    let (mut wrapped, mut rest) = (String::new(), line);
    while let Some((end, _)) = rest.char_indices().nth(LINE) {
        let Some(comma) = rest[..end].rfind(',') else { break };
        wrapped.push_str(&rest[..=comma]);
        wrapped.push_str("\n  ");
        rest = &rest[comma + 1..];
    }
    wrapped + rest
}
