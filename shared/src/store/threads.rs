use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::Connection;
use super::attributes::{self, Record};
use super::error::{StoreError, refused};
use super::key::{self, Key};
use super::pages::{self, Listing};
use super::records::{DELETED, HIDDEN, Run, StoredItem, TITLE, ThreadRecord};
use crate::env::{Env, EnvError};
use crate::identity::Owner;
use crate::ids;
use crate::protocol::{Page, Paging};

/// The condition that a thread exists, with `#pk` and `#deleted`.
const EXISTS: &str = "attribute_exists(#pk) AND attribute_not_exists(#deleted)";

/// How fresh a read has to be; a strong one costs twice as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consistency {
    Eventual,
    Strong,
}

/// Threads and their items. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Threads {
    pub(super) client: Client,
    pub(super) table: Arc<str>,
}

/// A thread with the newest of its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The head.
    pub thread: ThreadRecord,
    /// The newest items, oldest first, hidden ones among them.
    pub items: Vec<StoredItem>,
    /// Whether there may be older ones.
    pub has_more: bool,
}

/// A page of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadList {
    /// Those that exist.
    pub page: Page<ThreadRecord>,
    /// Those among them whose deletion has not ended, by their ids, and when it began; [`Threads::begin_delete`] goes on
    /// with it.
    pub half_deleted: Vec<(String, Timestamp)>,
}

impl Loaded {
    /// The newest id in the thread, of an item or a run. What begins now sorts behind it, whatever the clocks say.
    pub fn newest(&self) -> &str {
        let items = self.items.last().map(|stored| stored.item.id());
        let ids = [Some(&*self.thread.id), items, self.thread.last_run()];
        ids.into_iter().flatten().max_by_key(|id| ids::sort_key(id)).unwrap_or(&self.thread.id)
    }

    /// The run that writes in the thread now: its lease has not ended, and no item has ended the run.
    pub fn live_run(&self, now: Timestamp) -> Option<&Run> {
        let ended = |run: &Run| self.items.iter().any(|stored| stored.ends_run.as_ref() == Some(&run.id));
        self.thread.run.as_ref().filter(|run| run.until > now && !ended(run))
    }
}

impl Threads {
    /// How many items a turn loads by default: with less than 1 KB each, and the head, 3 read units.
    pub const NEWEST: u32 = 20;

    /// Reads `TABLE_THREADS`.
    ///
    /// # Errors
    /// When it is missing.
    pub fn from_env(connection: &Connection, env: &Env) -> Result<Self, EnvError> {
        let table = env.required("TABLE_THREADS", "the name of the table of threads")?;
        Ok(Self { client: connection.0.clone(), table: table.into() })
    }

