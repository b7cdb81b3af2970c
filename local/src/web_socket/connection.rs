//! One client.

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use chatkit_shared::hash::sha256_hex;
use chatkit_shared::http::ClientAddress;
use chatkit_shared::ids;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use super::WebSocketApi;
use super::event::{Kind, Origin};
use crate::loopback::background;

/// The quota of WebSocket APIs.
pub(super) const MAX_MESSAGE_BYTES: usize = 128 * 1024;

/// The handshake: the function decides whether the client may connect.
pub(super) async fn connect(
    State(api): State<WebSocketApi>,
    address: ClientAddress,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let id = api.0.ids.mint(ids::REQUEST);
        let body =
            json!({ "error": "bad_request", "message": "this path takes a WebSocket handshake", "request_id": id });
        return refused(StatusCode::BAD_REQUEST, body.to_string());
    };
    let origin = Origin { connection: api.connection_id(), address: address.0, connected_at: api.0.clock.now() };
    let (event, _) = api.event(&origin, &Kind::Connect(&headers));
    let Ok(answer) = api.handle(event).await else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = answer["statusCode"].as_u64().and_then(|status| StatusCode::from_u16(status.try_into().ok()?).ok());
    match status {
        Some(status) if status.is_success() => {}
        Some(status) => return refused(status, answer["body"].as_str().unwrap_or_default().to_owned()),
        None => return StatusCode::BAD_GATEWAY.into_response(),
    }
    let protocol = answer["headers"]["Sec-WebSocket-Protocol"].as_str().map(ToOwned::to_owned);
    let upgrade = upgrade.protocols(protocol).max_message_size(MAX_MESSAGE_BYTES);
    upgrade.on_upgrade(move |socket| run(api, origin, socket))
}

fn refused(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Serves a connection until it is closed.
async fn run(api: WebSocketApi, origin: Origin, mut socket: WebSocket) {
    let (frames, mut outgoing) = unbounded_channel();
    api.connections().insert(origin.connection.clone(), frames);
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => api.message(&origin, &text, false),
                Some(Ok(Message::Binary(bytes))) => api.message(&origin, &STANDARD.encode(bytes), true),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => break,
                // Too large, or not a WebSocket frame.
                Some(Err(_)) => {
                    let reason = "Message too long".into();
                    let _ = socket.send(Message::Close(Some(CloseFrame { code: close_code::SIZE, reason }))).await;
                    break;
                }
            },
            frame = outgoing.recv() => {
                let Some(frame) = frame else { break };
                if socket.send(Message::Text(frame.into())).await.is_err() {
                    break;
                }
            }
        }
    }
    api.connections().remove(&origin.connection);
    let (event, _) = api.event(&origin, &Kind::Disconnect);
    api.handle_detached(event);
}

impl WebSocketApi {
    /// Passes a message to the function; the next one does not wait for the result.
    fn message(&self, origin: &Origin, body: &str, is_base64: bool) {
        let (event, request_id) = self.event(origin, &Kind::Message { body, is_base64 });
        let (api, connection) = (self.clone(), origin.connection.clone());
        background(async move {
            if api.handle(event).await.is_err() {
                let message = "Internal server error";
                let frame = json!({ "message": message, "connectionId": connection, "requestId": request_id });
                api.push(&connection, frame.to_string());
            }
        });
    }

    /// Sends a frame; false if the connection is closed.
    pub(super) fn push(&self, connection: &str, frame: String) -> bool {
        self.connections().get(connection).is_some_and(|client| client.send(frame).is_ok())
    }

    /// An event and its id.
    fn event(&self, origin: &Origin, kind: &Kind<'_>) -> (Value, String) {
        let request_id = self.0.ids.mint(ids::REQUEST);
        (origin.event(kind, &request_id, self.0.clock.now()), request_id)
    }

    /// Like those of API Gateway, which a path has to escape: `L0SM9cOFvHcCIhw=`.
    fn connection_id(&self) -> String {
        let random = sha256_hex(&self.0.ids.mint(ids::REQUEST));
        URL_SAFE.encode(&random.as_bytes()[..11])
    }
}
