//! Where a turn writes: a thread, for as long as its run lasts.

use super::answer::Finished;
use crate::identity::Owner;
use crate::ids;
use crate::protocol::{Event, Page, ThreadItem, WidgetItem};
use crate::store::{ModelContext, Retry, Run, Store, StoreError, StoredItem, Truncation};

/// A thread that a turn writes in.
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) owner: Owner,
    pub(super) thread_id: String,
    pub(super) run: Run,
    /// Whether the run has the thread's lease: an action writes without one until it asks the model.
    pub(super) leased: bool,
    /// The item that is answered; what the turn makes stands behind it.
    pub(super) question: String,
    /// Whether it was answered before: what stands behind it and is older than the run is dropped first.
    pub(super) anew: bool,
    /// Items that mean nothing any more, dropped first, too.
    pub(super) obsolete: Vec<String>,
    /// The widget that an action came from.
    pub(super) sender: Option<String>,
    /// The items that the turn has stored.
    pub(super) stored: Vec<String>,
}

impl Place {
    /// What stood behind a question that was answered before, when it was asked again.
    pub(super) async fn past(&self) -> Result<Truncation, StoreError> {
        if !self.anew {
            return Ok(Truncation::default());
        }
        Box::pin(self.store.items.begin_truncation(&self.owner, &self.thread_id, &self.question, &self.run.id)).await
    }

    /// Makes room for the answer: drops the past, whose files are gone, and what means nothing any more, which has none.
    pub(super) async fn clear(&self, past: Truncation) -> Result<(), StoreError> {
        Box::pin(self.store.items.finish_truncation(past)).await?;
        if !self.obsolete.is_empty() {
            Box::pin(self.store.items.remove(&self.owner, &self.thread_id, &self.obsolete)).await?;
        }
        Ok(())
    }

    /// Stores an item that is complete. The one that ends the turn also ends the run, in the same write.
    pub(super) async fn store(
        &mut self,
        finished: Finished,
        model_context: Option<ModelContext>,
        ends_turn: bool,
    ) -> Result<ThreadItem, StoreError> {
        let Finished { item, upstream_id, .. } = finished;
        let ends_run = (ends_turn && self.leased).then(|| self.run.id.clone());
        let stored = StoredItem { upstream_id, ends_run, model_context, ..StoredItem::new(item) };
        Box::pin(self.store.items.put(&self.owner, &self.thread_id, &stored)).await?;
        self.stored.push(stored.item.id().to_owned());
        Ok(stored.item)
    }

    /// Gives a stored widget a new content; none if there is no such widget.
    pub(super) async fn replace(
        &self,
        item_id: &str,
        widget: serde_json::Value,
        copy_text: Option<String>,
    ) -> Result<Option<ThreadItem>, StoreError> {
        let known = Box::pin(self.store.items.get(&self.owner, &self.thread_id, item_id)).await?;
        let Some(stored) = known else { return Ok(None) };
        let ThreadItem::Widget(old) = stored.item.clone() else { return Ok(None) };
        let item = ThreadItem::Widget(WidgetItem { widget, copy_text: copy_text.or(old.copy_text), ..old });
        let stored = StoredItem { item, ..stored };
        let is_there = Box::pin(self.store.items.replace(&self.owner, &self.thread_id, &stored)).await?;
        Ok(is_there.then_some(stored.item))
    }

    /// Gives the thread a title; none if the thread is gone.
    pub(super) async fn rename(&self, title: &str) -> Result<Option<Event>, StoreError> {
        let thread = Box::pin(self.store.threads.set_title(&self.owner, &self.thread_id, title)).await?;
        Ok(thread.map(|thread| Event::ThreadUpdated { thread: thread.into_thread(Page::empty()) }))
    }

    /// Ends the run of a turn that has no item to end it with.
    pub(super) async fn end(&self) -> Result<(), StoreError> {
        if self.leased {
            Box::pin(self.store.runs.end(&self.owner, &self.thread_id, &self.run.id)).await?;
        }
        Ok(())
    }

    /// Takes back what the turn has stored if meanwhile the thread was deleted, or the message or an earlier one was
    /// asked again. Returns the ids of the files that nothing shows any more.
    pub(super) async fn withdraw(&self) -> Result<Vec<String>, StoreError> {
        // Ids behind their prefixes sort by time: those of items by their place, those of runs by their beginning.
        let retried = |retry: &Retry| {
            ids::sort_key(&retry.item) <= ids::sort_key(&self.question)
                && ids::sort_key(&retry.run) > ids::sort_key(&self.run.id)
        };
        let items = match self.store.threads.head(&self.owner, &self.thread_id).await? {
            None => [self.stored.as_slice(), std::slice::from_ref(&self.question)].concat(),
            Some(head) if head.retries.iter().any(retried) => self.stored.clone(),
            Some(_) => return Ok(Vec::new()),
        };
        self.store.items.remove(&self.owner, &self.thread_id, &items).await
    }
}
