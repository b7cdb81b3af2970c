use std::time::Duration;

use crate::engine::history::Outgrown;
use crate::engine::operations::attachments::Upload;
use crate::engine::{Engine, Error};
use crate::identity::Identity;
use crate::ids;
use crate::model::{FunctionCall, Prompt};
use crate::protocol::{Event, StreamOptions, ThreadStatus};
use crate::store::{Loaded, Run, StoreError, StoredItem, ThreadRecord};

/// When the lease of a run ends by itself: no turn lasts so long. A run whose process has died is over before, as it
/// gives no sign of life.
const LEASE: Duration = Duration::from_mins(16);

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
            run: Run { operation: operation.to_owned(), question_id: question_id.clone(), ..run },
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

impl TurnPlan {
    /// Names the turn of the budgets in what is written first.
    pub(super) fn set_turn(&mut self, turn_id: Option<&str>) {
        let turn_id = turn_id.map(ToOwned::to_owned);
        if let Some(run) = &mut self.thread.run {
            run.turn_id.clone_from(&turn_id);
        }
        self.run.turn_id = turn_id;
    }
}

impl Engine {
    /// A run whose id sorts after `last`, whatever the clocks say. Two requests with one digest are the same request,
    /// which is answered once; without a digest, no other request is the same.
    ///
    /// Its id comes from its turn in the budgets, so that whoever finds the turn finds the run.
    pub(crate) fn new_run(&self, turn_id: Option<&str>, digest: Option<String>, last: Option<&str>) -> Run {
        let id = turn_id.and_then(|turn_id| ids::run_of(turn_id, last)).unwrap_or_else(|| match last {
            Some(last) => self.ids.mint_after(ids::RUN, last),
            None => self.ids.mint(ids::RUN),
        });
        let (digest, until) = (digest.unwrap_or_else(|| id.clone()), self.clock.now() + LEASE);
        Run { digest, until, id, turn_id: None, operation: String::new(), question_id: String::new() }
    }

    /// The run on the thread's head, if it is over although its lease may not have ended.
    pub(crate) fn ended_run_id(loaded: &Loaded) -> Option<String> {
        match loaded.open_run() {
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
