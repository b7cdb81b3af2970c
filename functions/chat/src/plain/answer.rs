use axum::response::Response;
use chatkit_shared::http::{Code, Error, json};
use chatkit_shared::model::TokenUsage;
use chatkit_shared::protocol::{Event, ThreadItem};
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

/// The answer when it is not streamed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    message: String,
    /// To be sent back with the next message; none for a conversation that the page keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    usage: Usage,
}

/// Tokens, as Chat Completions names them.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl From<TokenUsage> for Usage {
    fn from(TokenUsage { input, output, .. }: TokenUsage) -> Self {
        Self { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
    }
}

/// Waits for the whole answer.
pub(super) async fn collect(
    mut events: UnboundedReceiver<Event>,
    usage: oneshot::Receiver<TokenUsage>,
    mut session_id: Option<String>,
) -> Result<Response, Error> {
    let mut answer = String::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::ThreadCreated { thread } => session_id = Some(thread.id),
            Event::ItemDone { item: ThreadItem::AssistantMessage(message) } => {
                message.content.iter().for_each(|part| answer.push_str(&part.text));
            }
            Event::Error { message, .. } => {
                return Err(Error::new(Code::UpstreamError, message.unwrap_or_default()));
            }
            _ => {}
        }
    }
    let usage = usage.await.unwrap_or_default().into();
    Ok(json(&Answer { message: answer, session_id, usage }))
}
