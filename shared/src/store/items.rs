//! Single items of a thread, and pages of them.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::error::StoreError;
use super::key::{self, Key};
use super::pages::{self, Listing};
use super::record::{Record, text};
use super::records::{HIDDEN, StoredItem, ThreadRecord};
use super::table::{Consistency, Query, SortKeys, Table, Write};
use super::threads::{is_gone, read_head};
use super::update::Update;
use crate::identity::Owner;
use crate::protocol::{FeedbackKind, Page, Paging};

const FEEDBACK: &str = "feedback";
const FEEDBACK_AT: &str = "feedback_at";

/// Items whose feedback is written at the same time.
const MAX_PARALLEL_WRITES: usize = 8;

/// Which items before one are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Older<'a> {
    /// So many of the newest.
    Newest(u32),
    /// All down to the one with this id, as far as one answer of DynamoDB takes them.
    DownTo(&'a str),
}

/// Items before one, oldest first.
pub(crate) struct OlderItems {
    pub(crate) items: Vec<StoredItem>,
    /// Whether there may be more before them.
    pub(crate) has_older: bool,
}

/// The items of threads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Items {
    pub(super) table: Table,
}

impl Items {
    /// One item, hidden or not, as it is now (strongly consistent: the client answers a tool call within milliseconds);
    /// none if there is no such item or thread.
    pub async fn get(&self, owner: &Owner, thread_id: &str, item_id: &str) -> Result<Option<StoredItem>, StoreError> {
        let Some(key) = key::item(owner, thread_id, item_id) else { return Ok(None) };
        let item = self.table.get(&key, Consistency::Strong);
        let (is_gone, item) = tokio::try_join!(is_gone(&self.table, owner, thread_id), item)?;
        let stored = item.filter(|_| !is_gone).as_ref().map(StoredItem::read).transpose()?;
        Ok(stored.filter(|stored| stored.item.id() == item_id))
    }

    /// Items before one, hidden ones among them.
    pub(crate) async fn before(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_id: &str,
        which: Older<'_>,
    ) -> Result<OlderItems, StoreError> {
        let Some(key) = key::item(owner, thread_id, item_id) else {
            return Ok(OlderItems { items: Vec::new(), has_older: false });
        };
        let query = match which {
            Older::Newest(count) => Query::newest(key.partition.clone(), key::ITEM, count),
            Older::DownTo(oldest_id) => {
                let sort = SortKeys::Between(key::item_sort_key(oldest_id), key.sort.clone());
                let query = Query::prefix(key.partition.clone(), key::ITEM);
                Query { sort, newest_first: true, ..query }
            }
        };
        let found = self.table.query(Query { after: Some(key), ..query }).await?;
        let items = found.records.iter().rev().map(StoredItem::read).collect::<Result<_, _>>()?;
        Ok(OlderItems { items, has_older: found.next.is_some() || matches!(which, Older::DownTo(_)) })
    }

    /// A page of a thread's items without those that no client may see; none if there is no such thread.
    pub async fn list(
        &self,
        owner: &Owner,
        thread_id: &str,
        paging: &Paging,
    ) -> Result<Option<Page<StoredItem>>, StoreError> {
        Ok(self.list_with_head(owner, thread_id, paging).await?.map(|(_, page)| page))
    }

    /// As [`Items::list`], with the thread's head, in one round trip.
    pub(crate) async fn list_with_head(
        &self,
        owner: &Owner,
        thread_id: &str,
        paging: &Paging,
    ) -> Result<Option<(ThreadRecord, Page<StoredItem>)>, StoreError> {
        let (Some(key), Some(partition)) = (key::head(owner, thread_id), key::items(owner, thread_id)) else {
            return Ok(None);
        };
        let after = paging.after.as_deref().map(key::item_sort_key);
        let listing = Listing::new(partition, key::ITEM, after, paging);
        let read = |record: &Record| match record.contains(HIDDEN) {
            true => Ok(None),
            false => StoredItem::read(record).map(Some),
        };
        let page = pages::page(&self.table, listing, read, |stored| stored.item.id());
        let (head, page) = tokio::try_join!(read_head(&self.table, &key, Consistency::Eventual), page)?;
        Ok(head.map(|head| (head, page)))
    }

    /// Stores an item, new or changed. Feedback that was given on it stays. Does not look at the thread: a turn that
    /// may have outlived its thread asks for the [`head`](super::Threads::head) at its end.
    pub async fn put(&self, owner: &Owner, thread_id: &str, stored: &StoredItem) -> Result<(), StoreError> {
        self.table.update(stored.write(owner, thread_id)?).await?;
        Ok(())
    }

    /// Stores an item whose place is free; false if it is not.
    pub async fn put_new(&self, owner: &Owner, thread_id: &str, stored: &StoredItem) -> Result<bool, StoreError> {
        let update = stored.write(owner, thread_id)?.when(key::IS_FREE);
        Ok(self.table.update(update).await?.is_done())
    }

    /// Gives an item a new content; whether it is still there.
    pub(crate) async fn replace(
        &self,
        owner: &Owner,
        thread_id: &str,
        stored: &StoredItem,
    ) -> Result<bool, StoreError> {
        let update = stored.write(owner, thread_id)?.when(key::EXISTS);
        Ok(self.table.update(update).await?.is_done())
    }

    /// Records a thumb up or down on items.
    pub async fn feedback(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_ids: &[String],
        kind: FeedbackKind,
        at: Timestamp,
    ) -> Result<Rated, StoreError> {
        let rate = |item_id: &String| self.rate(key::item(owner, thread_id, item_id), kind, at);
        let rated = stream::iter(item_ids.iter().map(rate).collect::<Vec<_>>())
            .buffer_unordered(MAX_PARALLEL_WRITES)
            .try_fold((true, 0), |(all, count), is_new| async move {
                Ok((all && is_new.is_some(), count + u64::from(is_new == Some(true))))
            });
        let (is_gone, (all_exist, new)) = tokio::try_join!(is_gone(&self.table, owner, thread_id), rated)?;
        Ok(Rated { all_exist: all_exist && !is_gone, new: if is_gone { 0 } else { new } })
    }

    /// Whether the item did not have this thumb before; `None` if there is no such item.
    async fn rate(&self, key: Option<Key>, kind: FeedbackKind, at: Timestamp) -> Result<Option<bool>, StoreError> {
        let Some(key) = key else { return Ok(None) };
        let update = Update::of(key).set(FEEDBACK, text(kind.as_str())).set(FEEDBACK_AT, text(at.to_string()));
        let is_new = format!("(attribute_not_exists(#{FEEDBACK}) OR #{FEEDBACK} <> :{FEEDBACK})");
        Ok(match self.table.update(update.when(key::EXISTS).when(is_new)).await? {
            Write::Done(_) => Some(true),
            Write::Refused(item) => item.text(key::PARTITION).map(|_| false),
        })
    }
}

/// What feedback has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rated {
    /// Whether all items exist. Those that do are marked either way.
    pub all_exist: bool,
    /// How many did not have this thumb before.
    pub new: u64,
}
