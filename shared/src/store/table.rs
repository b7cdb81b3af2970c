//! A table, and every request that is made of it. What this file does no other one repeats: it names the table and the
//! attributes in expressions, boxes, tries again, and tells a condition that did not hold from a failure.
//!
//! The SDK's futures have some 6 KB each. They are boxed here, so that the future of a turn, which awaits many, stays
//! small.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, TransactionCanceledException};
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, DeleteRequest, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, WriteRequest,
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::DynamoDb;
use super::error::StoreError;
use super::key::{self, Key};
use super::record::{Record, text};
use super::update::{Update, names};
use crate::env::{Env, EnvError};

/// How many records DynamoDB writes in one batch.
const MAX_BATCH_RECORDS: usize = 25;
/// Attempts to write a batch. DynamoDB leaves out what a table is too busy for.
const BATCH_ATTEMPTS: u32 = 6;
/// Before the second attempt; twice as long before each further one.
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// Attempts to write a transaction. DynamoDB cancels one that meets another write on the same record.
const TRANSACTION_ATTEMPTS: u32 = 5;
/// Before the second attempt; twice as long before each further one.
const TRANSACTION_PAUSE: Duration = Duration::from_millis(20);

/// One of the tables.
#[derive(Debug, Clone)]
pub(super) struct Table {
    client: Client,
    name: Arc<str>,
}

/// How fresh a read has to be; a strong one costs twice as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consistency {
    Eventual,
    Strong,
}

/// What became of a conditional write.
#[derive(Debug)]
pub(super) enum Write {
    /// It happened; the record after it, if the update asked for that.
    Done(Record),
    /// Its condition did not hold; the record as it is, empty if there is none.
    Refused(Record),
}

impl Write {
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// A part of a transaction.
pub(super) enum Change {
    Update(Update),
    /// A record whose key is free.
    PutNew(Key, Record),
    Delete(Key),
}

/// The change whose condition did not hold, so that none was made.
pub(super) struct Refused {
    /// Which of them.
    pub(super) index: usize,
    /// The record as it is, if the change was an update.
    pub(super) record: Record,
}

/// Records of one partition, in the order of their sort keys.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) partition: String,
    pub(super) sort: SortKeys,
    pub(super) newest_first: bool,
    pub(super) limit: Option<usize>,
    /// The key after which to begin. A record need not stand there.
    pub(super) after: Option<Key>,
    pub(super) consistency: Consistency,
    /// The attributes wanted, as an expression; all if none.
    pub(super) only: Option<&'static str>,
}

/// Which sort keys a query is for.
#[derive(Debug, Clone)]
pub(super) enum SortKeys {
    Prefix(&'static str),
    Between(String, String),
}

/// One answer to a query.
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// Where the next query goes on; none if there is nothing more.
    pub(super) next: Option<Key>,
}

impl Query {
    /// Everything under a prefix, oldest first.
    pub(super) const fn prefix(partition: String, prefix: &'static str) -> Self {
        Self {
            partition,
            sort: SortKeys::Prefix(prefix),
            newest_first: false,
            limit: None,
            after: None,
            consistency: Consistency::Eventual,
            only: None,
        }
    }

    /// The newest ones under a prefix, newest first.
    pub(super) fn newest(partition: String, prefix: &'static str, count: u32) -> Self {
        let limit = usize::try_from(count.max(1)).ok();
        Self { newest_first: true, limit, ..Self::prefix(partition, prefix) }
    }
}

impl Table {
    pub(super) fn from_env(dynamodb: &DynamoDb, env: &Env, variable: &str) -> Result<Self, EnvError> {
        let name = env.required(variable, "the name of a table")?;
        Ok(Self { client: dynamodb.0.clone(), name: name.into() })
    }

    pub(super) async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Record>, StoreError> {
        let request = self.client.get_item().table_name(&*self.name).set_key(Some(key.record().0));
        let request = request.consistent_read(consistency == Consistency::Strong);
        Ok(Box::pin(request.send()).await?.item.map(Record))
    }

