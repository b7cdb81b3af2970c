use crate::engine::Engine;
use crate::identity::Owner;
use crate::protocol::{Event, Page, ThreadItem, WidgetItem};
use crate::store::{ItemPosition, Run, Store, StoreError, StoredItem, Truncation};

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
    /// Whether the question was answered before: the first item takes the place of what follows it and is older than
    /// the run.
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

    /// What the first item of a retry takes the place of; none for any other item.
    pub(super) async fn replaced_end(&self) -> Result<Option<Truncation>, StoreError> {
        let Some(writer) = self.thread().filter(|writer| writer.is_retry) else { return Ok(None) };
        let ThreadWriter { store, owner, thread_id, question_id, run, .. } = writer;
        store.items.end_of_thread(owner, thread_id, question_id, &run.id).await.map(Some)
    }

    /// Stores an item. The one that ends the turn also releases the lease, in the same write.
    pub(super) async fn store(
        &mut self,
        stored: &mut StoredItem,
        replaced: Option<Truncation>,
        ends_turn: bool,
    ) -> Result<(), StoreError> {
        match self {
            Self::Thread(writer) => writer.store(stored, replaced, ends_turn).await,
            Self::Nothing => Ok(()),
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
        position: Option<ItemPosition>,
    ) -> Result<Option<ThreadItem>, StoreError> {
        match self.thread().and_then(|writer| Some((writer, item_id.or(writer.sender_id.as_ref())?))) {
            Some((writer, item_id)) => writer.replace_widget(item_id, widget, copy_text, position).await,
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

    async fn store(
        &mut self,
        stored: &mut StoredItem,
        replaced: Option<Truncation>,
        ends_turn: bool,
    ) -> Result<(), StoreError> {
        let Self { store, owner, thread_id, run, .. } = self;
        stored.ends_run = ends_turn.then(|| run.id.clone());
        match replaced {
            Some(replaced) => store.items.put_in_place(owner, thread_id, stored, replaced).await?,
            None => store.items.put(owner, thread_id, stored).await?,
        }
        self.is_retry = false;
        self.stored_ids.push(stored.item.id().to_owned());
        Ok(())
    }

    async fn replace_widget(
        &self,
        item_id: &str,
        widget: serde_json::Value,
        copy_text: Option<String>,
        position: Option<ItemPosition>,
    ) -> Result<Option<ThreadItem>, StoreError> {
        let known = self.store.items.get(&self.owner, &self.thread_id, item_id).await?;
        let Some(stored) = known else { return Ok(None) };
        let ThreadItem::Widget(old) = stored.item.clone() else { return Ok(None) };
        let item = ThreadItem::Widget(WidgetItem { widget, copy_text: copy_text.or(old.copy_text), ..old });
        let stored = StoredItem { item, position, ..stored };
        let exists = self.store.items.replace(&self.owner, &self.thread_id, &stored).await?;
        Ok(exists.then_some(stored.item))
    }

    async fn withdraw(&self) -> Result<Vec<String>, StoreError> {
        let items = match self.store.threads.head(&self.owner, &self.thread_id).await? {
            None => [self.stored_ids.as_slice(), std::slice::from_ref(&self.question_id)].concat(),
            Some(head) if head.is_retried(&self.question_id, &self.run.id) => self.stored_ids.clone(),
            Some(_) => return Ok(Vec::new()),
        };
        self.store.items.remove(&self.owner, &self.thread_id, &items).await
    }
}
