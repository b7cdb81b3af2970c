//! Threads: their heads, and what is read with them.

use jiff::Timestamp;

use super::error::{BeginError, StoreError};
use super::key::{self, Key};
use super::pages::{self, Listing};
use super::record::{Record, text};
use super::records::{DELETED, Run, StoredItem, TITLE, ThreadRecord};
use super::sending;
use super::table::{Change, Consistency, Query, Table, Write};
use super::update::Update;
use crate::identity::Owner;
use crate::ids;
use crate::protocol::{Page, Paging, ThreadItem};

/// The condition that a thread is not being deleted.
pub(super) const NOT_DELETED: &str = "attribute_not_exists(#deleted)";

/// The heads of threads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Threads {
    pub(super) table: Table,
}

/// A thread with the newest of its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub thread: ThreadRecord,
    /// The newest items, oldest first, hidden ones among them.
    pub items: Vec<StoredItem>,
    /// Whether there may be more before them.
    pub has_older: bool,
}

/// A page of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadList {
    /// Those that exist.
    pub page: Page<ThreadRecord>,
    /// Those among them whose deletion has not ended, by their ids, and when it began; [`Threads::begin_delete`] goes
    /// on with it.
    pub half_deleted: Vec<(String, Timestamp)>,
}

impl Loaded {
    /// The newest id in the thread, of an item or a run. What begins now sorts behind it, whatever the clocks say.
    pub(crate) fn newest(&self) -> &str {
        let items = self.items.last().map(|stored| stored.item.id());
        let ids = [Some(&*self.thread.id), items, self.thread.last_run()];
        ids.into_iter().flatten().max_by_key(|id| ids::sort_key(id)).unwrap_or(&self.thread.id)
    }

    /// The newest item, if it is a message, or was given its answer, for a run that has never begun: the two are
    /// written at the same time, and the process died in between.
    pub(crate) fn orphan(&self) -> Option<&StoredItem> {
        let newest = self.items.last()?;
        let run_id = match &newest.item {
            ThreadItem::UserMessage(_) => &newest.position.as_ref()?.run_id,
            _ => newest.answered_by.as_ref()?,
        };
        let ThreadRecord { run, ended_run_id, retries, .. } = &self.thread;
        let has_begun = run.as_ref().is_some_and(|run| run.id == *run_id)
            || ended_run_id.as_ref() == Some(run_id)
            || retries.iter().any(|retry| retry.item == newest.item.id());
        (!has_begun).then_some(newest)
    }

    /// Whether the open run continues with the answer to this item, or to any if none is named.
    pub(crate) fn open_run_answers(&self, item_id: Option<&str>) -> bool {
        let named = |stored: &&StoredItem| item_id.is_none_or(|item_id| stored.item.id() == item_id);
        let answered = self.items.iter().filter(named).filter_map(|stored| stored.answered_by.as_ref());
        self.open_run().is_some_and(|run| answered.into_iter().any(|id| *id == run.id))
    }

    /// The run that began last in the thread, unless one of the items has ended it. Its process may have died.
    pub fn open_run(&self) -> Option<&Run> {
        let ended = |run: &Run| self.items.iter().any(|stored| stored.ends_run.as_ref() == Some(&run.id));
        self.thread.run.as_ref().filter(|run| !ended(run))
    }
}

impl Threads {
    /// Stores a new thread with its first item, in one round trip. If one of the two writes fails the other is rolled
    /// back as far as that is possible, so that a reload shows nothing of it. An item with attachments takes them.
    ///
    /// # Errors
    /// A failure of the store's also when a thread of this id exists already, which is left as it is.
    pub async fn create(&self, owner: &Owner, thread: &ThreadRecord, first: &StoredItem) -> Result<(), BeginError> {
        let (Some(head), Some(item)) = (key::head(owner, &thread.id), key::item(owner, &thread.id, first.item.id()))
        else {
            return Err(StoreError::unreadable(key::SORT).into());
        };
        if sending::has_attachments(first) {
            let new = Change::PutNew(head, thread.record()?);
            let sent = sending::send(&self.table, owner, new, &thread.id, first, |_| exists_already()).await;
            if let Err(BeginError::Store(_)) = sent {
                // Whether it was written is unknown, and the person is told that it was not.
                let _ = sending::unsend(&self.table, owner, &thread.id, first, true).await;
            }
            return sent;
        }
        let item_write = first.write(owner, &thread.id)?;
        let (created, stored) =
            tokio::join!(self.table.put_new(&head, thread.record()?), self.table.update(item_write));
        let is_new = match created {
            Ok(true) => stored.map(|_| true),
            other => other,
        };
        // Rolling back is best effort: the thread is not created, whether or not this works.
        match is_new {
            Ok(true) => Ok(()),
            Ok(false) => {
                let _ = self.table.delete(&item).await;
                Err(exists_already())
            }
            Err(error) => {
                let _ = tokio::join!(self.table.delete(&head), self.table.delete(&item));
                Err(error.into())
            }
        }
    }

