//! The engine: an operation, the store and the model make an answer.
//!
//! Architecture invariant: nothing here mentions HTTP, SSE, DynamoDB or OpenAI's wire types.

mod act;
mod answer;
mod attachments;
mod call;
mod client_tool;
mod error;
mod feedback;
mod files;
mod heard;
mod limits;
mod message;
mod messages;
mod perform;
mod place;
mod prompt;
mod report;
mod respond;
mod rounds;
mod settle;
mod stateless;
mod structured_input;
mod task;
mod threads;
mod title;
mod trail;
mod transcribe;
mod turn;
mod user_message;

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;

pub use error::Error;
pub use limits::{Limits, REQUESTS};
pub use report::{OnEnd, Outcome, TurnReport};
pub use stateless::{Message, Role};

use crate::assistant::Assistant;
use crate::clock::Clock;
use crate::endpoints::Endpoints;
use crate::files::Files;
use crate::identity::Identity;
use crate::ids::Ids;
use crate::model::Model;
use crate::protocol::{Attachment, Event, Page, Request, Thread, ThreadItem};
use crate::store::Store;

/// Answers ChatKit operations. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// What is kept.
    pub store: Store,
    /// Attachments and pictures; none where they are off.
    pub files: Option<Files>,
    /// Who answers.
    pub model: Model,
    /// How it answers.
    pub assistant: Arc<Assistant>,
    /// Where server tools run and actions go.
    pub endpoints: Endpoints,
    /// How much a user may ask.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
}

/// The answer to an operation.
#[derive(Debug)]
pub enum Reply {
    /// At once.
    Document(Document),
    /// Bit by bit. The stream is never dropped by the engine before everything is stored, and its reader may leave at
    /// any time without changing what is stored.
    Events(UnboundedReceiver<Event>),
}

/// An answer that is there at once.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Document {
    /// One thread.
    Thread(Thread),
    /// Threads, without their items.
    Threads(Page<Thread>),
    /// Items of a thread.
    Items(Page<ThreadItem>),
    /// A widget after an action, if it has changed.
    UpdatedItem {
        /// The widget.
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_item: Option<ThreadItem>,
    },
    /// A file that may be uploaded now.
    Attachment(Attachment),
    /// What a recording says.
    Transcription {
        /// Its text.
        text: String,
    },
    /// `{}`.
    Nothing {},
}

impl Engine {
    /// The engine for callers that have no page: nobody could run a function there.
    #[must_use]
    pub fn without_page(&self) -> Self {
        if !self.assistant.has_client_tools() {
            return self.clone();
        }
        Self { assistant: Arc::new(self.assistant.without_client_tools()), ..self.clone() }
    }

    /// Answers one operation of a user.
    ///
    /// # Errors
    /// Before anything is written, but for what counts the request; from then on a failure is the last event of the
    /// stream.
    pub async fn process(&self, identity: &Identity, request: Request, on_end: OnEnd) -> Result<Reply, Error> {
        let owner = &identity.owner;
        let document = match request {
            Request::CreateThread(_)
            | Request::AddUserMessage(_)
            | Request::AddClientToolOutput(_)
            | Request::AddStructuredInput(_)
            | Request::RetryAfterItem(_)
            | Request::CustomAction(_) => {
                let (engine, identity) = (self.clone(), identity.clone());
                let begun = async move { engine.stream_of(&identity, request, on_end).await };
                return task::to_its_end(begun).await.map(Reply::Events);
            }
            Request::SyncCustomAction(params) => {
                let (engine, identity) = (self.clone(), identity.clone());
                task::to_its_end(async move { engine.sync_custom_action(&identity, params).await }).await
            }
            Request::GetThread(params) => self.get_thread(owner, &params).await,
            Request::ListThreads(params) => self.list_threads(owner, &params).await,
            Request::UpdateThread(params) => self.update_thread(owner, params).await,
            Request::DeleteThread(params) => {
                let (engine, owner) = (self.clone(), owner.clone());
                task::to_its_end(async move { engine.delete_thread(&owner, &params).await }).await
            }
            Request::ListItems(params) => self.list_items(owner, &params).await,
            Request::Feedback(params) => self.feedback(owner, &params).await,
            Request::Transcribe(params) => {
                let (engine, identity) = (self.clone(), identity.clone());
                task::to_its_end(async move { engine.transcribe(&identity, params, on_end).await }).await
            }
            Request::AttachmentsCreate(params) => self.create_attachment(owner, params).await,
            Request::AttachmentsDelete(params) => self.delete_attachment(owner, &params).await,
        };
        document.map(Reply::Document)
    }

    async fn stream_of(
        &self,
        identity: &Identity,
        request: Request,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        match request {
            Request::CreateThread(params) => self.create_thread(identity, params, on_end).await,
            Request::AddUserMessage(params) => self.add_user_message(identity, params, on_end).await,
            Request::AddClientToolOutput(params) => self.add_client_tool_output(identity, params, on_end).await,
            Request::AddStructuredInput(params) => self.add_structured_input(identity, params, on_end).await,
            Request::RetryAfterItem(params) => self.retry_after_item(identity, params, on_end).await,
            Request::CustomAction(params) => self.custom_action(identity, params, on_end).await,
            other => Err(Error::Unsupported(other.operation())),
        }
    }
}
