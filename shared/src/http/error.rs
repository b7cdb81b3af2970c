//! Failures as the client sees them: `{"error", "message", "request_id"}`, and `sessionId` where a conversation without
//! the widget can go on. Architecture invariant: no other file maps a failure to a code.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::engine::{self, Failure};
use crate::files::FilesError;
use crate::identity::{LoginError, ProviderError, Refusal, SessionError, SigningError, UserTokenError};
use crate::limits::whole_seconds;
use crate::model::ModelErrorKind;
use crate::secrets::SecretError;
use crate::sessions::{self, HostedError, UnknownLogin};
use crate::store::{Payer, StoreError};

/// The documented codes. They are part of the contract: names and statuses do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PayloadTooLarge,
    UnsupportedMediaType,
    RateLimitExceeded,
    BudgetExceeded,
    InternalError,
    UpstreamError,
    Unavailable,
    UpstreamTimeout,
}

impl Code {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        self.name_and_status().0
    }

    /// The status that goes with the code.
    pub const fn status(self) -> StatusCode {
        self.name_and_status().1
    }

    const fn name_and_status(self) -> (&'static str, StatusCode) {
        match self {
            Self::BadRequest => ("bad_request", StatusCode::BAD_REQUEST),
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::Conflict => ("conflict", StatusCode::CONFLICT),
            Self::PayloadTooLarge => ("payload_too_large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::RateLimitExceeded => ("rate_limit_exceeded", StatusCode::TOO_MANY_REQUESTS),
            Self::BudgetExceeded => ("budget_exceeded", StatusCode::TOO_MANY_REQUESTS),
            Self::InternalError => ("internal_error", StatusCode::INTERNAL_SERVER_ERROR),
            Self::UpstreamError => ("upstream_error", StatusCode::BAD_GATEWAY),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::UpstreamTimeout => ("upstream_timeout", StatusCode::GATEWAY_TIMEOUT),
        }
    }
}

/// An answer that is an error. The client sees the code and the message; the source is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub code: Code,
    /// For people. Never an upstream's text, a key, a table's name or what the user wrote.
    pub message: Cow<'static, str>,
    /// After how long the same request may succeed.
    pub retry_after: Option<Duration>,
    /// Which budget is used up, for the log.
    pub(super) limit: Option<&'static str>,
    /// What is wrong with a user token, for the log: the client does not learn it.
    pub(super) refusal: Option<Refusal>,
    /// The thread in which it happened, where a client without the widget can go on with it.
    pub(super) session_id: Option<Box<str>>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without a cause.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
            limit: None,
            refusal: None,
            session_id: None,
            source: None,
        }
    }

    /// The request is wrong; the message says where.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    /// There is no valid token.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unauthorized, message)
    }

    /// Too many requests.
    pub fn rate_limited(retry_after: Duration) -> Self {
        let error = Self::new(Code::RateLimitExceeded, "too many requests, please try again later");
        Self { retry_after: Some(retry_after), ..error }
    }

    fn budget_exceeded(retry_after: Duration, payer: Payer) -> Self {
        let (limit, message) = match payer {
            Payer::User => ("user_tokens", "your token budget is used up for now"),
            Payer::Address => ("address_tokens", "the token budget of your network's visitors is used up for now"),
            Payer::Tenant => ("tenant_tokens", "this site's token budget is used up for today"),
        };
        let error = Self::new(Code::BudgetExceeded, message);
        Self { retry_after: Some(retry_after), limit: Some(limit), ..error }
    }

    /// The idempotency key was sent with another request before.
    pub(super) fn key_taken() -> Self {
        Self::new(Code::Conflict, "this `Idempotency-Key` was sent with another request before; use a new one")
    }

    /// The same request may succeed later.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Unavailable, "the service cannot answer right now, please try again").because(source)
    }

    /// A bug, or a state that cannot be repaired.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::InternalError, "something went wrong on our side").because(source)
    }

    /// Adds after how long the same request may succeed.
    #[must_use]
    pub(super) fn until(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// [`Error::retry_after`] in whole seconds.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(whole_seconds)
    }

    /// Adds the thread in which it happened.
    #[must_use]
    pub fn in_session(self, session_id: Option<String>) -> Self {
        Self { session_id: session_id.map(String::into_boxed_str), ..self }
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<SecretError> for Error {
    fn from(error: SecretError) -> Self {
        Self::unavailable(error)
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Secret(error) => error.into(),
            SessionError::Invalid | SessionError::Expired | SessionError::AnonymousNotAllowed => {
                Self::unauthorized(error.to_string())
            }
        }
    }
}

impl From<UserTokenError> for Error {
    fn from(error: UserTokenError) -> Self {
        match error {
            UserTokenError::Invalid(refusal) => {
                Self { refusal: Some(refusal), ..Self::unauthorized(error.to_string()) }
            }
            UserTokenError::Secret(error) => error.into(),
            UserTokenError::Keys(error) => Self::unavailable(error),
            UserTokenError::Site(error) => Self::unavailable(error),
        }
    }
}

