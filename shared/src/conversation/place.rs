//! Where a turn writes: a thread, for as long as its run lasts.

use super::answer::Finished;
use crate::identity::Owner;
use crate::ids;
use crate::protocol::ThreadItem;
use crate::store::{Retry, Run, StoreError, StoredItem, Threads};

/// A thread that a turn writes in.
pub(super) struct Place {
    pub(super) threads: Threads,
    pub(super) owner: Owner,
    pub(super) thread_id: String,
    pub(super) run: Run,
    /// The user's message that is answered.
    pub(super) question: String,
    /// Whether it was answered before: what stands behind it is dropped first.
    pub(super) anew: bool,
    /// The items that the turn has stored.
    pub(super) stored: Vec<String>,
}

impl Place {
    /// Makes room for the answer where the question was answered before. Returns the ids of the files that nothing shows
    /// any more.
    pub(super) async fn clear(&self) -> Result<Vec<String>, StoreError> {
        if !self.anew {
            return Ok(Vec::new());
        }
        Box::pin(self.threads.truncate_after(&self.owner, &self.thread_id, &self.question)).await
    }

    /// Stores an item that is complete. The one that ends the turn also ends the run, in the same write.
    pub(super) async fn store(&mut self, finished: Finished, ends_turn: bool) -> Result<ThreadItem, StoreError> {
        let Finished { item, upstream_id } = finished;
        let ends_run = ends_turn.then(|| self.run.id.clone());
        let stored = StoredItem { item, upstream_id, ends_run };
        Box::pin(self.threads.put_item(&self.owner, &self.thread_id, &stored)).await?;
        self.stored.push(stored.item.id().to_owned());
        Ok(stored.item)
    }

    /// Ends the run of a turn that has no item to end it with.
    pub(super) async fn end(&self) -> Result<(), StoreError> {
        Box::pin(self.threads.end_run(&self.owner, &self.thread_id, &self.run.id)).await
    }

    /// Takes back what the turn has stored if meanwhile the thread was deleted, or the message or an earlier one was
    /// asked again. Returns the ids of the files that nothing shows any more.
    pub(super) async fn withdraw(&self) -> Result<Vec<String>, StoreError> {
        // Ids behind their prefixes sort by time: those of items by their place, those of runs by their beginning.
        let retried = |retry: &Retry| {
            ids::sort_key(&retry.item) <= ids::sort_key(&self.question)
                && ids::sort_key(&retry.run) > ids::sort_key(&self.run.id)
        };
        let items = match self.threads.thread_now(&self.owner, &self.thread_id).await? {
            None => [self.stored.as_slice(), std::slice::from_ref(&self.question)].concat(),
            Some(head) if head.retry.as_ref().is_some_and(retried) => self.stored.clone(),
            Some(_) => return Ok(Vec::new()),
        };
        self.threads.remove_items(&self.owner, &self.thread_id, &items).await
    }
}
