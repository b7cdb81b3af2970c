//! The engine: it carries out ChatKit's operations with the store, the model and the site's endpoints.
//!
//! ```text
//! tenants/            the assistant and the limits of a tenant and a plan
//! operations/         one file for each operation: what it checks, reads, writes first, and answers
//! turn/               a turn from its admission to its end; turn/mod.rs is the whole of it on one page
//! run/                runs as others see them: who comes back, who joins, who stops one, and whoever finds one dead
//! answer/             the model's events and the endpoints' effects as items and events of the thread; no I/O
//! history.rs          the newest part of a thread, which the model is shown: how it is read, where it begins
//! prompt.rs           the history as the model's input; no I/O
//! public_messages.rs  what a person is told when a turn goes wrong
//! sentences/          the sentences for that, in each language
//! ```
//!
//! Architecture invariant: nothing here mentions HTTP, SSE, DynamoDB or OpenAI's wire types.

mod answer;
mod error;
mod files;
mod history;
mod limits;
mod operations;
mod prompt;
mod prompt_size;
mod public_messages;
mod run;
mod sentences;
mod task;
mod tenants;
mod turn;

use std::sync::Arc;

pub use error::{Error, Failure};
pub use limits::Limits;
pub use operations::stateless::{Message, Role};
pub(crate) use public_messages::model_failed;
pub use run::{Events, LiveRuns, NotAPosition, Position, RunEvent};
use serde::Serialize;
pub use task::{run_to_completion, spawn_detached};
pub use tenants::{CheckError, TenantSettings, Tenants};
pub use turn::{OnEnd, TurnReport};

use crate::assistant::Assistant;
use crate::clock::Clock;
use crate::endpoints::Endpoints;
use crate::files::Files;
use crate::identity::{Identity, SigningKeys};
use crate::ids::Ids;
use crate::model::{Model, Prices};
use crate::protocol::{Attachment, CallRequest, Event, Page, StreamRequest, Thread, ThreadItem};
use crate::secrets::Secret;
pub use crate::store::Outcome;
use crate::store::Store;

/// Carries out ChatKit's operations. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub store: Store,
    /// Where the bytes of attachments and pictures are; none where files are not configured.
    pub files: Option<Files>,
    pub model: Model,
    /// The model's server knows users by a hash with these.
    pub keys: Secret<SigningKeys>,
    /// The deployment's; of an engine that carries out a user's request, the user's.
    pub assistant: Arc<Assistant>,
    /// The site's endpoints, where server tools run and actions go.
    pub endpoints: Endpoints,
    /// The deployment's or the user's, as the assistant.
    pub limits: Limits,
    /// What models cost the deployment or the user's tenant.
    pub prices: Arc<Prices>,
    pub tenants: Tenants,
    /// Whether callers have a web page, which runs client tools.
    pub has_page: bool,
    pub clock: Clock,
    pub ids: Ids,
    /// The runs of this process.
    pub live_runs: LiveRuns,
}

/// The answer to an operation that is not streamed.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Document {
    Thread(Thread),
    /// Threads, without their items.
    Threads(Page<Thread>),
    Items(Page<ThreadItem>),
    /// The widget of an action, if the action has changed it.
    UpdatedItem {
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_item: Option<ThreadItem>,
    },
    Attachment(Attachment),
    Transcription {
        text: String,
    },
    /// `{}`.
    Nothing {},
}

impl Engine {
    /// The engine for callers that have no web page, so that no client tool can run.
    #[must_use]
    pub fn without_page(&self) -> Self {
        Self { has_page: false, ..self.clone() }
    }

    /// Starts a streamed operation of a user. `on_end` is called once, after everything is stored.
    ///
    /// # Errors
    /// Only before anything is written; from then on a failure is the last event of the stream.
    pub async fn stream(&self, identity: &Identity, request: StreamRequest, on_end: OnEnd) -> Result<Events, Error> {
        let (engine, identity) = (self.clone(), identity.clone());
        task::run_to_completion(async move {
            let engine = engine.for_user(&identity).await?;
            let thread_id = request.thread_id().map(ToOwned::to_owned);
            let started = match request {
                StreamRequest::CreateThread(params) => engine.create_thread(&identity, params, on_end).await,
                StreamRequest::AddUserMessage(params) => engine.add_user_message(&identity, params, on_end).await,
                StreamRequest::AddClientToolOutput(params) => {
                    engine.add_client_tool_output(&identity, params, on_end).await
                }
                StreamRequest::AddStructuredInput(params) => {
                    engine.add_structured_input(&identity, params, on_end).await
                }
                StreamRequest::RetryAfterItem(params) => engine.retry_after_item(&identity, params, on_end).await,
                StreamRequest::CustomAction(params) => engine.custom_action(&identity, params, on_end).await,
            };
            match (started, thread_id) {
                // The same request is being carried out already: this one follows.
                (Err(Error::Conflict), Some(thread_id)) => {
                    engine.join(&identity, &thread_id).await?.ok_or(Error::Conflict)
                }
                (started, _) => started,
            }
        })
        .await
    }

    /// What a person is told of a refusal that has an end or a reason that they can understand.
    pub fn explain(identity: &Identity, refusal: &Error) -> Option<Event> {
        match refusal {
            Error::RateLimited { .. } | Error::BudgetExceeded { .. } | Error::LargerThanBudget | Error::NotWritable => {
                Some(public_messages::refused(refusal).to_event(identity))
            }
            Error::Invalid(_)
            | Error::NotFound(_)
            | Error::Conflict
            | Error::ForeignOrigin
            | Error::NoFiles
            | Error::Failed(_) => None,
        }
    }

    /// Counts a request that was carried out before, and is answered again.
    pub async fn admit_repetition(&self, identity: &Identity) -> Result<(), Error> {
        self.for_user(identity).await?.admit_request(identity).await
    }

    /// Carries out an operation of a user that is answered with one document. `on_end` is called if it asks a model.
    ///
    /// # Errors
    /// When the operation is refused or fails.
    pub async fn call(&self, identity: &Identity, request: CallRequest, on_end: OnEnd) -> Result<Document, Error> {
        let (engine, identity) = (self.clone(), identity.clone());
        task::run_to_completion(async move {
            let engine = engine.for_user(&identity).await?;
            match request {
                CallRequest::SyncCustomAction(params) => engine.sync_custom_action(&identity, params).await,
                CallRequest::GetThread(params) => engine.get_thread(&identity, &params).await,
                CallRequest::ListThreads(params) => engine.list_threads(&identity, &params).await,
                CallRequest::UpdateThread(params) => engine.update_thread(&identity, params).await,
                CallRequest::DeleteThread(params) => engine.delete_thread(&identity, &params).await,
                CallRequest::ListItems(params) => engine.list_items(&identity, &params).await,
                CallRequest::Feedback(params) => engine.feedback(&identity, &params).await,
                CallRequest::AttachmentsCreate(params) => engine.create_attachment(&identity, params).await,
                CallRequest::AttachmentsDelete(params) => engine.delete_attachment(&identity, &params).await,
                CallRequest::Transcribe(params) => engine.transcribe(&identity, params, on_end).await,
            }
        })
        .await
    }
}
