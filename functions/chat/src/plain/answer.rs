use axum::response::Response;
use chatkit_shared::engine::Events;
use chatkit_shared::http::{Error, json};
use chatkit_shared::protocol::{Event, ThreadItem};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::ending::{Ending, Usage};

/// A whole answer, and how it ended.
#[derive(Serialize, Deserialize)]
pub(super) struct Whole {
    pub(super) message: String,
    pub(super) session_id: Option<String>,
    /// Whether a limit has cut it off.
    pub(super) is_cut_off: bool,
    /// What a person is told of a failure.
    pub(super) failure: Option<String>,
    pub(super) ending: Ending,
}

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
    session_id: Option<String>,
) -> Result<Response, Error> {
    let mut whole = Whole::beginning(session_id);
    while let Some(event) = events.recv().await {
        whole.take(&event.event);
    }
    whole.ending = ending.await.unwrap_or_default();
    whole.into_response()
}

impl Whole {
    /// One that nothing has come of.
    pub(super) fn beginning(session_id: Option<String>) -> Self {
        Self { message: String::new(), session_id, is_cut_off: false, failure: None, ending: Ending::default() }
    }

    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::ThreadCreated { thread } => self.session_id = Some(thread.id.clone()),
            Event::ItemDone { item: ThreadItem::AssistantMessage(message) } => {
                message.content.iter().for_each(|part| self.message.push_str(&part.text));
            }
            Event::Notice { .. } => self.is_cut_off = true,
            Event::Error { message, .. } => self.failure = Some(message.clone().unwrap_or_default()),
            _ => {}
        }
    }

    pub(super) fn into_response(self) -> Result<Response, Error> {
        let Self { message, session_id, failure, ending: Ending { usage, code }, .. } = self;
        if let Some(failure) = failure {
            // The message is stored: a client that sends it again without the session would start another thread.
            return Err(Error::new(code, failure).in_session(session_id));
        }
        Ok(json(&Answer { message, session_id, usage }))
    }
}
