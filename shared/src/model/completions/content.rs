use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::model::prompt::{FileSource, InputFile, InputPart};

/// What a message says.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    /// Wherever there is nothing but text: servers of text models know nothing else.
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: Image<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
pub(super) struct Image<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct File<'a> {
    filename: &'a str,
    file_data: Cow<'a, str>,
}

impl<'a> Content<'a> {
    pub(super) fn of_user(parts: &'a [InputPart]) -> Self {
        let parts: Vec<_> = parts.iter().filter_map(part).collect();
        let texts = parts.iter().map(|part| match part {
            Part::Text { text } => Some(text.as_ref()),
            Part::ImageUrl { .. } | Part::File { .. } => None,
        });
        match texts.collect::<Option<Vec<_>>>() {
            Some(texts) => Self::Text(texts.join("\n").into()),
            None => Self::Parts(parts),
        }
    }

    /// The same with what was said next.
    pub(super) fn and(self, next: Self) -> Self {
        match (self, next) {
            (Self::Text(text), Self::Text(next)) => Self::Text(format!("{text}\n\n{next}").into()),
            (content, next) => Self::Parts(content.into_parts().into_iter().chain(next.into_parts()).collect()),
        }
    }

    fn into_parts(self) -> Vec<Part<'a>> {
        match self {
            Self::Text(text) => vec![Part::Text { text }],
            Self::Parts(parts) => parts,
        }
    }
}

/// The part; `None` for a file that cannot be reached, which no request has.
fn part(part: &InputPart) -> Option<Part<'_>> {
    Some(match part {
        InputPart::Text(text) => Part::Text { text: text.into() },
        InputPart::Image(image) => Part::ImageUrl { image_url: Image { url: image.url()? } },
        InputPart::File(file) => self::file(file)?,
    })
}

/// A file: its text where it is text, which every model reads. The API takes no addresses of others.
fn file(file: &InputFile) -> Option<Part<'_>> {
    let InputFile { name, .. } = file;
    let base64 = match &file.source {
        FileSource::Base64(base64) => base64,
        FileSource::Url(_) => {
            let text = format!("The file `{name}` cannot be shown to you.").into();
            return Some(Part::Text { text });
        }
        FileSource::Stored(_) => return None,
    };
    let text = is_text(&file.media_type).then(|| STANDARD.decode(base64).ok().and_then(|t| String::from_utf8(t).ok()));
    Some(match text.flatten() {
        Some(text) => Part::Text { text: format!("The file `{name}`:\n{text}").into() },
        None => Part::File { file: File { filename: name, file_data: file.url()? } },
    })
}

fn is_text(media_type: &str) -> bool {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || matches!(media_type, "application/json" | "application/xml" | "application/yaml" | "application/javascript")
}
