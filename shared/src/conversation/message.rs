//! Turns that answer a message of the user: the first one, a further one, one that is asked again.

use futures_util::TryFutureExt;
use tokio::sync::mpsc::UnboundedReceiver;

use super::attachments::Upload;
use super::prompt::prompt;
use super::title;
use super::turn::{Beginning, stream_options};
use super::user_message::{digest, digest_of_input};
use super::{Engine, Error, OnEnd};
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::protocol::{
    AddUserMessage, CreateThread, Event, Page, RetryAfterItem, ThreadItem, ThreadStatus, UserContent, UserMessage,
};
use crate::store::{Loaded, Run, RunTrigger, StoredItem, ThreadRecord, Threads};

impl Engine {
    /// `threads.create`: a new thread with its first message.
    pub(super) async fn create_thread(
        &self,
        identity: &Identity,
        params: CreateThread,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let owner = &identity.owner;
        self.check_message(&params.input)?;
        let beside = title::worst_case(&text_of(&params.input.content));
        let reservation = self.admit_turn(identity, beside).await?;
        let thread_id = self.ids.mint(ids::THREAD);
        let (item, uploads) = match Box::pin(self.user_item(owner, params.input, &thread_id, &thread_id)).await {
            Ok(sent) => sent,
            Err(error) => return Err(self.refund(&reservation, error).await),
        };
        let run = self.lease(digest(&item.item), None);
        let thread = ThreadRecord {
            id: thread_id,
            title: None,
            created_at: item.item.header().created_at,
            status: ThreadStatus::Active,
            allowed_image_domains: self.assistant.allowed_image_domains.clone(),
            run: Some(run.clone()),
            retries: Vec::new(),
        };
        let created = Event::ThreadCreated { thread: thread.clone().into_thread(Page::empty()) };
        let beginning = Beginning {
            operation: "threads.create",
            identity: identity.clone(),
            run,
            question: item.item.id().to_owned(),
            anew: false,
            obsolete: Vec::new(),
            reservation,
            prompt: prompt(&self.assistant, identity, &thread.id, std::slice::from_ref(&item)),
            waiting: Vec::new(),
            untitled: Some(plain_text(&item.item)),
            has_files: !uploads.is_empty(),
            opening: vec![created, Event::ItemDone { item: self.shown(owner, item.item.clone()) }, stream_options()],
            thread: thread.clone(),
        };
        let write = async {
            self.store.threads.create(owner, &thread, &item).await?;
            self.keep_files(owner, &item, &uploads, None).await
        };
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    /// `threads.add_user_message`.
    pub(super) async fn add_user_message(
        &self,
        identity: &Identity,
        params: AddUserMessage,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let owner = &identity.owner;
        self.check_message(&params.input)?;
        let load = self.load(owner, &params.thread_id);
        let (reservation, loaded) = Box::pin(self.admit_and_load(identity, load)).await?;
        let run = self.lease(digest_of_input(&params.input), Some(loaded.newest()));
        let live = loaded.live_run(self.clock.now());
        // Refused before the model is called: a page that repeats itself must not cost anything.
        if live.is_some_and(|live| live.digest == run.digest) {
            return Err(self.refund(&reservation, Error::Conflict).await);
        }
        let (item, uploads) =
            match Box::pin(self.user_item(owner, params.input, &loaded.thread.id, loaded.newest())).await {
                Ok(sent) => sent,
                Err(error) => return Err(self.refund(&reservation, error).await),
            };
        let seen = if live.is_none() { loaded.thread.run.as_ref().map(|run| run.id.clone()) } else { None };
        let mut items = loaded.items;
        items.push(item.clone());
        let untitled = loaded.thread.title.is_none().then(|| plain_text(&item.item));
        let beginning = Beginning {
            operation: "threads.add_user_message",
            identity: identity.clone(),
            run: run.clone(),
            question: item.item.id().to_owned(),
            anew: false,
            obsolete: Vec::new(),
            reservation,
            prompt: prompt(&self.assistant, identity, &loaded.thread.id, &items),
            waiting: Vec::new(),
            untitled,
            has_files: !uploads.is_empty(),
            opening: vec![Event::ItemDone { item: self.shown(owner, item.item.clone()) }, stream_options()],
            thread: loaded.thread,
        };
        let thread_id = beginning.thread.id.clone();
        let write = async {
            let now = self.clock.now();
            let opening = RunTrigger::Message(&item);
            self.store.runs.begin(owner, &thread_id, &run, seen.as_deref(), opening, now).await?;
            self.keep_files(owner, &item, &uploads, Some(&run)).await
        };
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    /// `threads.retry_after_item`: everything after a user message is dropped, and the message answered anew.
    pub(super) async fn retry_after_item(
        &self,
        identity: &Identity,
        params: RetryAfterItem,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let owner = &identity.owner;
        let load = self.load(owner, &params.thread_id);
        let (reservation, loaded) = Box::pin(self.admit_and_load(identity, load)).await?;
        let prepared = Box::pin(self.prepare_retry(owner, &params.item_id, &loaded)).await;
        let items = match prepared {
            Ok(items) => items,
            Err(error) => return Err(self.refund(&reservation, error).await),
        };
        let Some(question) = items.last().map(|stored| stored.item.clone()) else {
            return Err(self.refund(&reservation, Error::NotFound("item")).await);
        };
        // Everything that it drops is older, and every message that is sent from now on is newer.
        let run = self.lease(digest(&question), Some(loaded.newest()));
        let beginning = Beginning {
            operation: "threads.retry_after_item",
            identity: identity.clone(),
            run: run.clone(),
            question: question.id().to_owned(),
            anew: true,
            obsolete: Vec::new(),
            reservation,
            prompt: prompt(&self.assistant, identity, &loaded.thread.id, &items),
            waiting: Vec::new(),
            untitled: loaded.thread.title.is_none().then(|| plain_text(&question)),
            has_files: false,
            opening: vec![stream_options()],
            thread: loaded.thread,
        };
        // Whoever asks again is done with the run that is under way; it withdraws its items when it ends.
        let (thread, now) = (beginning.thread.clone(), self.clock.now());
        let write = self.store.runs.begin_retry(owner, &thread, &run, &params.item_id, now).err_into();
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    /// Keeps the files of a message that was just stored, with the lease of `run` or as the first of a thread. Where that
    /// fails, the message is taken back, so that it can be sent again.
    async fn keep_files(
        &self,
        owner: &Owner,
        message: &StoredItem,
        uploads: &[Upload],
        run: Option<&Run>,
    ) -> Result<(), Error> {
        if uploads.is_empty() {
            return Ok(());
        }
        let Err(error) = self.keep_uploads(owner, uploads).await else { return Ok(()) };
        self.store.runs.rollback_message(owner, &message.item.header().thread_id, message, run).await?;
        Err(error)
    }

    /// The items up to the one that is retried.
    async fn prepare_retry(&self, owner: &Owner, item_id: &str, loaded: &Loaded) -> Result<Vec<StoredItem>, Error> {
        let known = loaded.items.iter().position(|stored| stored.item.id() == item_id);
        let items = match known {
            Some(position) => loaded.items[..=position].to_vec(),
            // Further back than a turn reads: rare, so it costs a read of its own.
            None => Box::pin(self.items_up_to(owner, &loaded.thread.id, item_id)).await?,
        };
        match items.last().map(|stored| &stored.item) {
            Some(ThreadItem::UserMessage(message)) if message.header.id == item_id => Ok(items),
            Some(item) if item.id() == item_id => {
                Err(Error::Invalid("`item_id` must name a message of the user".to_owned()))
            }
            Some(_) | None => Err(Error::NotFound("item")),
        }
    }

    async fn items_up_to(&self, owner: &Owner, thread_id: &str, item_id: &str) -> Result<Vec<StoredItem>, Error> {
        let (item, older) = tokio::try_join!(
            self.store.items.get(owner, thread_id, item_id),
            self.store.items.before(owner, thread_id, item_id, Threads::NEWEST)
        )?;
        Ok(older.into_iter().chain(item).collect())
    }
}

/// What a thread is named after: the message's words, else its files.
fn plain_text(item: &ThreadItem) -> String {
    let ThreadItem::UserMessage(UserMessage { content, attachments, .. }) = item else { return String::new() };
    let text = text_of(content);
    if text.is_empty() {
        return attachments.iter().map(|attachment| attachment.name.as_str()).collect::<Vec<_>>().join(" ");
    }
    text
}

fn text_of(content: &[UserContent]) -> String {
    let parts = content.iter().map(|part| match part {
        UserContent::InputText { text } | UserContent::InputTag { text, .. } => text.as_str(),
    });
    parts.collect::<Vec<_>>().join(" ")
}
