use crate::telemetry::chain;

/// Why a call of an endpoint failed. Has nothing of its answer, and neither its path nor its query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is no secret to sign it with at the moment; the log says why.
    #[error("the call of the endpoint cannot be signed")]
    Unsigned,
    /// No connection, or it was lost before an answer.
    #[error("the endpoint cannot be reached")]
    Unreachable,
    /// Not all of the answer was there in time.
    #[error("the endpoint took too long to answer")]
    TimedOut,
    /// An answer that is no success; redirects are none.
    #[error("the endpoint answered with the status {0}")]
    Status(u16),
    /// More bytes than it may have.
    #[error("the endpoint's answer is too large")]
    TooLarge,
    /// Not what an answer has to be; what, continues the sentence.
    #[error("the endpoint's answer {0}")]
    Malformed(&'static str),
}

impl EndpointError {
    /// What the model is told, or the person whose action it was.
    pub const fn public_message(&self) -> &'static str {
        match self {
            Self::Unsigned | Self::Unreachable => "the service could not be reached",
            Self::TimedOut => "the service took too long to answer",
            Self::Status(_) => "the service answered with an error",
            Self::TooLarge => "the service's answer is too large",
            Self::Malformed(_) => "the service's answer could not be read",
        }
    }

    /// Whether the same call may succeed a moment later.
    pub(super) const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable => true,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Unsigned | Self::TimedOut | Self::TooLarge | Self::Malformed(_) => false,
        }
    }

    /// From an error of the client before there is an answer; why is for the operator's log alone.
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        tracing::warn!(host, error = chain(&error.without_url()), "an endpoint cannot be reached");
        Self::Unreachable
    }
}
