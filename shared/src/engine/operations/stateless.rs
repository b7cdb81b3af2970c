//! An answer to a conversation that the caller keeps: nothing of it is stored but what it used.

use crate::engine::prompt::prompt_of;
use crate::engine::turn::{Start, Turn, Writer};
use crate::engine::{Engine, Error, Events, OnEnd, task};
use crate::identity::Identity;
use crate::model::{Input, InputPart};

/// A message of a conversation that the caller keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who wrote it. There is no way to speak for the operator.
    pub role: Role,
    /// What it says.
    pub text: String,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

impl Engine {
    /// Answers a conversation without storing it. The events are those of a turn, without a thread.
    ///
    /// # Errors
    /// Only before the model is called; from then on a failure is the last event.
    pub async fn answer(&self, identity: &Identity, messages: Vec<Message>, on_end: OnEnd) -> Result<Events, Error> {
        let (engine, identity) = (self.clone(), identity.clone());
        task::run_to_completion(async move {
            engine.for_user(&identity).await?.start_answer(&identity, messages, on_end).await
        })
        .await
    }

    async fn start_answer(&self, identity: &Identity, messages: Vec<Message>, on_end: OnEnd) -> Result<Events, Error> {
        self.check_messages(&messages)?;
        let mut admitted = self.admit_turn(identity, None, None, 0).await?;
        let inputs = messages.into_iter().map(|Message { role, text }| match role {
            Role::User => Input::User(vec![InputPart::Text(text)]),
            Role::Assistant => Input::Assistant(text),
        });
        let mut prompt = prompt_of(&self.assistant, identity, inputs.collect());
        let held = self.hold_prompt(&mut admitted, &mut prompt, 0).await;
        let (admitted, ()) = admitted.or_release(held).await?;
        let model = self.model_events(&identity.owner, prompt.clone());
        let (turn, events) = Turn::new(self, identity, "chat", Writer::Nothing, prompt);
        turn.with_admitted(admitted).spawn(Start::Model(model), on_end);
        Ok(events)
    }

    fn check_messages(&self, messages: &[Message]) -> Result<(), Error> {
        if messages.last().is_none_or(|last| last.role != Role::User || last.text.trim().is_empty()) {
            return Err(Error::Invalid("`messages` must end with a message of the user".to_owned()));
        }
        let limit = self.limits.message_chars;
        let too_long = |message: &Message| message.role == Role::User && message.text.chars().count() > limit;
        if limit > 0 && messages.iter().any(too_long) {
            return Err(Error::Invalid(format!("a message has more than {limit} characters")));
        }
        Ok(())
    }
}
