//! A WebSocket API of API Gateway on loopback, and Lambda's asynchronous invocation: what calls the function `socket`,
//! and what it calls.
//!
//! ```text
//! connection.rs  one client: its messages in, frames out
//! event.rs       what the function is invoked with
//! management.rs  `POST /@connections/{id}`, and Lambda's `Invoke`
//! ```
//!
//! Not here: API Gateway closes connections after ten idle minutes and after two hours, throttles, and waits 29 seconds
//! at most for an invocation. Requests to AWS must have a signature, which is not verified.

mod connection;
mod event;
mod management;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use chatkit_shared::clock::Clock;
use chatkit_shared::ids::Ids;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::loopback::background;

/// The function's answer to an event.
pub type Handled = Pin<Box<dyn Future<Output = Result<Value, Failed>> + Send>>;

/// The function failed. Clients do not learn why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

type Handler = Box<dyn Fn(Value) -> Handled + Send + Sync>;

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct WebSocketApi(Arc<Inner>);

struct Inner {
    clock: Clock,
    ids: Ids,
    handler: OnceLock<Handler>,
    /// The open connections, with the channel to each client.
    connections: Mutex<HashMap<String, UnboundedSender<String>>>,
}

impl WebSocketApi {
    /// An API without a function, because the function needs the URL of the API first.
    pub fn new(clock: Clock, ids: Ids) -> Self {
        Self(Arc::new(Inner { clock, ids, handler: OnceLock::new(), connections: Mutex::default() }))
    }

    /// Passes all events to this function from now on; ignored if there is one.
    pub fn serve<F>(&self, function: F)
    where
        F: Fn(Value) -> Handled + Send + Sync + 'static,
    {
        let _ = self.0.handler.set(Box::new(function));
    }

    /// Where clients connect: `/ws`.
    pub fn clients(&self) -> Router {
        Router::new().route("/ws", get(connection::connect)).with_state(self.clone())
    }

    /// What the function calls. For loopback only: the caller is not authenticated.
    pub fn management(&self) -> Router {
        Router::new()
            .route("/@connections/{id}", post(management::push))
            .route("/2015-03-31/functions/{name}/invocations", post(management::invoke))
            .with_state(self.clone())
    }

    async fn handle(&self, event: Value) -> Result<Value, Failed> {
        match self.0.handler.get() {
            Some(handler) => handler(event).await,
            None => Err(Failed),
        }
    }

    /// Passes an event to the function without waiting for its answer.
    fn handle_detached(&self, event: Value) {
        let api = self.clone();
        background(async move {
            if api.handle(event).await.is_err() {
                tracing::error!("an asynchronous invocation failed");
            }
        });
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, UnboundedSender<String>>> {
        self.0.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
