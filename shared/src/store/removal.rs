//! Removing items and threads.

use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, DeleteRequest, ReturnValue, TransactWriteItem, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::attributes::Record;
use super::error::{StoreError, refused};
use super::key::{self, Key};
use super::records::{DELETED, FILES};
use super::threads::Threads;
use crate::identity::Owner;

/// How many records DynamoDB writes in one transaction.
const LARGEST_TRANSACTION: usize = 100;
/// How many records DynamoDB writes in one batch.
const LARGEST_BATCH: usize = 25;

/// A thread that is marked as deleted, with everything that is still to be removed.
#[derive(Debug)]
pub struct Deletion {
    head: Key,
    items: Vec<Record>,
    /// The ids of the files that its items show. They are removed first: once the items are gone, nobody knows them.
    pub files: Vec<String>,
}

/// The end of a thread that is to be removed.
#[derive(Debug, Default)]
pub struct Truncation {
    /// Newest first.
    items: Vec<Record>,
    /// The ids of the files that its items show. They are removed first: once the items are gone, nobody knows them.
    pub files: Vec<String>,
}

impl Threads {
    /// Everything after the given item that is older than a run, which [`Threads::finish_truncation`] removes. What was
    /// sent since the run began stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_truncation(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_id: &str,
        run_id: &str,
    ) -> Result<Truncation, StoreError> {
        let Some(partition) = key::items(owner, thread_id) else { return Ok(Truncation::default()) };
        let after = Key { partition: partition.clone(), sort: key::cut(key::item_sort_key(item_id)) };
        let (mut items, files) =
            self.item_keys(partition, Some(after.attributes()), Some(&key::item_sort_key(run_id))).await?;
        items.reverse();
        Ok(Truncation { items, files })
    }

    /// Removes the end of a thread: at once if it has 100 items at most, else from the newest on, so that what is left is
    /// a thread without its end whenever it stops.
    ///
    /// # Errors
    /// [`StoreError`]: repeating [`Threads::begin_truncation`] finds what is left.
    pub async fn finish_truncation(&self, truncation: Truncation) -> Result<(), StoreError> {
        for keys in truncation.items.chunks(LARGEST_TRANSACTION) {
            let delete = |key: &Record| {
                let delete = Delete::builder().table_name(&*self.table).set_key(Some(key.clone())).build()?;
                Ok(TransactWriteItem::builder().delete(delete).build())
            };
            self.transact(&keys.iter().map(delete).collect::<Result<Vec<_>, BuildError>>()?).await?;
        }
        Ok(())
    }

    /// Begins to delete a thread: from here on it is invisible everywhere. [`Threads::finish_delete`] does the rest. None
    /// if there is no such thread.
    ///
    /// # Errors
    /// [`StoreError`]: repeating it goes on with what is left.
    pub async fn begin_delete(
        &self,
        owner: &Owner,
        thread_id: &str,
        now: Timestamp,
    ) -> Result<Option<Deletion>, StoreError> {
        let (Some(head), Some(partition)) = (key::head(owner, thread_id), key::items(owner, thread_id)) else {
            return Ok(None);
        };
        let marked = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(head.attributes()))
            .update_expression("SET #deleted = :now")
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#deleted", DELETED)
            .expression_attribute_values(":now", AttributeValue::N(now.as_second().to_string()))
            .send()
            .await;
        if let Err(error) = marked {
            return refused(error).map(|_| None);
        }
        let (items, files) = self.item_keys(partition, None, None).await?;
        Ok(Some(Deletion { head, items, files }))
    }

    /// Removes the items of a thread that is marked as deleted, and the mark with them.
    ///
    /// # Errors
    /// [`StoreError`]: repeating [`Threads::begin_delete`] finds what is left.
    pub async fn finish_delete(&self, deletion: Deletion) -> Result<(), StoreError> {
        self.remove(deletion.items).await?;
        self.client.delete_item().table_name(&*self.table).set_key(Some(deletion.head.attributes())).send().await?;
        Ok(())
    }

    /// Removes these items, as far as they exist, and returns the ids of the files that they showed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_items(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_ids: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let keys = item_ids.iter().filter_map(|id| key::item(owner, thread_id, id));
        let remove = |key: Key| async move {
            let request = self.client.delete_item().table_name(&*self.table).set_key(Some(key.attributes()));
            let old = Box::pin(request.return_values(ReturnValue::AllOld).send()).await?.attributes;
            Ok::<_, StoreError>(old.as_ref().map(files).unwrap_or_default())
        };
        let removed: Vec<_> =
            stream::iter(keys.map(remove).collect::<Vec<_>>()).buffer_unordered(8).try_collect().await?;
        Ok(removed.concat())
    }

    /// The keys of a thread's items, oldest first, from a key on and up to a sort key, and the files that they show;
    /// strongly consistent.
    async fn item_keys(
        &self,
        partition: String,
        mut start: Option<Record>,
        end: Option<&str>,
    ) -> Result<(Vec<Record>, Vec<String>), StoreError> {
        let query = self.query_items(partition).projection_expression("#pk, #sk, #files").consistent_read(true);
        let query = query.expression_attribute_names("#files", FILES);
        let (mut keys, mut shown) = (Vec::new(), Vec::new());
        loop {
            let answer = query.clone().set_exclusive_start_key(start).send().await?;
            for mut record in answer.items.unwrap_or_default() {
                if end.is_some_and(|end| sort_key(&record).is_some_and(|key| key.as_str() >= end)) {
                    return Ok((keys, shown));
                }
                shown.extend(files(&record));
                record.remove(FILES);
                keys.push(record);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok((keys, shown));
            }
        }
    }

    pub(super) async fn remove(&self, mut keys: Vec<Record>) -> Result<(), StoreError> {
        // A batch must not name a key twice.
        keys.sort_by(|one, other| sort_key(one).cmp(&sort_key(other)));
        keys.dedup();
        let batches = keys.chunks(LARGEST_BATCH).map(<[Record]>::to_vec);
        stream::iter(batches.collect::<Vec<_>>())
            .map(Ok)
            .try_for_each_concurrent(4, |keys| self.remove_batch(keys))
            .await
    }

    async fn remove_batch(&self, keys: Vec<Record>) -> Result<(), StoreError> {
        let delete = |key| {
            let request = DeleteRequest::builder().set_key(Some(key)).build();
            Ok(WriteRequest::builder().delete_request(request?).build())
        };
        let mut left = keys.into_iter().map(delete).collect::<Result<Vec<_>, BuildError>>()?;
        for attempt in 0..6 {
            let answer = self.client.batch_write_item().request_items(&*self.table, left).send().await?;
            left = answer.unprocessed_items.unwrap_or_default().remove(&*self.table).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            // The SDK retries whole requests only; what a throttled table left over is ours to wait for.
            tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
        }
        Err(StoreError::exhausted("a batch was not written completely"))
    }
}

/// The ids of the files that an item's record names.
fn files(record: &Record) -> Vec<String> {
    let ids = record.get(FILES).and_then(|value| value.as_l().ok()).into_iter().flatten();
    ids.filter_map(|id| id.as_s().ok().cloned()).collect()
}

fn sort_key(key: &Record) -> Option<&String> {
    key.get(key::SORT).and_then(|value| value.as_s().ok())
}
