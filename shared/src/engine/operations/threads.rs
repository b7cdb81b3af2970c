use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::engine::{Document, Engine, Error};
use crate::identity::{Identity, Owner};
use crate::protocol::{DeleteThread, GetThread, ListThreads, Object, Order, Page, Paging, Thread, UpdateThread};
use crate::store::{ThreadList, ThreadRecord};
use crate::telemetry::chain;

/// Items that `threads.get_by_id` brings along.
const ITEMS_WITH_THREAD: i64 = 200;

/// A deletion that began longer ago has died.
const MAX_DELETION: Duration = Duration::from_mins(1);

/// How long a list waits for the deletions that it resumes.
const MAX_RESUME_WAIT: Duration = Duration::from_secs(2);

const MAX_TITLE_CHARS: usize = 1_000;

impl Engine {
    /// `threads.get_by_id`: the thread with its newest items, oldest of them first. If there are older ones, `after` is
    /// the cursor that brings them with `items.list` in descending order.
    pub(crate) async fn get_thread(&self, identity: &Identity, params: &GetThread) -> Result<Document, Error> {
        let owner = &identity.owner;
        self.admit_request(identity).await?;
        let newest = Paging { limit: Some(ITEMS_WITH_THREAD), order: Order::Desc, after: None };
        let (thread, items) = self.page_of_items(owner, &params.thread_id, &newest).await?;
        let mut items = items.map(|stored| self.with_file_urls(owner, stored.item));
        items.data.reverse();
        Ok(Document::Thread(thread.into_thread(items)))
    }

    /// `threads.list`.
    pub(crate) async fn list_threads(&self, identity: &Identity, params: &ListThreads) -> Result<Document, Error> {
        let owner = &identity.owner;
        check_limit(&params.paging)?;
        self.admit_request(identity).await?;
        let ThreadList { page, half_deleted } = self.store.threads.list(owner, &params.paging).await?;
        self.resume_deletions(owner, &half_deleted).await;
        Ok(Document::Threads(page.map(|thread| thread.into_thread(Page::empty()))))
    }

    /// `threads.update`: a new title.
    pub(crate) async fn update_thread(&self, identity: &Identity, params: UpdateThread) -> Result<Document, Error> {
        let owner = &identity.owner;
        if params.title.chars().count() > MAX_TITLE_CHARS {
            return Err(Error::Invalid(format!("`title` has more than {MAX_TITLE_CHARS} characters")));
        }
        self.admit_request(identity).await?;
        let thread = self.store.threads.set_title(owner, &params.thread_id, &params.title).await?;
        let thread = thread.ok_or(Error::NotFound("thread"))?;
        Ok(Document::Thread(thread.into_thread(Page::empty())))
    }

    /// `threads.delete`: the thread and everything in it. Deleting what is not there is no error, so that a repeated
    /// request is none either.
    pub(crate) async fn delete_thread(&self, identity: &Identity, params: &DeleteThread) -> Result<Document, Error> {
        let owner = &identity.owner;
        self.admit_request(identity).await?;
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

    /// Resumes deletions that ended half way because their process died: the user does not see these threads any more,
    /// so the request is not repeated. The list does not wait for long; the next one resumes the rest.
    async fn resume_deletions(&self, owner: &Owner, half_deleted: &[(String, Timestamp)]) {
        let now = self.clock.now();
        let deletions = async {
            for (thread_id, _) in half_deleted.iter().filter(|(_, began)| now >= *began + MAX_DELETION) {
                if let Err(error) = self.delete(owner, thread_id).await {
                    tracing::warn!(
                        error = chain(&error),
                        "could not delete a partly deleted thread; the next list tries again"
                    );
                }
            }
        };
        if timeout(MAX_RESUME_WAIT, deletions).await.is_err() {
            tracing::warn!("deleting a partly deleted thread takes long; the next list goes on");
        }
    }
}

pub(super) fn check_limit(paging: &Paging) -> Result<(), Error> {
    match paging.limit {
        Some(limit) if limit < 0 => Err(Error::Invalid("`limit` must not be negative".to_owned())),
        Some(_) | None => Ok(()),
    }
}

impl ThreadRecord {
    /// The thread as the client sees it: without the server's metadata.
    pub(crate) fn into_thread(self, items: Page<crate::protocol::ThreadItem>) -> Thread {
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
