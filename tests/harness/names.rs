//! Ids in answers, as names that stay the same from run to run.

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
