use std::error::Error;
use std::fmt::{self, Display};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::time::error::Elapsed;

use super::wire::ReportedError;
use crate::secrets::SecretError;

/// The model gave no complete answer.
///
/// Its text is for the log: it contains codes only, never what the upstream wrote, because that may quote the user.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{upstream}")]
pub struct ModelError {
    pub kind: ModelErrorKind,
    pub upstream: Upstream,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// One kind per reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModelErrorKind {
    /// The key is wrong or may not do this: the operator must act.
    #[error("the model's key was not accepted")]
    Unauthorized,
    /// The key cannot be read: the operator must act.
    #[error("the model's key cannot be read")]
    NoKey,
    /// Too many requests or tokens at once: ask again later.
    #[error("the model's rate limit is reached")]
    RateLimited { retry_after: Option<Duration> },
    /// The account has nothing left to spend: the operator must act.
    #[error("the model's quota is used up")]
    QuotaExceeded,
    /// The conversation does not fit into the model: shorten it.
    #[error("the prompt is too long for the model")]
    ContextTooLong,
    /// The upstream's policy forbids an answer: the user may ask for something else.
    #[error("the model's policy forbids an answer")]
    Refused,
    /// Our request is wrong, such as a model that does not exist: the operator must act.
    #[error("the model's API rejected the request")]
    Rejected,
    /// The upstream cannot be reached or has failed: ask again later.
    #[error("the model cannot be reached or has failed")]
    Unavailable,
    /// Silence for longer than the configured timeout: ask again.
    #[error("the model was silent for too long")]
    TimedOut,
    /// The answer is invalid or incomplete: ask again.
    #[error("the model's answer is broken: {0}")]
    Broken(&'static str),
}

/// What the upstream said about a failure: short codes for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The HTTP status, unless the failure came inside a stream.
    pub status: Option<u16>,
    /// The error's code, such as `context_length_exceeded`.
    pub code: Option<String>,
    /// The error's type, such as `invalid_request_error`.
    pub kind: Option<String>,
    /// The upstream's `x-request-id`, to quote to its support.
    pub request_id: Option<String>,
}

impl Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status {
            write!(formatter, ", status {status}")?;
        }
        for (name, value) in [("code", &self.code), ("type", &self.kind), ("request", &self.request_id)] {
            if let Some(value) = value {
                write!(formatter, ", {name} `{value}`")?;
            }
        }
        Ok(())
    }
}

impl ModelError {
    /// Whether a retry may succeed.
    pub const fn retryable(&self) -> bool {
        match self.kind {
            ModelErrorKind::RateLimited { .. }
            | ModelErrorKind::Unavailable
            | ModelErrorKind::TimedOut
            | ModelErrorKind::Broken(_) => true,
            ModelErrorKind::Unauthorized
            | ModelErrorKind::NoKey
            | ModelErrorKind::QuotaExceeded
            | ModelErrorKind::ContextTooLong
            | ModelErrorKind::Refused
            | ModelErrorKind::Rejected => false,
        }
    }

    /// Whether the upstream may have done the work, and bills for it, although its answer did not come.
    pub(crate) const fn may_have_answered(&self) -> bool {
        matches!(self.kind, ModelErrorKind::TimedOut | ModelErrorKind::Broken(_))
    }

    pub(crate) fn new(kind: ModelErrorKind) -> Self {
        Self { kind, upstream: Upstream::default(), source: None }
    }

    pub(super) fn broken(what: &'static str) -> Self {
        Self::new(ModelErrorKind::Broken(what))
    }

    pub(super) fn cut_off() -> Self {
        Self::broken("it ends before it is whole")
    }

    pub(super) fn silence(_: Elapsed) -> Self {
        Self::new(ModelErrorKind::TimedOut)
    }

    pub(super) fn no_key(error: SecretError) -> Self {
        Self { source: Some(error.into()), ..Self::new(ModelErrorKind::NoKey) }
    }

    pub(super) fn transport(error: reqwest::Error) -> Self {
        let timed_out = error.is_timeout() && !error.is_connect();
        let kind = if timed_out { ModelErrorKind::TimedOut } else { ModelErrorKind::Unavailable };
        Self { source: Some(error.without_url().into()), ..Self::new(kind) }
    }

    pub(super) fn status(status: StatusCode, headers: &HeaderMap, error: &ReportedError) -> Self {
        let mut upstream = Upstream { status: Some(status.as_u16()), ..Upstream::from(error) };
        upstream.request_id =
            headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| is_code(id)).map(ToOwned::to_owned);
        Self { kind: kind(&upstream, error.is_about_length, retry_after(headers)), upstream, source: None }
    }

    pub(super) fn reported(error: &ReportedError) -> Self {
        let upstream = Upstream::from(error);
        Self { kind: kind(&upstream, error.is_about_length, None), upstream, source: None }
    }
}

impl From<&ReportedError> for Upstream {
    fn from(error: &ReportedError) -> Self {
        Self { status: None, code: code(&error.code), kind: code(&error.kind), request_id: None }
    }
}

/// Codes from OpenAI's guide to error codes and the `ResponseErrorCode` of its API description. The code says more than
/// the type, and both say more than the status.
fn kind(upstream: &Upstream, is_about_length: bool, retry_after: Option<Duration>) -> ModelErrorKind {
    // Inside a stream many servers give a status as the code.
    let code = upstream.code.as_deref().and_then(|code| code.parse().ok());
    let status = upstream.status.or(code.filter(|code| (400..600).contains(code)));
    for name in [&upstream.code, &upstream.kind].into_iter().flatten() {
        return match name.as_str() {
            // The codes of the billing family vary, their type does not.
            "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => ModelErrorKind::QuotaExceeded,
            "context_length_exceeded" | "exceed_context_size_error" | "string_above_max_length" => {
                ModelErrorKind::ContextTooLong
            }
            "invalid_prompt"
            | "content_filter"
            | "content_policy_violation"
            | "image_content_policy_violation"
            | "bio_policy"
            | "cyber_policy"
            | "misalignment_policy_violation" => ModelErrorKind::Refused,
            "rate_limit_exceeded" | "rate_limit_error" | "slow_down" => ModelErrorKind::RateLimited { retry_after },
            "invalid_api_key" => ModelErrorKind::Unauthorized,
            "server_error" | "server_is_overloaded" | "service_unavailable_error" => ModelErrorKind::Unavailable,
            // OpenAI uses this type for wrong keys, too, so a status comes first.
            "invalid_request_error" if status.is_none() && !is_about_length => ModelErrorKind::Rejected,
            _ => continue,
        };
    }
    match status {
        None | Some(400 | 422 | 500) if is_about_length => ModelErrorKind::ContextTooLong,
        Some(401 | 403) => ModelErrorKind::Unauthorized,
        Some(402) => ModelErrorKind::QuotaExceeded,
        Some(408 | 504) => ModelErrorKind::TimedOut,
        Some(413) => ModelErrorKind::ContextTooLong,
        Some(429) => ModelErrorKind::RateLimited { retry_after },
        Some(status) if status < 500 => ModelErrorKind::Rejected,
        Some(_) | None => ModelErrorKind::Unavailable,
    }
}

/// `retry-after-ms`, which OpenAI sends, or else the seconds of `retry-after`. A date is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let milliseconds = number("retry-after-ms").map(Duration::from_millis);
    milliseconds.or_else(|| number("retry-after").map(Duration::from_secs))
}

/// A value that looks like a code; some servers send a number.
fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if is_code(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text is short and without spaces, so that nothing that a user wrote reaches the log.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
