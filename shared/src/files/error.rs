use reqwest::StatusCode;

/// Why a request to the bucket failed. The text and its causes contain no URL, key or content.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("the file does not exist")]
    NotFound,
    /// It is not the file that was checked.
    #[error("the file has changed")]
    Changed,
    #[error("the file is too large")]
    TooLarge,
    /// Not reachable, or an error of S3: a retry may succeed. A write may have happened.
    #[error("the bucket for files is not available")]
    Unavailable {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operator must act. S3 also answers 403 instead of 404 where the role may not list the bucket.
    #[error(
        "the bucket for files denies access: give the function's role the rights on `FILES_BUCKET` that `template.yaml` gives it"
    )]
    Denied,
    /// The request is invalid: a retry will not help.
    #[error("the bucket for files refused the request with status {status}")]
    Refused { status: u16 },
}

impl FilesError {
    /// Whether a retry may succeed.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(super) fn transport(error: reqwest::Error) -> Self {
        // The URL is signed.
        Self::Unavailable { source: Box::new(error.without_url()) }
    }

    pub(super) fn silence() -> Self {
        Self::Unavailable { source: "it sent nothing for too long".into() }
    }

    pub(super) fn status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::Denied,
            404 => Self::NotFound,
            412 => Self::Changed,
            // 409: S3 accepts one conditional write of an object at a time.
            409 | 429 | 500..=599 => Self::Unavailable { source: format!("status {}", status.as_u16()).into() },
            status => Self::Refused { status },
        }
    }
}
