use axum::response::Response;
use chatkit_shared::engine::Events;
use chatkit_shared::http::{Error, json};
use chatkit_shared::protocol::{Event, ThreadItem};
use serde::Serialize;
use tokio::sync::oneshot;

use super::ending::{Ending, Usage};

/// The answer when it is not streamed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    message: String,
    /// The client sends it back with the next message. None for a conversation that the page keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    usage: Usage,
}

/// Waits for the whole answer.
pub(super) async fn collect(
    mut events: Events,
    ending: oneshot::Receiver<Ending>,
    mut session_id: Option<String>,
) -> Result<Response, Error> {
    let mut answer = String::new();
    let mut failure = None;
    while let Some(event) = events.recv().await {
        match event.event {
            Event::ThreadCreated { thread } => session_id = Some(thread.id),
            Event::ItemDone { item: ThreadItem::AssistantMessage(message) } => {
                message.content.iter().for_each(|part| answer.push_str(&part.text));
            }
            Event::Error { message, .. } => failure = Some(message.unwrap_or_default()),
            _ => {}
        }
    }
    let Ending { usage, code } = ending.await.unwrap_or_default();
    if let Some(message) = failure {
        // The message is stored: a client that sends it again without the session would start another thread.
        return Err(Error::new(code, message).in_session(session_id));
    }
    Ok(json(&Answer { message: answer, session_id, usage }))
}
