use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use super::attributes::Record;

/// Why something could not be read or written. The text is fit for anyone; what DynamoDB said is in the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, not reachable, timed out: the same may work a moment later. A write may have happened.
    #[error("the store is not available")]
    Unavailable {
        /// What happened.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Denied, a table that does not exist, a record that cannot be read: trying again will not help.
    #[error("the store failed")]
    Other {
        /// What happened.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Error codes after which the same may work: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>.
/// A cancelled transaction here has no conditions, so only another writer or a throttle cancels it.
const TRANSIENT: [&str; 7] = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl StoreError {
    /// Whether the same may work a moment later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// A stored record without a readable attribute.
    pub(super) fn unreadable(name: &'static str) -> Self {
        Self::Other { source: format!("a stored record has no readable `{name}`").into() }
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
        let unavailable = match &error {
            SdkError::ConstructionFailure(_) => false,
            SdkError::ServiceError(refusal) => refusal.err().code().is_none_or(|code| TRANSIENT.contains(&code)),
            // Sent, but no answer that can be read; the enum may grow.
            _ => true,
        };
        let source = Box::new(error);
        if unavailable { Self::Unavailable { source } } else { Self::Other { source } }
    }
}

/// What stood there when the condition of an update did not hold, if it was asked for; empty when nothing did.
pub(super) fn refused<R>(error: SdkError<UpdateItemError, R>) -> Result<Record, StoreError>
where
    R: Debug + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(refusal) if refusal.err().is_conditional_check_failed_exception() => {
            match refusal.into_err() {
                UpdateItemError::ConditionalCheckFailedException(refusal) => Ok(refusal.item.unwrap_or_default()),
                other => Err(StoreError::Other { source: other.into() }),
            }
        }
        other => Err(other.into()),
    }
}
