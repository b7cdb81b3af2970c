use chatkit_shared::engine::{Message, Role};
use chatkit_shared::http::Error;
use chatkit_shared::protocol::{
    AddUserMessage, CreateThread, InferenceOptions, StreamRequest, UserContent, UserMessageInput,
};
use serde::Deserialize;

/// The body: `message` starts a thread, or continues that of `sessionId`; `messages` is a conversation that the page
/// keeps.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlainBody {
    message: Option<String>,
    messages: Option<Vec<PlainMessage>>,
    pub(super) session_id: Option<String>,
    #[serde(default)]
    pub(super) stream: bool,
}

#[derive(Deserialize)]
struct PlainMessage {
    role: PlainRole,
    content: String,
}

/// Other roles are refused: instructions are the operator's.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlainRole {
    User,
    Assistant,
}

pub(super) enum PlainRequest {
    /// A turn in a thread.
    InThread(StreamRequest),
    /// An answer to a conversation that is not stored.
    Stateless(Vec<Message>),
}

impl PlainBody {
    pub(super) fn into_request(self) -> Result<PlainRequest, Error> {
        match (self.message, self.messages, self.session_id) {
            (Some(text), None, None) => {
                Ok(PlainRequest::InThread(StreamRequest::CreateThread(CreateThread { input: input(text) })))
            }
            (Some(text), None, Some(thread_id)) => {
                Ok(PlainRequest::InThread(StreamRequest::AddUserMessage(AddUserMessage {
                    thread_id,
                    input: input(text),
                })))
            }
            (None, Some(messages), None) => {
                Ok(PlainRequest::Stateless(messages.into_iter().map(Message::from).collect()))
            }
            (_, _, _) => {
                Err(Error::bad_request("the body has either `message`, with or without `sessionId`, or `messages`"))
            }
        }
    }
}

impl From<PlainMessage> for Message {
    fn from(message: PlainMessage) -> Self {
        let role = match message.role {
            PlainRole::User => Role::User,
            PlainRole::Assistant => Role::Assistant,
        };
        Self { role, text: message.content }
    }
}

fn input(text: String) -> UserMessageInput {
    UserMessageInput {
        content: vec![UserContent::InputText { text }],
        attachments: Vec::new(),
        quoted_text: None,
        inference_options: InferenceOptions::default(),
    }
}
