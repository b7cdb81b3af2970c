use chatkit_shared::conversation::{Message, Role};
use chatkit_shared::http::Error;
use chatkit_shared::protocol::{
    AddUserMessage, CreateThread, InferenceOptions, Request, UserContent, UserMessageInput,
};
use serde::Deserialize;

/// The body: `message` begins a conversation that is kept here, or continues that of `sessionId`; `messages` is one
/// that the page keeps.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plain {
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

/// What a body asks for.
pub(super) enum Asked {
    /// A turn in a thread.
    Kept(Request),
    /// An answer to a conversation that is not kept.
    Stateless(Vec<Message>),
}

impl Plain {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        match (self.message, self.messages, self.session_id) {
            (Some(text), None, None) => Ok(Asked::Kept(Request::CreateThread(CreateThread { input: input(text) }))),
            (Some(text), None, Some(thread_id)) => {
                Ok(Asked::Kept(Request::AddUserMessage(AddUserMessage { thread_id, input: input(text) })))
            }
            (None, Some(messages), None) => Ok(Asked::Stateless(messages.into_iter().map(Message::from).collect())),
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
