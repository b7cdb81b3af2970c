//! Removing threads, and items at their end.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::error::StoreError;
use super::items::Items;
use super::key::{self, Key};
use super::record::number;
use super::records::{DELETED, FILES};
use super::table::{Change, Consistency, Query, Table};
use super::threads::Threads;
use super::update::Update;
use crate::identity::Owner;

/// How many records DynamoDB writes in one transaction.
const MAX_TRANSACTION_RECORDS: usize = 100;

/// Items that are removed at the same time.
const MAX_PARALLEL_WRITES: usize = 8;

/// A thread that is marked as deleted, with everything that is still to be removed.
#[derive(Debug)]
pub struct Deletion {
    head: Key,
    items: Vec<Key>,
    /// The ids of the files that its items show. They are removed first: once the items are gone, nothing names them.
    pub files: Vec<String>,
}

/// The end of a thread that is to be removed.
#[derive(Debug, Default)]
pub struct Truncation {
    /// Newest first.
    items: Vec<Key>,
    /// The ids of the files that its items show. They are removed first: once the items are gone, nothing names them.
    pub files: Vec<String>,
}

impl Threads {
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
        let mark = Update::of(head.clone()).set(DELETED, number(now.as_second())).when(key::EXISTS);
        if !self.table.update(mark).await?.is_done() {
            return Ok(None);
        }
        let (items, files) = keys_and_files(&self.table, partition, None, None).await?;
        Ok(Some(Deletion { head, items, files }))
    }

    /// Removes the items of a thread that is marked as deleted, and the mark with them.
    ///
    /// # Errors
    /// [`StoreError`]: repeating [`Threads::begin_delete`] finds what is left.
    pub async fn finish_delete(&self, deletion: Deletion) -> Result<(), StoreError> {
        self.table.delete_all(deletion.items).await?;
        self.table.delete(&deletion.head).await
    }
}

impl Items {
    /// Everything after the given item that is older than a run, which [`Items::finish_truncation`] removes. What was
    /// sent since the run began stays.
    pub async fn begin_truncation(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_id: &str,
        run_id: &str,
    ) -> Result<Truncation, StoreError> {
        let Some(partition) = key::items(owner, thread_id) else { return Ok(Truncation::default()) };
        let after = Key { partition: partition.clone(), sort: key::cut(key::item_sort_key(item_id)) };
        let end = key::item_sort_key(run_id);
        let (mut items, files) = keys_and_files(&self.table, partition, Some(after), Some(&end)).await?;
        items.reverse();
        Ok(Truncation { items, files })
    }

    /// Removes the end of a thread: at once if it has 100 items at most, else from the newest on, so that what is left is
    /// a thread without its end whenever it stops.
    ///
    /// # Errors
    /// [`StoreError`]: repeating [`Items::begin_truncation`] finds what is left.
    pub async fn finish_truncation(&self, truncation: Truncation) -> Result<(), StoreError> {
        for keys in truncation.items.chunks(MAX_TRANSACTION_RECORDS) {
            self.table.transact(keys.iter().cloned().map(Change::Delete).collect()).await?;
        }
        Ok(())
    }

    /// Removes these items, as far as they exist, and returns the ids of the files that they showed.
    pub async fn remove(&self, owner: &Owner, thread_id: &str, item_ids: &[String]) -> Result<Vec<String>, StoreError> {
        let keys = item_ids.iter().filter_map(|id| key::item(owner, thread_id, id));
        let remove = |key: Key| async move { Ok::<_, StoreError>(self.table.take(&key).await?.list(FILES)) };
        let removed = stream::iter(keys.map(remove).collect::<Vec<_>>()).buffer_unordered(MAX_PARALLEL_WRITES);
        Ok(removed.try_collect::<Vec<_>>().await?.concat())
    }
}

/// The keys of a thread's items, oldest first, after a key and before a sort key, and the files that they show; strongly
/// consistent.
async fn keys_and_files(
    table: &Table,
    partition: String,
    after: Option<Key>,
    end: Option<&str>,
) -> Result<(Vec<Key>, Vec<String>), StoreError> {
    let query = Query::prefix(partition, key::ITEM);
    let mut query = Query { after, consistency: Consistency::Strong, only: Some("#pk, #sk, #files"), ..query };
    let (mut keys, mut files) = (Vec::new(), Vec::new());
    loop {
        let found = table.query(query.clone()).await?;
        for record in found.records {
            let key = Key::read(&record)?;
            if end.is_some_and(|end| key.sort.as_str() >= end) {
                return Ok((keys, files));
            }
            files.extend(record.list(FILES));
            keys.push(key);
        }
        if found.next.is_none() {
            return Ok((keys, files));
        }
        query.after = found.next;
    }
}