    pub(super) async fn put(&self, key: &Key, record: Record) -> Result<(), StoreError> {
        let request = self.client.put_item().table_name(&*self.name).set_item(Some(key.with(record).0));
        Box::pin(request.send()).await?;
        Ok(())
    }

    /// Writes a record whose key is free; false if it is not.
    pub(super) async fn put_new(&self, key: &Key, record: Record) -> Result<bool, StoreError> {
        let record = key.with(record);
        let request = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(record.0.clone()))
            .condition_expression(key::IS_FREE)
            .set_expression_attribute_names(Some(names(key::IS_FREE)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match Box::pin(request.send()).await {
            Ok(_) => Ok(true),
            // It is this record when an answer was lost and the write is sent again.
            Err(error) => Ok(condition_failed(error)? == record),
        }
    }

    pub(super) async fn update(&self, update: Update) -> Result<Write, StoreError> {
        let write_id = update.write_id.clone();
        let request = update.request(self.client.update_item().table_name(&*self.name));
        match Box::pin(request.send()).await {
            Ok(answer) => Ok(Write::Done(Record(answer.attributes.unwrap_or_default()))),
            Err(error) => {
                let record = condition_failed(error)?;
                let has_happened = write_id.is_some_and(|id| id.is_on(&record));
                Ok(if has_happened { Write::Done(record) } else { Write::Refused(record) })
            }
        }
    }

    /// Removes a record, if there is one.
    pub(super) async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        Box::pin(self.deletion(key).send()).await?;
        Ok(())
    }

    /// Removes a record and returns it; empty if there was none.
    pub(super) async fn take(&self, key: &Key) -> Result<Record, StoreError> {
        let request = self.deletion(key).return_values(ReturnValue::AllOld);
        Ok(Record(Box::pin(request.send()).await?.attributes.unwrap_or_default()))
    }

    /// Removes a record that does not have an attribute; false if it has.
    pub(super) async fn delete_without(&self, key: &Key, attribute: &str) -> Result<bool, StoreError> {
        let condition = format!("attribute_not_exists(#{attribute})");
        let request = self.deletion(key).set_expression_attribute_names(Some(names(&condition)));
        match Box::pin(request.condition_expression(condition).send()).await {
            Ok(_) => Ok(true),
            Err(error) => condition_failed(error).map(|_| false),
        }
    }

    fn deletion(&self, key: &Key) -> DeleteItemFluentBuilder {
        self.client.delete_item().table_name(&*self.name).set_key(Some(key.record().0))
    }

