//! An answer to a conversation that the caller keeps: nothing of it is stored but what it used.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::prompt::prompt_of;
use super::respond::{Progress, Start, Turn};
use super::{Engine, Error, OnEnd, task};
use crate::identity::Identity;
use crate::model::{Input, InputPart};
use crate::protocol::Event;

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
    /// As [`Engine::process`], before the model is called.
    pub async fn answer(
        &self,
        identity: &Identity,
        messages: Vec<Message>,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let (engine, identity) = (self.clone(), identity.clone());
        task::to_its_end(async move { engine.begin_answer(&identity, messages, on_end).await }).await
    }

    async fn begin_answer(
        &self,
        identity: &Identity,
        messages: Vec<Message>,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        self.check_messages(&messages)?;
        let mut reservation = Box::pin(self.admit_turn(identity, 0)).await?;
        let inputs = messages.into_iter().map(|Message { role, text }| match role {
            Role::User => Input::User(vec![InputPart::Text(text)]),
            Role::Assistant => Input::Assistant(text),
        });
        let prompt = prompt_of(&self.assistant, identity, inputs.collect());
        if let Err(error) = Box::pin(self.hold(&mut reservation, &prompt, 0)).await {
            return Err(self.refund(&reservation, error).await);
        }
        let (events, receiver) = unbounded_channel();
        let turn = Turn {
            engine: self.clone(),
            identity: identity.clone(),
            place: None,
            thread_title: None,
            operation: "chat",
            started: self.clock.now(),
            reservation: Some(reservation),
            prompt,
            events,
            progress: Progress::default(),
        };
        let answer = self.ask(&identity.owner, turn.prompt.clone());
        turn.launch(Start::Model(answer), None, on_end);
        Ok(receiver)
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
