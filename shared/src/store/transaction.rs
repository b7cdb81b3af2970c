//! Several writes at once, all or none.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

use super::attributes::Record;
use super::error::StoreError;
use super::threads::Threads;

/// Tries of one transaction. DynamoDB cancels one that meets another write on the same record.
const ATTEMPTS: u32 = 5;

/// Before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(20);

/// The write whose condition did not hold.
pub(super) struct Refused {
    /// Which of them.
    pub(super) place: usize,
    /// The record as it stands, if the write asked for it.
    pub(super) record: Record,
}

impl Threads {
    /// Writes all, or none where the condition of one does not hold.
    pub(super) async fn transact(&self, writes: &[TransactWriteItem]) -> Result<Option<Refused>, StoreError> {
        for attempt in 0..ATTEMPTS {
            let request = self.client.transact_write_items().set_transact_items(Some(writes.to_vec()));
            let Err(error) = Box::pin(request.send()).await else { return Ok(None) };
            let Some(reasons) = cancelled(&error) else { return Err(error.into()) };
            let mut reasons = reasons.iter().enumerate();
            if let Some((place, reason)) = reasons.find(|(_, reason)| reason.code() == Some("ConditionalCheckFailed")) {
                return Ok(Some(Refused { place, record: reason.item().cloned().unwrap_or_default() }));
            }
            tokio::time::sleep(PAUSE * (1 << attempt)).await;
        }
        Err(StoreError::exhausted("a transaction met other writes on the same records"))
    }
}

/// Why each part of a transaction was not written, if conditions or other writers are the reason.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<&[CancellationReason]> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}
