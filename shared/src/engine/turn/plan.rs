use std::time::Duration;

use crate::engine::history::Outgrown;
use crate::engine::operations::attachments::Upload;
use crate::engine::{Engine, Error};
use crate::identity::Identity;
use crate::ids;
use crate::model::{FunctionCall, Prompt};
use crate::protocol::{Event, StreamOptions, ThreadStatus};
use crate::store::{Loaded, Run, StoreError, StoredItem, ThreadRecord};

/// How long the lease of a run lasts whose process has died. Until then the same message is not answered again.
const LEASE: Duration = Duration::from_mins(5);

/// What an operation asks of a turn: what is written first, what the model is shown, what the client is told first.
pub(crate) struct TurnPlan {
    pub(crate) operation: &'static str,
    pub(crate) identity: Identity,
    pub(crate) thread: ThreadRecord,
    pub(crate) run: Run,
    /// The item that is answered; the turn's items follow it.
    pub(crate) question_id: String,
    pub(crate) first_write: FirstWrite,
    pub(crate) prompt: Prompt,
    pub(crate) first_events: Vec<Event>,
    /// Client tool calls that the page is asked for, in place of the model.
    pub(crate) page_calls: Vec<FunctionCall>,
    /// Items that the turn removes because they have lost their meaning.
    pub(crate) superseded_item_ids: Vec<String>,
    /// What is summarised beside the turn.
    pub(crate) outgrown: Option<Outgrown>,
    /// The message that the thread is named after, where it has no title yet.
    pub(crate) title_message: Option<String>,
}

/// What is written before a turn may start.
pub(crate) enum FirstWrite {
    /// The thread, with its first message.
    Thread { message: StoredItem, uploads: Vec<Upload> },
    /// A message of the user. `ended_run_id` is a run that is over although its lease has not ended.
    Message { message: StoredItem, uploads: Vec<Upload>, ended_run_id: Option<String> },
    /// That the question is answered once more.
    Retry,
    /// The answer of the page or of the person to an item that waits for it.
    Answer { waiting: Box<StoredItem>, answered: Box<StoredItem>, ended_run_id: Option<String> },
}

impl FirstWrite {
    /// The model can read a message's files once the message is stored.
    pub(super) fn has_files(&self) -> bool {
        match self {
            Self::Thread { uploads, .. } | Self::Message { uploads, .. } => !uploads.is_empty(),
            Self::Retry | Self::Answer { .. } => false,
        }
    }
}

impl TurnPlan {
    /// A plan without page calls, superseded items or a title.
    pub(crate) fn new(
        operation: &'static str,
        identity: &Identity,
        thread: ThreadRecord,
        run: Run,
        question_id: String,
        first_write: FirstWrite,
        prompt: Prompt,
    ) -> Self {
        Self {
            operation,
            identity: identity.clone(),
            thread,
            run,
            question_id,
            first_write,
            prompt,
            first_events: vec![stream_options()],
            page_calls: Vec::new(),
            superseded_item_ids: Vec::new(),
            outgrown: None,
            title_message: None,
        }
    }
}

impl Engine {
    /// A run whose id sorts after `last`, whatever the clocks say. Two requests with one digest are the same request,
    /// which is answered once; without a digest, no other request is the same.
    pub(crate) fn new_run(&self, digest: Option<String>, last: Option<&str>) -> Run {
        let id = match last {
            Some(last) => self.ids.mint_after(ids::RUN, last),
            None => self.ids.mint(ids::RUN),
        };
        Run { digest: digest.unwrap_or_else(|| id.clone()), until: self.clock.now() + LEASE, id }
    }

    /// The run on the thread's head, if it is over although its lease may not have ended.
    pub(crate) fn ended_run_id(&self, loaded: &Loaded) -> Option<String> {
        match loaded.live_run(self.clock.now()) {
            Some(_) => None,
            None => loaded.thread.run.as_ref().map(|run| run.id.clone()),
        }
    }
}

/// The thread, if it exists and takes messages.
pub(crate) fn writable(loaded: Result<Option<Loaded>, StoreError>) -> Result<Loaded, Error> {
    match loaded? {
        Some(loaded) if loaded.thread.status == ThreadStatus::Active => Ok(loaded),
        Some(_) => Err(Error::NotWritable),
        None => Err(Error::NotFound("thread")),
    }
}

pub(crate) const fn stream_options() -> Event {
    Event::StreamOptions { stream_options: StreamOptions { allow_cancel: true } }
}