impl From<SigningError> for Error {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Secret(error) => error.into(),
            SigningError::Token(error) => Self::internal(error),
        }
    }
}

impl From<UnknownLogin> for Error {
    fn from(error: UnknownLogin) -> Self {
        match error {
            UnknownLogin::Secret(error) => error.into(),
            UnknownLogin::Store(error) => error.into(),
        }
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        use ProviderError as E;
        let (code, message) = match error {
            E::CodeRefused => return Self::bad_request(error.to_string()),
            E::Secret(error) => return error.into(),
            E::Unverified(error) => return error.into(),
            E::TimedOut => (Code::UpstreamTimeout, "the identity provider took too long to answer, please try again"),
            E::IdToken(_) => (Code::UpstreamError, "the identity provider's answer is not accepted"),
            E::Unread | E::Unreachable(_) | E::TooLarge | E::Broken(_) | E::Refused { .. } => {
                (Code::UpstreamError, "the identity provider signs nobody in right now, please try again")
            }
        };
        Self::new(code, message).because(error)
    }
}

impl From<LoginError> for Error {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Signing(error) => error.into(),
            LoginError::TooLarge => Self::new(Code::UpstreamError, error.to_string()),
        }
    }
}

impl From<HostedError> for Error {
    fn from(error: HostedError) -> Self {
        let (code, message) = match error {
            HostedError::Secret(error) => return error.into(),
            HostedError::TimedOut(_) => (Code::UpstreamTimeout, "the chat service took too long to answer"),
            HostedError::Unreachable(_) | HostedError::Broken | HostedError::Refused(_) => {
                (Code::UpstreamError, "the chat service could not open a session")
            }
        };
        Self::new(code, message).because(error)
    }
}

impl From<sessions::Error> for Error {
    fn from(error: sessions::Error) -> Self {
        use sessions::Error as E;
        match error {
            E::OtherUser | E::UserTokenMissing | E::Ended | E::AlreadyRefreshed => {
                Self::unauthorized(error.to_string())
            }
            E::RateLimited { retry_after } => Self::rate_limited(retry_after),
            E::Token(error) => error.into(),
            E::Signing(error) => error.into(),
            E::Hosted(error) => error.into(),
            E::Store(error) => error.into(),
            E::KeyTaken => Self::key_taken(),
        }
    }
}

impl From<ModelErrorKind> for Code {
    fn from(kind: ModelErrorKind) -> Self {
        match kind {
            ModelErrorKind::TimedOut => Self::UpstreamTimeout,
            ModelErrorKind::NoKey => Self::Unavailable,
            ModelErrorKind::Unauthorized
            | ModelErrorKind::RateLimited { .. }
            | ModelErrorKind::QuotaExceeded
            | ModelErrorKind::ContextTooLong
            | ModelErrorKind::Refused
            | ModelErrorKind::Rejected
            | ModelErrorKind::Unavailable
            | ModelErrorKind::Broken(_) => Self::UpstreamError,
        }
    }
}

impl From<&Failure> for Code {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Store(StoreError::Unavailable { .. } | StoreError::Misconfigured { .. })
            | Failure::Files(FilesError::Unavailable { .. } | FilesError::Denied) => Self::Unavailable,
            Failure::Model(error) => error.kind.into(),
            Failure::Endpoint(_) => Self::UpstreamError,
            Failure::Store(StoreError::Other { .. })
            | Failure::Files(
                FilesError::NotFound | FilesError::Changed | FilesError::TooLarge | FilesError::Refused { .. },
            )
            | Failure::Panic => Self::InternalError,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let code = Code::from(&failure);
        let message = match &failure {
            _ if code == Code::InternalError => return Self::internal(failure),
            Failure::Store(_) | Failure::Panic => return Self::unavailable(failure),
            Failure::Files(_) => "the service cannot take files right now, please try again",
            Failure::Model(error) => engine::model_failed(error.kind),
            Failure::Endpoint(_) => "the action did not work",
        };
        Self::new(code, message).because(failure)
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        use engine::Error as E;
        match error {
            E::Invalid(message) => Self::bad_request(message),
            E::NotFound(what) => Self::new(Code::NotFound, format!("this {what} does not exist")),
            E::NotWritable => Self::new(Code::Forbidden, "this thread takes no more messages"),
            E::LargerThanBudget => {
                Self::new(Code::PayloadTooLarge, "the message can use more tokens than the whole budget has")
            }
            E::Conflict => Self::new(Code::Conflict, "this message is being answered already"),
            E::RateLimited { retry_after } => Self::rate_limited(retry_after),
            E::BudgetExceeded { retry_after, payer } => Self::budget_exceeded(retry_after, payer),
            E::ForeignOrigin => {
                let message = "pages of this origin may not do this: it is not in the tenant's `allowed_origins`";
                Self::new(Code::Forbidden, message)
            }
            E::NoFiles => Self::bad_request("attachments are not configured on this server: `FILES_BUCKET`"),
            E::Failed(failure) => failure.into(),
        }
    }
}

/// The body is written by the request layer, which knows the request's id; here the error only rides along.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
