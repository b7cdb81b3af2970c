/// A fault of an assistant document. The text names the place and what is expected, never the value, which may be a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} {wants}")]
pub struct DocumentError {
    /// As in "`tools[0].run.url`", or "the document".
    pub place: String,
    /// Continues the sentence, as in "must be a number".
    pub wants: String,
}

impl DocumentError {
    /// `path` is as in `tools[0].name`.
    pub(crate) fn at(path: &str, wants: impl Into<String>) -> Self {
        Self { place: format!("`{path}`"), wants: wants.into() }
    }

    /// The document as a whole.
    pub(crate) fn whole(wants: impl Into<String>) -> Self {
        Self { place: "the document".to_owned(), wants: wants.into() }
    }

    pub(crate) fn syntax(error: &serde_json::Error) -> Self {
        // What `serde_json` says of syntax has a place and no values.
        Self::whole(format!("is not JSON: {error}"))
    }

    /// A part at the path `base` has the wrong shape.
    pub(super) fn shape(base: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let inner = error.path().to_string();
        let path = match (base, inner.as_str()) {
            (base, ".") => base.to_owned(),
            ("", inner) => inner.to_owned(),
            (base, inner) => format!("{base}.{inner}"),
        };
        let text = error.inner().to_string();
        let wants = match text.split_once(", expected ") {
            _ if text.starts_with("unknown field") => unknown_field(&text),
            Some((_, "a map")) => "must be an object".to_owned(),
            Some((_, "a sequence")) => "must be a list".to_owned(),
            Some((_, "a boolean")) => "must be `true` or `false`".to_owned(),
            Some((_, expected)) => format!("must be {expected}"),
            None => text.replace("missing field", "lacks the field"),
        };
        if path.is_empty() { Self::whole(wants) } else { Self::at(&path, wants) }
    }
}

/// From serde's "unknown field `modle`, expected one of `model`, `tools`". The field is a name, not a value.
fn unknown_field(text: &str) -> String {
    let mut names = text.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let closest = names.map(|name| (distance(unknown, name), name)).min();
    match closest {
        Some((distance, name)) if distance <= 2 => format!("is not a known field; did you mean `{name}`?"),
        Some(_) | None => "is not a known field".to_owned(),
    }
}

/// How many letters must be added, removed or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
