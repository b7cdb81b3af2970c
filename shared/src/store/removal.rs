//! Removing threads, and items at their end.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::error::StoreError;
use super::items::Items;
use super::key::{self, Key};
use super::record::number;
use super::records::{DELETED, FILES, StoredItem};
use super::table::{Change, Consistency, Query, SortKeys, Table};
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
    /// Begins to delete a thread: from here on it is invisible everywhere. [`Threads::finish_delete`] does the rest.
    /// None if there is no such thread.
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
        // With the records of runs and actions.
        let everything = SortKeys::Between(key::ACTION.to_owned(), format!("{}~", key::RUN));
        let query = Query { sort: everything, ..Query::prefix(partition, key::ITEM) };
        let (items, files) = keys_and_files(&self.table, query, None).await?;
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
    /// Everything after the given item that is older than a run. What was sent since the run began stays.
    pub async fn end_of_thread(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_id: &str,
        run_id: &str,
    ) -> Result<Truncation, StoreError> {
        let Some(partition) = key::items(owner, thread_id) else { return Ok(Truncation::default()) };
        let after = Key { partition: partition.clone(), sort: key::cut(key::item_sort_key(item_id)) };
        let end = key::item_sort_key(run_id);
        let query = Query { after: Some(after), ..Query::prefix(partition, key::ITEM) };
        let (mut items, files) = keys_and_files(&self.table, query, Some(&end)).await?;
        items.reverse();
        Ok(Truncation { items, files })
    }

    /// Stores an item in place of the end of a thread: at once if that has 99 items at most, else the newest ones go
    /// before, so that what is left is a thread without its end whenever it stops.
    ///
    /// # Errors
    /// [`StoreError`]: the item is not stored, or may be.
    pub async fn put_in_place(
        &self,
        owner: &Owner,
        thread_id: &str,
        stored: &StoredItem,
        Truncation { mut items, .. }: Truncation,
    ) -> Result<(), StoreError> {
        // What another process has stored of this run before it died is written anew.
        let own = key::item(owner, thread_id, stored.item.id());
        items.retain(|key| Some(key) != own.as_ref());
        while items.len() >= MAX_TRANSACTION_RECORDS {
            let keys = items.drain(..MAX_TRANSACTION_RECORDS.min(items.len()));
            self.table.transact(keys.map(Change::Delete).collect()).await?;
        }
        let put = Change::Update(stored.write(owner, thread_id)?);
        self.table.transact(items.into_iter().map(Change::Delete).chain([put]).collect()).await?;
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

/// The keys of records, oldest first, up to a sort key, and the files that they show; strongly consistent.
async fn keys_and_files(table: &Table, query: Query, end: Option<&str>) -> Result<(Vec<Key>, Vec<String>), StoreError> {
    let mut query = Query { consistency: Consistency::Strong, only: Some("#pk, #sk, #files"), ..query };
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
