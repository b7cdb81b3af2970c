use std::fmt::{self, Display};

use crate::env::{Env, EnvError};

/// Images that models read, documents, plain text: each with the extensions of its files.
const DEFAULT_TYPES: [(&str, &[&str]); 15] = [
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("application/pdf", &["pdf"]),
    (PLAIN_TEXT, TEXT_EXTENSIONS),
    ("text/markdown", &["md", "markdown"]),
    ("text/csv", &["csv"]),
    ("application/json", &["json"]),
    ("application/msword", &["doc"]),
    ("application/vnd.ms-excel", &["xls"]),
    ("application/vnd.ms-powerpoint", &["ppt"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"]),
];

const PLAIN_TEXT: &str = "text/plain";

/// Text that has no type of its own on many systems, programs and pages among it: as plain text no browser runs them.
const TEXT_EXTENSIONS: &[&str] = &[
    "txt", "text", "log", "ini", "cfg", "conf", "toml", "yaml", "yml", "xml", "html", "htm", "css", "tex", "rst",
    "sql", "sh", "bat", "ps1", "py", "js", "mjs", "ts", "jsx", "tsx", "c", "h", "cpp", "hpp", "cs", "go", "java", "kt",
    "php", "rb", "rs", "swift", "tsv", "jsonl", "diff", "patch",
];

/// RFC 6838 allows 127 on each side of the slash.
const MAX_MEDIA_TYPE_CHARS: usize = 255;

/// A type of file such as `image/png`, in lower case and without parameters, fit for a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType(String);

impl MediaType {
    /// Reads a type as a browser sends it.
    pub fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let (kind, subtype) = essence.split_once('/')?;
        let is_name =
            |name: &str| name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed);
        let valid = essence.len() <= MAX_MEDIA_TYPE_CHARS && is_name(kind) && is_name(subtype);
        valid.then(|| Self(essence.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a browser shows it and runs nothing in it, as it would in an SVG.
    pub(super) fn is_raster(&self) -> bool {
        ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(&self.as_str())
    }

    /// Whether the client can show it as an image.
    pub(crate) fn is_image(&self) -> bool {
        self.0.starts_with("image/")
    }
}

/// The characters of a name by RFC 6838, section 4.2.
const fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '!' | '#' | '$' | '&' | '-' | '^' | '_' | '.' | '+')
}

impl Display for MediaType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The types of files that are accepted. By default images (PNG, JPEG, GIF, WebP), PDF, plain text, Markdown, CSV, JSON
/// and office documents, and nothing that a browser would run as a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaTypes(Vec<String>);

impl MediaTypes {
    /// Reads `FILES_TYPES`.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "FILES_TYPES";
        let wrong = || EnvError::new(NAME, "must be a list of types such as `application/pdf` or `image/*`");
        let list = env.list(NAME);
        if list.is_empty() {
            return Ok(Self(DEFAULT_TYPES.map(|(media_type, _)| media_type.to_owned()).to_vec()));
        }
        let read = |part: String| match part.strip_suffix("/*") {
            Some(kind) => MediaType::parse(&format!("{kind}/any")).map(|_| part.to_ascii_lowercase()),
            None => MediaType::parse(&part).map(|MediaType(part)| part),
        };
        list.into_iter().map(read).collect::<Option<_>>().map(Self).ok_or_else(wrong)
    }

    /// The type under which a file is accepted: the one that the browser names, else what the extension says. Browsers
    /// on Windows know no type of many text files, and others have names of their own for them (`text/x-markdown`).
    pub fn accept(&self, mime_type: &str, file_name: &str) -> Option<MediaType> {
        let of_extension = || {
            let (_, extension) = file_name.rsplit_once('.')?;
            let is_it = |known: &&str| known.eq_ignore_ascii_case(extension);
            let (media_type, _) = DEFAULT_TYPES.iter().find(|(_, known)| known.iter().any(is_it))?;
            MediaType::parse(media_type).filter(|media_type| self.contains(media_type))
        };
        MediaType::parse(mime_type).filter(|media_type| self.contains(media_type)).or_else(of_extension)
    }

    fn contains(&self, media_type: &MediaType) -> bool {
        let MediaType(wanted) = media_type;
        self.0.iter().any(|part| match part.strip_suffix('*') {
            Some(kind) => wanted.starts_with(kind),
            None => part == wanted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_type_is_read_as_browsers_send_it() {
        for (text, read) in [
            ("image/PNG", "image/png"),
            (" text/plain; charset=utf-8", "text/plain"),
            ("image/svg+xml", "image/svg+xml"),
        ] {
            assert_eq!(MediaType::parse(text).unwrap().as_str(), read);
        }
        let long = format!("a/{}", "b".repeat(254));
        for text in ["", "/", "image", "image/", "/png", "image/*", "a/b/c", "a/b c", "a/b\r\nx: y", "ä/b", &long] {
            assert_eq!(MediaType::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn list_has_types_and_wildcards() {
        let types = |list: &str| MediaTypes::from_env(&Env::from_iter([("FILES_TYPES", list)]));
        let contains =
            |list: &str, media_type: &str| types(list).unwrap().contains(&MediaType::parse(media_type).unwrap());
        assert!(contains("image/*, TEXT/csv", "image/svg+xml"));
        assert!(contains("image/*, TEXT/csv", "text/csv"));
        assert!(!contains("image/*, TEXT/csv", "text/plain"));
        assert!(!contains("image/*", "imagex/png"));
        assert!(contains("", "application/pdf"));
        assert!(!contains("", "text/html") && !contains("", "image/svg+xml"));
        for wrong in ["image", "*/*", "*", "image/*,,/", "image/p*"] {
            types(wrong).unwrap_err();
        }
    }
}
