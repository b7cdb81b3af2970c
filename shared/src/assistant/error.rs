/// An assistant document is wrong. The text says where and what belongs there, never what stands there: that may be a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} {wants}")]
pub struct DocumentError {
    /// Where, as in "`tools[0].run.url`", or "the document".
    pub place: String,
    /// What is wrong there; continues the sentence, as in "must be a number".
    pub wants: String,
}

impl DocumentError {
    /// An error at a path of the document, as in `tools[0].name`.
    pub(super) fn at(path: &str, wants: impl Into<String>) -> Self {
        Self { place: format!("`{path}`"), wants: wants.into() }
    }

    /// It is not JSON.
    pub(super) fn syntax(error: &serde_json::Error) -> Self {
        let wants = format!("is not JSON from line {}, column {} on", error.line(), error.column());
        Self { place: "the document".to_owned(), wants }
    }

    /// A part that stands at the path `base` does not have its shape.
    pub(super) fn shape(base: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let inner = error.path().to_string();
        let path = match (base, inner.as_str()) {
            (base, ".") => base.to_owned(),
            ("", inner) => inner.to_owned(),
            (base, inner) => format!("{base}.{inner}"),
        };
        let text = error.inner().to_string();
        let wants = match text.split_once(", expected ") {
            _ if text.starts_with("unknown field") => "is not known here".to_owned(),
            Some((_, "a map")) => "must be an object".to_owned(),
            Some((_, "a sequence")) => "must be a list".to_owned(),
            Some((_, "a boolean")) => "must be `true` or `false`".to_owned(),
            Some((_, expected)) => format!("must be {expected}"),
            None => text.replace("missing field", "lacks the field"),
        };
        if path.is_empty() { Self { place: "the document".to_owned(), wants } } else { Self::at(&path, wants) }
    }
}
