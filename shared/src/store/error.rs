//! What can go wrong.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};

/// Why something could not be read or written. The text is fit for anyone; what DynamoDB said is in the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, not reachable, timed out: the same may work a moment later. A write may have happened.
    #[error("the store is not available")]
    Unavailable {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Denied, or a table that does not exist: an operator has to change something.
    #[error("the store refuses: {advice}")]
    Misconfigured {
        advice: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A record that cannot be read, or a request that DynamoDB takes for wrong: trying again will not help.
    #[error("the store failed")]
    Other {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Error codes after which the same may work:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>. A transaction that a
/// condition cancelled is an answer (`Table::transact`): what is left are other writers and throttles.
const TRANSIENT: [&str; 7] = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// What the operator can do about an error code.
fn advice(code: &str) -> Option<&'static str> {
    match code {
        "AccessDeniedException" => Some("allow the function's role what `template.yaml` does"),
        "ResourceNotFoundException" => Some(
            "create the tables that `TABLE_THREADS`, `TABLE_COUNTERS` and `TABLE_USAGE` name, or correct the names",
        ),
        "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => Some("give the function credentials that are good in `AWS_REGION`"),
        _ => None,
    }
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// There is no such thread, or no longer.
    #[error("the thread does not exist")]
    NotFound,
    /// The same request is being answered right now.
    #[error("the same message is being answered already")]
    Conflict,
    /// An attachment of the message, by its id, is another message's, or gone.
    #[error("an attachment is not free")]
    Taken(String),
    /// The store failed.
    #[error("the turn could not be stored")]
    Store(#[from] StoreError),
}

impl StoreError {
    /// Whether the same may work a moment later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// A stored record without a readable attribute.
    pub(super) fn unreadable(name: &'static str) -> Self {
        Self::Other { source: format!("a stored record has no readable `{name}`").into() }
    }

    /// The settings of a tenant could not be read; why, the log says.
    pub(crate) fn settings_unread() -> Self {
        Self::Unavailable { source: "the settings of the tenant could not be read".into() }
    }

    /// Bounded attempts that have all failed.
    pub(super) fn exhausted(attempts: &'static str) -> Self {
        Self::Unavailable { source: attempts.into() }
    }
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let code = match &error {
            SdkError::ServiceError(refusal) => refusal.err().code(),
            SdkError::ConstructionFailure(_) => return Self::Other { source: Box::new(error) },
            // Sent, but no answer that can be read; the enum may grow.
            _ => None,
        };
        let (advice, transient) = (code.and_then(advice), code.is_none_or(|code| TRANSIENT.contains(&code)));
        let source = Box::new(error);
        match advice {
            Some(advice) => Self::Misconfigured { advice, source },
            None if transient => Self::Unavailable { source },
            None => Self::Other { source },
        }
    }
}

/// A request without a part that it needs: a mistake of ours.
impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Other { source: error.into() }
    }
}
