//! The ChatKit protocol over a WebSocket, behind a WebSocket API of API Gateway.
//!
//! ```text
//! connect.rs  `$connect`: who may open a connection
//! message.rs  what a client sends
//! respond.rs  `$default`: a message is checked, then answered at once or by an order
//! turn.rs     an order: a turn of the engine, in an invocation of its own
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
//! client that receives nothing for longer knows that there will be no end: the invocation has died, or what it posted
//! was lost. When an invocation dies during a turn, Lambda delivers the order a second time, and that invocation ends
//! the answer (`turn.rs`).

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

use chatkit_shared::engine::Engine;
use chatkit_shared::http::{Error, Origins, Pseudonyms, RequestLog};
use chatkit_shared::identity::{AuthModes, SessionTokens};
use chatkit_shared::ids;
use chatkit_shared::limits::Bucket;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::store::{Claims, Connections};
use chatkit_shared::telemetry::chain;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tracing::Instrument;

use self::calls::Calls;
pub use self::event::UnknownEvent;
use self::event::{Event, Origin};
pub use self::frame::MAX_FRAME_BYTES;

/// What the function works with.
#[derive(Clone)]
pub struct App {
    engine: Engine,
    sessions: SessionTokens,
    modes: AuthModes,
    origins: Origins,
    connections: Connections,
    claims: Claims,
    /// Open connections of a user; 0 for no limit.
    max_connections: u32,
    /// Messages on a connection.
    messages: Bucket,
    /// A ping is sent after so long without another frame.
    ping_interval: Duration,
    calls: Calls,
    pseudonyms: Pseudonyms,
    secrets: Secrets,
}

/// Handles one event, and returns what API Gateway expects: `{"statusCode", "headers"?, "body"?}`. Only the one of
/// `$connect` reaches the client, by its status; everything else is posted to the connection.
pub async fn handle(app: App, event: Value) -> Result<Value, UnknownEvent> {
    Ok(match Event::parse(event)? {
        Event::Connect { headers, origin } => app.on_connect(&headers, &origin).await,
        Event::Message { text, origin } => {
            app.on_message(text.as_deref(), &origin).await;
            json!({ "statusCode": 200 })
        }
        Event::Disconnect(origin) => {
            app.on_disconnect(&origin).await;
            json!({ "statusCode": 200 })
        }
        Event::Turn(order) => {
            app.on_order(order).await;
            Value::Null
        }
    })
}

impl App {
    async fn on_connect(&self, headers: &HeaderMap, origin: &Origin) -> Value {
        let request_id = self.engine.ids.mint(ids::REQUEST);
        let log = self.log(&request_id, "CONNECT", "$connect", origin.address);
        match Box::pin(self.connect(headers, &origin.connection)).instrument(log.span()).await {
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

    async fn on_disconnect(&self, origin: &Origin) {
        let log = self.log(&self.engine.ids.mint(ids::REQUEST), "DISCONNECT", "$disconnect", origin.address);
        Box::pin(self.forget(&origin.connection)).instrument(log.span()).await;
        log.status(StatusCode::OK);
    }

    /// Deletes the record of a closed connection. If that fails, the record expires later.
    async fn forget(&self, connection: &str) {
        if let Err(error) = self.connections.close(connection).await {
            tracing::warn!(error = chain(&error), "could not delete the record of a closed connection; it will expire");
        }
    }

    fn log(&self, request_id: &str, kind: &str, route: &str, address: Option<IpAddr>) -> RequestLog {
        let (clock, pseudonyms) = (self.engine.clock.clone(), self.pseudonyms.clone());
        RequestLog::new(clock, request_id, kind, route, address, pseudonyms)
    }
}

/// For a failure of ours, or of AWS.
fn unavailable() -> Error {
    Error::new(chatkit_shared::http::Code::Unavailable, "the service cannot answer right now, please try again")
}
