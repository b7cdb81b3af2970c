use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::content::Content;
use crate::model::prompt::{FunctionCall, Input, Prompt};

/// A message of the conversation.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    /// `null` where the model only calls functions.
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    /// The call that this is the output of.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    /// The thoughts before the calls, under the name that the server has for them.
    #[serde(flatten)]
    thoughts: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Message<'a> {
    const fn new(role: &'static str, content: Option<Content<'a>>) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_call_id: None, thoughts: None }
    }
}

/// The instructions and the conversation. What one side says in a row becomes one message: the chat templates of many
/// open models want the sides to take turns. Only the outputs of calls stand each for itself.
pub(super) fn messages(prompt: &Prompt) -> Vec<Message<'_>> {
    let mut messages = Messages(Vec::new());
    if let Some(text) = &prompt.instructions {
        messages.say("system", Content::Text(text.into()));
    }
    for input in &prompt.input {
        match input {
            Input::User(parts) => messages.say("user", Content::of_user(parts)),
            Input::Assistant(text) => messages.say("assistant", Content::Text(text.into())),
            Input::Opaque(thoughts) => {
                messages.answer().thoughts = thoughts.as_object().filter(|map| are_thoughts(map))
            }
            Input::Call(call) => messages.answer().tool_calls.push(ToolCall::from(call)),
            Input::CallOutput { call_id, output } => {
                let content = Content::Text(Cow::from(output));
                let output = Message { tool_call_id: Some(call_id), ..Message::new("tool", Some(content)) };
                messages.0.push(output);
            }
        }
    }
    messages.0.retain(|message| message.content.is_some() || !message.tool_calls.is_empty());
    messages.0
}

/// Whether a server of this API said this, not one of the other that was asked before.
fn are_thoughts(map: &Map<String, Value>) -> bool {
    map.keys().all(|name| matches!(name.as_str(), "reasoning_content" | "reasoning"))
}

struct Messages<'a>(Vec<Message<'a>>);

impl<'a> Messages<'a> {
    fn say(&mut self, role: &'static str, content: Content<'a>) {
        let last = self.last_of(role);
        last.content = Some(match last.content.take() {
            Some(said) => said.and(content),
            None => content,
        });
    }

    /// The assistant's message that is being made.
    fn answer(&mut self) -> &mut Message<'a> {
        self.last_of("assistant")
    }

    fn last_of(&mut self, role: &'static str) -> &mut Message<'a> {
        if self.0.last().is_none_or(|last| last.role != role) {
            self.0.push(Message::new(role, None));
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

impl<'a> From<&'a FunctionCall> for ToolCall<'a> {
    fn from(call: &'a FunctionCall) -> Self {
        let FunctionCall { call_id, name, arguments } = call;
        Self { id: call_id, kind: "function", function: Function { name, arguments } }
    }
}