    /// The thread and its newest items, in one round trip; none if there is no such thread. Fewer items than asked for
    /// come back if they make more than 1 MB. The view may be a moment old: beginning a run catches a stale lease.
    pub async fn load(&self, owner: &Owner, thread_id: &str, newest: u32) -> Result<Option<Loaded>, StoreError> {
        self.load_as(owner, thread_id, newest, Consistency::Eventual).await
    }

    /// As [`Threads::load`], but as it is now (strongly consistent): the page answers a call within milliseconds.
    pub(crate) async fn load_now(
        &self,
        owner: &Owner,
        thread_id: &str,
        newest: u32,
    ) -> Result<Option<Loaded>, StoreError> {
        self.load_as(owner, thread_id, newest, Consistency::Strong).await
    }

    async fn load_as(
        &self,
        owner: &Owner,
        thread_id: &str,
        newest: u32,
        consistency: Consistency,
    ) -> Result<Option<Loaded>, StoreError> {
        let (Some(key), Some(partition)) = (key::head(owner, thread_id), key::items(owner, thread_id)) else {
            return Ok(None);
        };
        let query = Query { consistency, ..Query::newest(partition, key::ITEM, newest) };
        let (head, found) = tokio::try_join!(read_head(&self.table, &key, consistency), self.table.query(query))?;
        let Some(thread) = head else { return Ok(None) };
        let items = found.records.iter().rev().map(StoredItem::read).collect::<Result<_, _>>()?;
        Ok(Some(Loaded { thread, items, has_older: found.next.is_some() }))
    }

    /// A thread's head as it is now (strongly consistent), for a turn that may have outlived its thread; none if there
    /// is no such thread, or no longer.
    pub async fn head(&self, owner: &Owner, thread_id: &str) -> Result<Option<ThreadRecord>, StoreError> {
        match key::head(owner, thread_id) {
            Some(key) => read_head(&self.table, &key, Consistency::Strong).await,
            None => Ok(None),
        }
    }

    /// A page of the owner's threads, in the order of their creation.
    pub async fn list(&self, owner: &Owner, paging: &Paging) -> Result<ThreadList, StoreError> {
        let after = paging.after.as_ref().map(|id| format!("{}{}", key::HEAD, key::escape(id)));
        let listing = Listing::new(key::heads(owner), key::HEAD, after, paging);
        let mut half_deleted = Vec::new();
        let read = |record: &Record| {
            let thread = ThreadRecord::read(record)?;
            match record.number(DELETED).map(Timestamp::from_second) {
                None => return Ok(Some(thread)),
                Some(began) => half_deleted.push((thread.id, began.unwrap_or_default())),
            }
            Ok(None)
        };
        let page = pages::page(&self.table, listing, read, |thread| &thread.id).await?;
        Ok(ThreadList { page, half_deleted })
    }

    /// Sets a thread's title and returns the head; none if there is no such thread.
    pub async fn set_title(
        &self,
        owner: &Owner,
        thread_id: &str,
        title: &str,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        self.update_title(owner, thread_id, title, None).await
    }

    /// Gives a thread a title if it has none yet, and returns the head; none if it has one, or there is no such thread.
    pub(crate) async fn set_first_title(
        &self,
        owner: &Owner,
        thread_id: &str,
        title: &str,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        // The title is there when an answer was lost and the write is sent again.
        self.update_title(owner, thread_id, title, Some("(attribute_not_exists(#title) OR #title = :title)")).await
    }

    async fn update_title(
        &self,
        owner: &Owner,
        thread_id: &str,
        title: &str,
        condition: Option<&str>,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        let Some(key) = key::head(owner, thread_id) else { return Ok(None) };
        let update = Update::of(key).set(TITLE, text(title)).when(key::EXISTS).when(NOT_DELETED).returning_new();
        let update = condition.into_iter().fold(update, Update::when);
        match self.table.update(update).await? {
            Write::Done(head) => ThreadRecord::read(&head).map(Some),
            Write::Refused(_) => Ok(None),
        }
    }
}

/// Whether a thread does not exist, or no longer.
pub(super) async fn is_gone(table: &Table, owner: &Owner, thread_id: &str) -> Result<bool, StoreError> {
    let Some(key) = key::head(owner, thread_id) else { return Ok(true) };
    Ok(table.get(&key, Consistency::Eventual).await?.is_none_or(|head| head.contains(DELETED)))
}

/// The head at this key, unless it is deleted.
pub(super) async fn read_head(
    table: &Table,
    key: &Key,
    consistency: Consistency,
) -> Result<Option<ThreadRecord>, StoreError> {
    let head = table.get(key, consistency).await?.filter(|head| !head.contains(DELETED));
    head.as_ref().map(ThreadRecord::read).transpose()
}

fn exists_already() -> BeginError {
    StoreError::Other { source: "a thread of this id exists already".into() }.into()
}
