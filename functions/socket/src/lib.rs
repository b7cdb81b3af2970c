//! The ChatKit protocol over a WebSocket, behind a WebSocket API of API Gateway.
//!
//! ```text
//! connect.rs  `$connect`: who may open a connection
//! message.rs  what a client sends
//! respond.rs  `$default`: a message is checked, then answered at once or ordered to be
//! turn.rs     the order: a turn of the engine, in an invocation of its own
//! answer.rs   an answer on its way to the connection;  frame.rs: what is sent of it
//! event.rs    what the function is invoked with
//! calls.rs    the APIs of AWS that it calls
//! ```
//!
//! API Gateway gives up on an integration after 29 seconds, and a turn may take minutes. So the invocation that gets a
//! streamed operation only checks it, and invokes the function once more, asynchronously; that invocation runs the turn
//! and posts its events to the connection. If the connection is gone the turn runs on to its end, and is stored as any
//! other. Operations that are not streamed are answered by the invocation that gets them.
//!
//! Each request has one end, `done`, `reply` or `error`. Until then a frame comes every 20 seconds at the latest, so a
//! client that hears nothing for longer knows that there will be none: the invocation has died, or what it posted was
//! lost. Who dies while it carries an order out is found by Lambda's second try, which ends the answer in its place
//! (`turn.rs`).

mod answer;
mod calls;
mod config;
mod connect;
mod event;
mod frame;
mod message;
mod respond;
mod turn;

use std::net::IpAddr;
use std::time::Duration;

use chatkit_shared::conversation::Engine;
use chatkit_shared::http::{Error, Pseudonyms, RequestLog};
use chatkit_shared::identity::{AuthModes, SessionTokens};
use chatkit_shared::ids;
use chatkit_shared::limits::Bucket;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::store::{Claims, Connections};
use chatkit_shared::telemetry::chain;
use http::StatusCode;
use serde_json::{Value, json};

use self::calls::Calls;
pub use self::event::UnknownEvent;
use self::event::{Event, Origin};
pub use self::frame::LARGEST_FRAME;

/// What the function works with.
#[derive(Clone)]
pub struct App {
    engine: Engine,
    sessions: SessionTokens,
    modes: AuthModes,
    connections: Connections,
    claims: Claims,
    /// Open connections of a user.
    max_connections: u32,
    /// Messages on a connection.
    messages: Bucket,
    /// How long an answer is silent at most.
    silence: Duration,
    calls: Calls,
    pseudonyms: Pseudonyms,
    secrets: Secrets,
}

/// Handles one event, and gives API Gateway's answer to it: `{"statusCode", "headers"?, "body"?}`. Only that to
/// `$connect` reaches the client, by its status; all else is posted to the connection.
///
/// # Errors
/// When it is none of this function's events.
pub async fn handle(app: App, event: Value) -> Result<Value, UnknownEvent> {
    let event = Event::parse(event)?;
    Ok(match event {
        Event::Connect { protocols, origin } => Box::pin(app.greet(&protocols, &origin)).await,
        Event::Message { text, origin } => {
            Box::pin(app.respond(text.as_deref(), &origin)).await;
            json!({ "statusCode": 200 })
        }
        Event::Disconnect(origin) => {
            app.forget(&origin.connection).await;
            json!({ "statusCode": 200 })
        }
        Event::Turn(order) => {
            Box::pin(app.run(order)).await;
            Value::Null
        }
    })
}

impl App {
    async fn greet(&self, protocols: &[String], origin: &Origin) -> Value {
        let request_id = self.engine.ids.mint(ids::REQUEST);
        let log = self.log(&request_id, "CONNECT", "$connect", origin.address);
        match self.connect(protocols, &origin.connection).await {
            Ok(session) => {
                log.owner(&session.identity.owner);
                log.status(StatusCode::OK);
                json!({ "statusCode": 200, "headers": { "Sec-WebSocket-Protocol": connect::PROTOCOL } })
            }
            Err(error) => {
                log.refused(&error);
                let body = json!({ "error": error.code.as_str(), "message": error.message, "request_id": request_id });
                json!({ "statusCode": error.code.status().as_u16(), "body": body.to_string() })
            }
        }
    }

    /// Forgets a connection that is closed. If that fails its record expires all the same.
    async fn forget(&self, connection: &str) {
        if let Err(error) = self.connections.close(connection).await {
            tracing::warn!(error = chain(&error), "a closed connection was not forgotten");
        }
    }

    fn log(&self, request_id: &str, kind: &str, route: &str, address: Option<IpAddr>) -> RequestLog {
        let (clock, pseudonyms) = (self.engine.clock.clone(), self.pseudonyms.clone());
        RequestLog::new(clock, request_id.to_owned(), kind, route, address, pseudonyms)
    }
}

/// What the client is told when it is our fault, or AWS's.
fn unavailable() -> Error {
    Error::new(chatkit_shared::http::Code::Unavailable, "the service cannot answer right now, please try again")
}
