/// The types of recordings that are transcribed: those that browsers make, and what else OpenAI's transcription takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioType {
    Flac,
    Mp3,
    Mp4,
    Ogg,
    Wav,
    Webm,
}

impl AudioType {
    /// The type of a MIME type, with or without parameters, such as `audio/webm;codecs=opus`.
    pub fn from_mime_type(mime_type: &str) -> Option<Self> {
        let media_type = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "audio/flac" | "audio/x-flac" => Some(Self::Flac),
            "audio/mpeg" | "audio/mp3" => Some(Self::Mp3),
            "audio/mp4" | "audio/m4a" | "audio/x-m4a" => Some(Self::Mp4),
            "audio/ogg" => Some(Self::Ogg),
            "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => Some(Self::Wav),
            "audio/webm" => Some(Self::Webm),
            _ => None,
        }
    }

    /// Its one media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Flac => "audio/flac",
            Self::Mp3 => "audio/mpeg",
            Self::Mp4 => "audio/mp4",
            Self::Ogg => "audio/ogg",
            Self::Wav => "audio/wav",
            Self::Webm => "audio/webm",
        }
    }

    /// A file's name of this type: servers go by its extension.
    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Flac => "audio.flac",
            Self::Mp3 => "audio.mp3",
            Self::Mp4 => "audio.mp4",
            Self::Ogg => "audio.ogg",
            Self::Wav => "audio.wav",
            Self::Webm => "audio.webm",
        }
    }
}
