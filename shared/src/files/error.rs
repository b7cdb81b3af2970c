use reqwest::StatusCode;
use tokio::time::error::Elapsed;

/// Why a file could not be had or kept. The text and its causes name no URL, key or content.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There is nothing.
    #[error("the file does not exist")]
    NotFound,
    /// There is something else than what was looked at.
    #[error("the file has changed")]
    Changed,
    /// It has more bytes than are read.
    #[error("the file is too large")]
    TooLarge,
    /// Not reachable, or a failure of its own: the same may work a moment later. A write may have happened.
    #[error("the store of files is not available")]
    Unavailable {
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Denied: somebody must mend it. S3 also says 403 instead of 404 to whoever may not list the bucket.
    #[error("the store of files denies it: allow the function's role what `template.yaml` does with `FILES_BUCKET`")]
    Denied,
    /// A request that makes no sense to it: trying again will not help.
    #[error("the store of files refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

impl FilesError {
    /// Whether the same may work a moment later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The request or its answer did not get through.
    pub(super) fn transport(error: reqwest::Error) -> Self {
        // The URL is signed.
        Self::Unavailable { source: Box::new(error.without_url()) }
    }

    /// Nothing came for as long as we are ready to wait.
    pub(super) fn silence(_: Elapsed) -> Self {
        Self::Unavailable { source: "it was silent for too long".into() }
    }

    /// What a status means that is no success.
    pub(super) fn status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::Denied,
            404 => Self::NotFound,
            412 => Self::Changed,
            // S3 takes one conditional write at a time, and says so when two meet.
            409 | 429 | 500..=599 => Self::Unavailable { source: format!("status {}", status.as_u16()).into() },
            status => Self::Refused { status },
        }
    }
}
