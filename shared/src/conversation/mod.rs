//! The engine: an operation, the store and the model make an answer.
//!
//! Architecture invariant: nothing here mentions HTTP, SSE, DynamoDB or OpenAI's wire types.

mod answer;
mod error;
mod feedback;
mod limits;
mod messages;
mod place;
mod prompt;
mod report;
mod respond;
mod stateless;
mod task;
mod threads;
mod title;
mod transcribe;
mod turn;
mod user_message;

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;

pub use error::Error;
pub use limits::Limits;
pub use report::{OnEnd, Outcome, TurnReport};
pub use stateless::{Message, Role};

use crate::assistant::Assistant;
use crate::clock::Clock;
use crate::endpoints::Endpoints;
use crate::identity::Owner;
use crate::ids::Ids;
use crate::model::Model;
use crate::protocol::{Event, Page, Request, Thread, ThreadItem};
use crate::store::{Counters, Threads, Usage};

/// Answers ChatKit operations. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// Threads and items.
    pub threads: Threads,
    /// Limits.
    pub counters: Counters,
    /// What was used.
    pub usage: Usage,
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
    /// What a recording says.
    Transcription {
        /// Its text.
        text: String,
    },
    /// `{}`.
    Nothing {},
}

impl Engine {
    /// Answers one operation of a user.
    ///
    /// # Errors
    /// Before anything is written, but for what counts the request; from then on a failure is the last event of the
    /// stream.
    pub async fn process(&self, owner: &Owner, request: Request, on_end: OnEnd) -> Result<Reply, Error> {
        match request {
            Request::CreateThread(params) => {
                let (engine, owner) = (self.clone(), owner.clone());
                let begun = task::to_its_end(async move { engine.create_thread(&owner, params, on_end).await });
                begun.await.map(Reply::Events)
            }
            Request::AddUserMessage(params) => {
                let (engine, owner) = (self.clone(), owner.clone());
                let begun = task::to_its_end(async move { engine.add_user_message(&owner, params, on_end).await });
                begun.await.map(Reply::Events)
            }
            Request::RetryAfterItem(params) => {
                let (engine, owner) = (self.clone(), owner.clone());
                let begun = task::to_its_end(async move { engine.retry_after_item(&owner, params, on_end).await });
                begun.await.map(Reply::Events)
            }
            Request::GetThread(params) => self.get_thread(owner, &params).await.map(Reply::Document),
            Request::ListThreads(params) => self.list_threads(owner, &params).await.map(Reply::Document),
            Request::UpdateThread(params) => self.update_thread(owner, params).await.map(Reply::Document),
            Request::DeleteThread(params) => self.delete_thread(owner, &params).await.map(Reply::Document),
            Request::ListItems(params) => self.list_items(owner, &params).await.map(Reply::Document),
            Request::Feedback(params) => self.feedback(owner, &params).await.map(Reply::Document),
            Request::Transcribe(params) => Box::pin(self.transcribe(owner, params, on_end)).await.map(Reply::Document),
            Request::AddClientToolOutput(_)
            | Request::AddStructuredInput(_)
            | Request::CustomAction(_)
            | Request::SyncCustomAction(_)
            | Request::AttachmentsCreate(_)
            | Request::AttachmentsDelete(_) => Err(Error::Unsupported(request.operation())),
        }
    }
}
