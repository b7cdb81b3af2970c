//! What a file is, by its first bytes. The type that a browser announces is what the file's name says, which may be
//! anything.

use super::MediaType;
use crate::model::is_text;

/// As many of a file are looked at.
pub(super) const LOOK_BYTES: usize = 1024;

/// What files of a type begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// One of those that browsers show. Which one does not matter: many a `.jpg` is a WebP.
    Picture,
    Pdf,
    /// Of Office since 2007: a ZIP, or what holds an encrypted one.
    Office,
    /// None of its bytes is zero, unless a byte order mark says that a character has two.
    Text,
}

impl Format {
    /// None where it is not known here. Among these are the older types of Office, under which Windows sends any table.
    fn of(media_type: &MediaType) -> Option<Self> {
        match media_type.as_str() {
            _ if media_type.is_raster() => Some(Self::Picture),
            "application/pdf" => Some(Self::Pdf),
            other if other.starts_with("application/vnd.openxmlformats-officedocument.") => Some(Self::Office),
            other if is_text(other) => Some(Self::Text),
            _ => None,
        }
    }

    fn is_of(self, start: &[u8]) -> bool {
        let begins = |signatures: &[&[u8]]| signatures.iter().any(|signature| start.starts_with(signature));
        match self {
            Self::Picture => {
                let is_webp = begins(&[b"RIFF"]) && start.get(8..12) == Some(b"WEBP");
                is_webp || begins(&[b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"])
            }
            // Readers look for it in the first kilobyte.
            Self::Pdf => start.windows(5).any(|part| part == b"%PDF-"),
            Self::Office => begins(&[b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
            Self::Text => begins(&[b"\xff\xfe", b"\xfe\xff"]) || !start.contains(&0),
        }
    }
}

impl MediaType {
    /// Whether a file that begins like this may be of this type.
    pub(crate) fn fits(&self, start: &[u8]) -> bool {
        let start = &start[..start.len().min(LOOK_BYTES)];
        Format::of(self).is_none_or(|format| format.is_of(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    #[test]
    fn types_fit_what_their_files_begin_with() {
        let fits = |name: &str, start: &[u8]| MediaType::parse(name).unwrap().fits(start);
        let pictures: [&[u8]; 5] = [
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"GIF87a\x01\0",
            b"GIF89a\x01\0",
            b"RIFF\x24\0\0\0WEBPVP8 ",
        ];
        for start in pictures {
            for name in ["image/png", "image/jpeg", "image/gif", "image/webp"] {
                assert!(fits(name, start), "{name}");
            }
            assert!(![DOCX, "application/pdf", "text/plain"].iter().any(|name| fits(name, start)));
        }
        for (name, start) in [
            ("application/pdf", b"\n\n%PDF-1.7\n\0".as_slice()),
            (DOCX, b"PK\x03\x04\x14\0"),
            (DOCX, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"),
            ("text/csv", b"\xff\xfea\0;\0"),
            ("text/markdown", b""),
            ("application/json", "{\"\u{fc}\": 1}".as_bytes()),
            ("application/vnd.ms-excel", b"a;b"),
            ("image/svg+xml", b"<svg/>"),
        ] {
            assert!(fits(name, start), "{name} {start:?}");
            assert!(!fits("image/png", start), "{start:?}");
        }
        for name in ["image/png", "image/webp", "application/pdf", DOCX] {
            assert!(!fits(name, b"<html><script>alert(1)</script>"), "{name}");
            assert!(!fits(name, b""), "{name}");
        }
        assert!(!fits("text/html", b"\0"));
        assert!(!fits("application/pdf", &[[b' '; LOOK_BYTES].as_slice(), b"%PDF-"].concat()));
        assert!(!fits("image/webp", b"RIFF\x24\0\0\0WAVEfmt "));
    }
}
