use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::{Document, Engine, Error};
use crate::identity::Owner;
use crate::protocol::{
    DeleteThread, GetThread, ListItems, ListThreads, Object, Order, Page, Paging, Thread, UpdateThread,
};
use crate::store::{ThreadList, ThreadRecord};
use crate::telemetry::chain;

/// Items that `threads.get_by_id` brings along.
const ITEMS_WITH_THREAD: i64 = 200;

/// How long a deletion may still be at work.
const AT_WORK: Duration = Duration::from_mins(1);

/// How long a list waits for deletions that it goes on with.
const PATIENCE: Duration = Duration::from_secs(2);

/// Characters of a title.
const LONGEST_TITLE: usize = 1_000;

impl Engine {
    /// `threads.get_by_id`: the thread with its newest items, oldest of them first. If there are older ones, `after` is
    /// the cursor that brings them with `items.list` in descending order.
    pub(super) async fn get_thread(&self, owner: &Owner, params: &GetThread) -> Result<Document, Error> {
        self.admit_request(owner).await?;
        let newest = Paging { limit: Some(ITEMS_WITH_THREAD), order: Order::Desc, after: None };
        let loaded = self.store.items.list_with_head(owner, &params.thread_id, &newest).await?;
        let (thread, items) = loaded.ok_or(Error::NotFound("thread"))?;
        let mut items = items.map(|stored| self.shown(owner, stored.item));
        items.data.reverse();
        Ok(Document::Thread(thread.into_thread(items)))
    }

    /// `threads.list`.
    pub(super) async fn list_threads(&self, owner: &Owner, params: &ListThreads) -> Result<Document, Error> {
        check_limit(&params.paging)?;
        self.admit_request(owner).await?;
        let ThreadList { page, half_deleted } = self.store.threads.list(owner, &params.paging).await?;
        self.go_on_deleting(owner, &half_deleted).await;
        Ok(Document::Threads(page.map(|thread| thread.into_thread(Page::empty()))))
    }

    /// `threads.update`: a new title.
    pub(super) async fn update_thread(&self, owner: &Owner, params: UpdateThread) -> Result<Document, Error> {
        if params.title.chars().count() > LONGEST_TITLE {
            return Err(Error::Invalid(format!("`title` has more than {LONGEST_TITLE} characters")));
        }
        self.admit_request(owner).await?;
        let thread = self.store.threads.set_title(owner, &params.thread_id, &params.title).await?;
        let thread = thread.ok_or(Error::NotFound("thread"))?;
        Ok(Document::Thread(thread.into_thread(Page::empty())))
    }

    /// `threads.delete`: the thread and everything in it. Deleting what is not there is no error, so that a repeated
    /// request is none either.
    pub(super) async fn delete_thread(&self, owner: &Owner, params: &DeleteThread) -> Result<Document, Error> {
        self.admit_request(owner).await?;
        self.delete(owner, &params.thread_id).await?;
        Ok(Document::Nothing {})
    }

    async fn delete(&self, owner: &Owner, thread_id: &str) -> Result<(), Error> {
        if let Some(deletion) = self.store.threads.begin_delete(owner, thread_id, self.clock.now()).await? {
            self.remove_files(owner, &deletion.files).await?;
            self.store.threads.finish_delete(deletion).await?;
        }
        Ok(())
    }

    /// Goes on with deletions that ended half way, as they do where a process is killed: nobody sees these threads any
    /// more, so nobody would repeat the request. The list does not wait for long; the next one goes on with the rest.
    async fn go_on_deleting(&self, owner: &Owner, half_deleted: &[(String, Timestamp)]) {
        let now = self.clock.now();
        let deletions = async {
            for (thread_id, _) in half_deleted.iter().filter(|(_, began)| now >= *began + AT_WORK) {
                if let Err(error) = Box::pin(self.delete(owner, thread_id)).await {
                    tracing::warn!(error = chain(&error), "a half deleted thread was not deleted");
                }
            }
        };
        if timeout(PATIENCE, deletions).await.is_err() {
            tracing::warn!("a half deleted thread is not deleted yet");
        }
    }

    /// `items.list`.
    pub(super) async fn list_items(&self, owner: &Owner, params: &ListItems) -> Result<Document, Error> {
        check_limit(&params.paging)?;
        self.admit_request(owner).await?;
        let items = self.store.items.list(owner, &params.thread_id, &params.paging).await?;
        let items = items.ok_or(Error::NotFound("thread"))?;
        Ok(Document::Items(items.map(|stored| self.shown(owner, stored.item))))
    }
}

fn check_limit(paging: &Paging) -> Result<(), Error> {
    match paging.limit {
        Some(limit) if limit < 0 => Err(Error::Invalid("`limit` must not be negative".to_owned())),
        Some(_) | None => Ok(()),
    }
}

impl ThreadRecord {
    /// The thread as the client sees it: without the server's metadata.
    pub(super) fn into_thread(self, items: Page<crate::protocol::ThreadItem>) -> Thread {
        Thread {
            title: self.title,
            id: self.id,
            created_at: self.created_at,
            status: self.status,
            allowed_image_domains: self.allowed_image_domains,
            metadata: Object::new(),
            items,
        }
    }
}