    /// The thread and its newest items, in one round trip; none if there is no such thread. Fewer items than asked for
    /// come back if they make more than 1 MB. The view may be a moment old: beginning a run catches a stale lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(&self, owner: &Owner, thread_id: &str, newest: u32) -> Result<Option<Loaded>, StoreError> {
        self.load_as(owner, thread_id, newest, Consistency::Eventual).await
    }

    /// As [`Threads::load`], but as it is now (strongly consistent): the page answers a call within milliseconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load_now(&self, owner: &Owner, thread_id: &str, newest: u32) -> Result<Option<Loaded>, StoreError> {
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
        let newest = i32::try_from(newest.max(1)).unwrap_or(i32::MAX);
        let query = self.query_items(partition).scan_index_forward(false).limit(newest);
        let query = query.consistent_read(consistency == Consistency::Strong);
        let (head, answer) =
            tokio::try_join!(self.head(&key, consistency), async { Ok(Box::pin(query.send()).await?) })?;
        let Some(thread) = head else { return Ok(None) };
        let items = answer.items().iter().rev().map(StoredItem::read).collect::<Result<_, _>>()?;
        Ok(Some(Loaded { thread, items, has_more: answer.last_evaluated_key.is_some() }))
    }

    /// A thread's head; none if there is no such thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn thread(&self, owner: &Owner, thread_id: &str) -> Result<Option<ThreadRecord>, StoreError> {
        match key::head(owner, thread_id) {
            Some(key) => self.head(&key, Consistency::Eventual).await,
            None => Ok(None),
        }
    }

    /// A thread's head as it is now, strongly consistent, for a turn that may have outlived its thread; none if there is
    /// no such thread, or no longer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn thread_now(&self, owner: &Owner, thread_id: &str) -> Result<Option<ThreadRecord>, StoreError> {
        match key::head(owner, thread_id) {
            Some(key) => self.head(&key, Consistency::Strong).await,
            None => Ok(None),
        }
    }

    /// A page of the owner's threads, in the order of their creation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn threads(&self, owner: &Owner, paging: &Paging) -> Result<ThreadList, StoreError> {
        let listing = Listing {
            table: &self.table,
            partition: key::heads(owner),
            prefix: key::HEAD,
            order: paging.order,
            limit: pages::limit(paging),
            after: paging.after.as_ref().map(|id| format!("{}{}", key::HEAD, key::escape(id))),
        };
        let mut half_deleted = Vec::new();
        let read = |record: &Record| {
            let thread = ThreadRecord::read(record)?;
            match attributes::number(record, DELETED).map(Timestamp::from_second) {
                None => return Ok(Some(thread)),
                Some(began) => half_deleted.push((thread.id, began.unwrap_or_default())),
            }
            Ok(None)
        };
        let page = pages::page(&self.client, listing, read, |thread| &thread.id).await?;
        Ok(ThreadList { page, half_deleted })
    }

    /// A thread's head and a page of its items, in one round trip, without those that no client may see; none if there
    /// is no such thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn thread_with_items(
        &self,
        owner: &Owner,
        thread_id: &str,
        paging: &Paging,
    ) -> Result<Option<(ThreadRecord, Page<StoredItem>)>, StoreError> {
        let (Some(key), Some(partition)) = (key::head(owner, thread_id), key::items(owner, thread_id)) else {
            return Ok(None);
        };
        let listing = Listing {
            table: &self.table,
            partition,
            prefix: key::ITEM,
            order: paging.order,
            limit: pages::limit(paging),
            after: paging.after.as_deref().map(key::item_sort_key),
        };
        let read = |record: &Record| match record.contains_key(HIDDEN) {
            true => Ok(None),
            false => StoredItem::read(record).map(Some),
        };
        let page = pages::page(&self.client, listing, read, |stored| stored.item.id());
        let (head, page) = tokio::try_join!(self.head(&key, Consistency::Eventual), page)?;
        Ok(head.map(|thread| (thread, page)))
    }

    /// A page of a thread's items, as [`Threads::thread_with_items`] gives it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn items(
        &self,
        owner: &Owner,
        thread_id: &str,
        paging: &Paging,
    ) -> Result<Option<Page<StoredItem>>, StoreError> {
        Ok(self.thread_with_items(owner, thread_id, paging).await?.map(|(_, page)| page))
    }

    /// Sets a thread's title and returns the head; none if there is no such thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_title(
        &self,
        owner: &Owner,
        thread_id: &str,
        title: &str,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        self.update_title(owner, thread_id, title, EXISTS).await
    }

    /// Gives a thread a title if it has none yet, and returns the head; none if it has one, or there is no such thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_first_title(
        &self,
        owner: &Owner,
        thread_id: &str,
        title: &str,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        // The title is there when an answer was lost and the write is sent again.
        let untitled = format!("{EXISTS} AND (attribute_not_exists(#title) OR #title = :title)");
        self.update_title(owner, thread_id, title, &untitled).await
    }

    async fn update_title(
        &self,
        owner: &Owner,
        thread_id: &str,
        title: &str,
        condition: &str,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        let Some(key) = key::head(owner, thread_id) else { return Ok(None) };
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression("SET #title = :title")
            .condition_expression(condition)
            .expression_attribute_names("#title", TITLE)
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#deleted", DELETED)
            .expression_attribute_values(":title", AttributeValue::S(title.to_owned()))
            .return_values(ReturnValue::AllNew);
        match Box::pin(request.send()).await {
            Ok(answer) => answer.attributes.as_ref().map(ThreadRecord::read).transpose(),
            Err(error) => refused(error).map(|_| None),
        }
    }

    /// Whether a thread does not exist, or no longer. A turn that ends in a thread deleted meanwhile removes what it
    /// wrote with [`Threads::remove_items`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn thread_is_gone(&self, owner: &Owner, thread_id: &str) -> Result<bool, StoreError> {
        let Some(key) = key::head(owner, thread_id) else { return Ok(true) };
        let get = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let get = get
            .projection_expression("#sk, #deleted")
            .expression_attribute_names("#sk", key::SORT)
            .expression_attribute_names("#deleted", DELETED);
        Ok(Box::pin(get.send()).await?.item.is_none_or(|head| head.contains_key(DELETED)))
    }

    /// The head at this key, unless it is deleted.
    async fn head(&self, key: &Key, consistency: Consistency) -> Result<Option<ThreadRecord>, StoreError> {
        let get = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let get = get.consistent_read(consistency == Consistency::Strong);
        let head = Box::pin(get.send()).await?.item.filter(|head| !head.contains_key(DELETED));
        head.as_ref().map(ThreadRecord::read).transpose()
    }
}
