use crate::engine::Engine;
use crate::engine::answer::Finished;
use crate::identity::Owner;
use crate::ids;
use crate::protocol::{Event, Page, ThreadItem, WidgetItem};
use crate::store::{ModelContext, Retry, Run, Store, StoreError, StoredItem, Truncation};

/// Where a turn writes.
pub(crate) enum Writer {
    Thread(Box<ThreadWriter>),
    /// Nowhere: the caller keeps the conversation.
    Nothing,
}

/// Writes the items of one run in its thread.
pub(crate) struct ThreadWriter {
    pub(crate) store: Store,
    pub(crate) owner: Owner,
    pub(crate) thread_id: String,
    pub(crate) run: Run,
    /// An action writes without the thread's lease until it asks the model.
    pub(crate) has_lease: bool,
    /// The item that is answered; the turn's items follow it.
    pub(crate) question_id: String,
    /// Whether the question was answered before: what follows it and is older than the run is removed first.
    pub(crate) is_retry: bool,
    /// Items that are removed first because they have lost their meaning.
    pub(crate) superseded_item_ids: Vec<String>,
    /// The widget that an action came from.
    pub(crate) sender_id: Option<String>,
    pub(crate) stored_ids: Vec<String>,
}

impl Writer {
    pub(crate) const fn thread(&self) -> Option<&ThreadWriter> {
        match self {
            Self::Thread(writer) => Some(writer),
            Self::Nothing => None,
        }
    }

    pub(super) const fn is_thread(&self) -> bool {
        self.thread().is_some()
    }

    pub(super) fn thread_id(&self) -> Option<&str> {
        self.thread().map(|writer| writer.thread_id.as_str())
    }

    /// The ids of the thread and of the question; empty where nothing is written.
    pub(super) fn ids(&self) -> (&str, &str) {
        self.thread().map_or(("", ""), |writer| (&writer.thread_id, &writer.question_id))
    }

    /// Stores a finished item. The one that ends the turn also releases the lease, in the same write.
    pub(super) async fn store(
        &mut self,
        finished: Finished,
        model_context: Option<ModelContext>,
        ends_turn: bool,
    ) -> Result<ThreadItem, StoreError> {
        match self {
            Self::Thread(writer) => writer.store(finished, model_context, ends_turn).await,
            Self::Nothing => Ok(finished.item),
        }
    }

    /// What something else has stored for the turn.
    pub(super) fn remember(&mut self, item_id: Option<String>) {
        if let Self::Thread(writer) = self {
            writer.stored_ids.extend(item_id);
        }
    }

    /// Gives a stored widget a new content; none if there is no such widget.
    pub(super) async fn replace_widget(
        &self,
        item_id: Option<&String>,
        widget: serde_json::Value,
        copy_text: Option<String>,
    ) -> Result<Option<ThreadItem>, StoreError> {
        match self.thread().and_then(|writer| Some((writer, item_id.or(writer.sender_id.as_ref())?))) {
            Some((writer, item_id)) => writer.replace_widget(item_id, widget, copy_text).await,
            None => Ok(None),
        }
    }

    /// Gives the thread a title; none if the thread is gone.
    pub(super) async fn rename(&self, title: &str) -> Result<Option<Event>, StoreError> {
        let Some(writer) = self.thread() else { return Ok(None) };
        let thread = writer.store.threads.set_title(&writer.owner, &writer.thread_id, title).await?;
        Ok(thread.map(|thread| Event::ThreadUpdated { thread: thread.into_thread(Page::empty()) }))
    }

    /// Releases the lease of a turn that has no item to end with.
    pub(super) async fn release_lease(&self) -> Result<(), StoreError> {
        match self.thread().filter(|writer| writer.has_lease) {
            Some(writer) => writer.store.runs.end(&writer.owner, &writer.thread_id, &writer.run.id).await,
            None => Ok(()),
        }
    }

    /// Removes what the turn has stored if meanwhile the thread was deleted, or the question or an earlier one was
    /// retried. Returns the ids of the files that no item shows any more.
    pub(super) async fn withdraw(&self) -> Result<Vec<String>, StoreError> {
        match self.thread() {
            Some(writer) => writer.withdraw().await,
            None => Ok(Vec::new()),
        }
    }
}

impl ThreadWriter {
    /// A writer without the thread's lease, which removes nothing first.
    pub(crate) fn new(engine: &Engine, owner: &Owner, thread_id: String, run: Run, question_id: String) -> Self {
        Self {
            store: engine.store.clone(),
            owner: owner.clone(),
            thread_id,
            run,
            has_lease: false,
            question_id,
            is_retry: false,
            superseded_item_ids: Vec::new(),
            sender_id: None,
            stored_ids: Vec::new(),
        }
    }

    /// The items that a retry replaces, none of them removed yet.
    pub(super) async fn begin_truncation(&self) -> Result<Truncation, StoreError> {
        if !self.is_retry {
            return Ok(Truncation::default());
        }
        self.store.items.begin_truncation(&self.owner, &self.thread_id, &self.question_id, &self.run.id).await
    }

    /// Removes the items that a retry replaces, whose files are removed by now, and those that have lost their meaning,
    /// which have no files.
    pub(super) async fn remove_superseded(&self, truncation: Truncation) -> Result<(), StoreError> {
        self.store.items.finish_truncation(truncation).await?;
        if !self.superseded_item_ids.is_empty() {
            self.store.items.remove(&self.owner, &self.thread_id, &self.superseded_item_ids).await?;
        }
        Ok(())
    }

    async fn store(
        &mut self,
        finished: Finished,
        model_context: Option<ModelContext>,
        ends_turn: bool,
    ) -> Result<ThreadItem, StoreError> {
        let Finished { item, upstream_id, .. } = finished;
        let ends_run = (ends_turn && self.has_lease).then(|| self.run.id.clone());
        let stored = StoredItem { upstream_id, ends_run, model_context, ..StoredItem::new(item) };
        self.store.items.put(&self.owner, &self.thread_id, &stored).await?;
        self.stored_ids.push(stored.item.id().to_owned());
        Ok(stored.item)
    }

    async fn replace_widget(
        &self,
        item_id: &str,
        widget: serde_json::Value,
        copy_text: Option<String>,
    ) -> Result<Option<ThreadItem>, StoreError> {
        let known = self.store.items.get(&self.owner, &self.thread_id, item_id).await?;
        let Some(stored) = known else { return Ok(None) };
        let ThreadItem::Widget(old) = stored.item.clone() else { return Ok(None) };
        let item = ThreadItem::Widget(WidgetItem { widget, copy_text: copy_text.or(old.copy_text), ..old });
        let stored = StoredItem { item, ..stored };
        let exists = self.store.items.replace(&self.owner, &self.thread_id, &stored).await?;
        Ok(exists.then_some(stored.item))
    }

    async fn withdraw(&self) -> Result<Vec<String>, StoreError> {
        // Behind their prefixes, ids sort by time: those of items by their place, those of runs by their start.
        let retried = |retry: &Retry| {
            ids::sort_key(&retry.item) <= ids::sort_key(&self.question_id)
                && ids::sort_key(&retry.run) > ids::sort_key(&self.run.id)
        };
        let items = match self.store.threads.head(&self.owner, &self.thread_id).await? {
            None => [self.stored_ids.as_slice(), std::slice::from_ref(&self.question_id)].concat(),
            Some(head) if head.retries.iter().any(retried) => self.stored_ids.clone(),
            Some(_) => return Ok(Vec::new()),
        };
        self.store.items.remove(&self.owner, &self.thread_id, &items).await
    }
}
