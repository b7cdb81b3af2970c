use crate::telemetry::chain;

/// Why a call of an endpoint failed. Contains nothing of its answer, path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The signing secret could not be read; the log says why.
    #[error("the call of the endpoint cannot be signed")]
    Unsigned,
    /// No connection, or it was lost before an answer.
    #[error("the endpoint cannot be reached")]
    Unreachable,
    /// The answer was not complete in time.
    #[error("the endpoint took too long to answer")]
    TimedOut,
    /// Not a success; a redirect is not followed.
    #[error("the endpoint answered with the status {0}")]
    Status(u16),
    /// More than the endpoint's `max_answer_bytes`.
    #[error("the endpoint's answer is too large")]
    TooLarge,
    /// The text continues the sentence.
    #[error("the endpoint's answer {0}")]
    Malformed(&'static str),
}

impl EndpointError {
    /// For the model, or for the person whose action it was.
    pub const fn public_message(&self) -> &'static str {
        match self {
            Self::Unsigned | Self::Unreachable => "the service could not be reached",
            Self::TimedOut => "the service took too long to answer",
            Self::Status(_) => "the service answered with an error",
            Self::TooLarge => "the service's answer is too large",
            Self::Malformed(_) => "the service's answer could not be read",
        }
    }

    /// Whether a retry may succeed.
    pub(super) const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Unsigned | Self::TimedOut | Self::TooLarge | Self::Malformed(_) => false,
        }
    }

    /// The cause is for the operator's log only.
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        tracing::warn!(host, error = chain(&error.without_url()), "an endpoint cannot be reached");
        Self::Unreachable
    }
}