    pub(super) async fn query(&self, query: Query) -> Result<Found, StoreError> {
        let request =
            self.client.query().table_name(&*self.name).expression_attribute_values(":pk", text(query.partition));
        let (condition, request) = match query.sort {
            SortKeys::Prefix(prefix) => {
                let request = request.expression_attribute_values(":prefix", text(prefix));
                ("#pk = :pk AND begins_with(#sk, :prefix)", request)
            }
            SortKeys::Between(from, to) => {
                let request = request.expression_attribute_values(":from", text(from));
                ("#pk = :pk AND #sk BETWEEN :from AND :to", request.expression_attribute_values(":to", text(to)))
            }
        };
        let request = request
            .set_expression_attribute_names(Some(names(&format!("{condition} {}", query.only.unwrap_or_default()))))
            .key_condition_expression(condition)
            .set_projection_expression(query.only.map(ToOwned::to_owned))
            .scan_index_forward(!query.newest_first)
            .set_limit(query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .consistent_read(query.consistency == Consistency::Strong)
            .set_exclusive_start_key(query.after.map(|key| key.record().0));
        let answer = Box::pin(request.send()).await?;
        let next = answer.last_evaluated_key.map(|key| Key::read(&Record(key))).transpose()?;
        Ok(Found { records: answer.items.unwrap_or_default().into_iter().map(Record).collect(), next })
    }

    /// Removes records, as far as they exist.
    pub(super) async fn delete_all(&self, mut keys: Vec<Key>) -> Result<(), StoreError> {
        // A batch must not name a key twice.
        keys.sort_unstable();
        keys.dedup();
        let batches: Vec<_> = keys.chunks(MAX_BATCH_RECORDS).map(<[Key]>::to_vec).collect();
        stream::iter(batches).map(Ok).try_for_each_concurrent(4, |keys| self.delete_batch(keys)).await
    }

    async fn delete_batch(&self, keys: Vec<Key>) -> Result<(), StoreError> {
        let delete = |key: Key| {
            let request = DeleteRequest::builder().set_key(Some(key.record().0)).build();
            Ok(WriteRequest::builder().delete_request(request?).build())
        };
        let mut left = keys.into_iter().map(delete).collect::<Result<Vec<_>, BuildError>>()?;
        for attempt in 0..BATCH_ATTEMPTS {
            let request = self.client.batch_write_item().request_items(&*self.name, left);
            left = Box::pin(request.send())
                .await?
                .unprocessed_items
                .unwrap_or_default()
                .remove(&*self.name)
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            // The SDK retries whole requests only.
            tokio::time::sleep(BATCH_PAUSE * (1 << attempt)).await;
        }
        Err(StoreError::exhausted("a batch was not written completely"))
    }

    /// Makes all changes, or none where the condition of one does not hold.
    pub(super) async fn transact(&self, changes: Vec<Change>) -> Result<Option<Refused>, StoreError> {
        let parts = changes.into_iter().map(|change| self.part(change)).collect::<Result<Vec<_>, _>>()?;
        for attempt in 0..TRANSACTION_ATTEMPTS {
            let request = self.client.transact_write_items().set_transact_items(Some(parts.clone()));
            let Err(error) = Box::pin(request.send()).await else { return Ok(None) };
            let mut reasons = cancellation_reasons(error)?.into_iter().enumerate();
            if let Some((index, reason)) = reasons.find(|(_, reason)| reason.code() == Some("ConditionalCheckFailed")) {
                return Ok(Some(Refused { index, record: Record(reason.item.unwrap_or_default()) }));
            }
            tokio::time::sleep(TRANSACTION_PAUSE * (1 << attempt)).await;
        }
        Err(StoreError::exhausted("a transaction met other writes on the same records"))
    }

    fn part(&self, change: Change) -> Result<TransactWriteItem, BuildError> {
        let part = TransactWriteItem::builder();
        Ok(match change {
            Change::Update(update) => return update.part(&self.name),
            Change::PutNew(key, record) => {
                let put = Put::builder().table_name(&*self.name).set_item(Some(key.with(record).0));
                let put = put.set_expression_attribute_names(Some(names(key::IS_FREE)));
                part.put(put.condition_expression(key::IS_FREE).build()?).build()
            }
            Change::Delete(key) => {
                part.delete(Delete::builder().table_name(&*self.name).set_key(Some(key.record().0)).build()?).build()
            }
        })
    }
}

/// The record as it is where the condition of a write did not hold, if the write asked for it; else the error.
fn condition_failed<E, R>(error: SdkError<E, R>) -> Result<Record, StoreError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    match cause::<ConditionalCheckFailedException, _, _>(&error) {
        Some(refusal) => Ok(Record(refusal.item.clone().unwrap_or_default())),
        None => Err(error.into()),
    }
}

/// Why each part of a transaction was not written, if conditions or other writers are the reason; else the error.
fn cancellation_reasons<E, R>(error: SdkError<E, R>) -> Result<Vec<CancellationReason>, StoreError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    match cause::<TransactionCanceledException, _, _>(&error) {
        Some(cancelled) => Ok(cancelled.cancellation_reasons().to_vec()),
        None => Err(error.into()),
    }
}

/// The exception of this type that an operation failed with. Each operation has an error type of its own around the
/// same exceptions.
fn cause<T: Error + 'static, E: Error, R>(error: &SdkError<E, R>) -> Option<&T> {
    error.as_service_error().and_then(Error::source).and_then(<dyn Error>::downcast_ref)
}
