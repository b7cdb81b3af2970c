//! An answer to a conversation that the caller keeps: nothing of it is stored but what it used.

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::prompt::{prompt_of, tokens};
use super::respond::{ModelEvents, Turn};
use super::{Engine, Error, OnEnd};
use crate::identity::Owner;
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
#[expect(missing_docs, reason = "the names say it")]
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
        owner: &Owner,
        messages: Vec<Message>,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        self.check_messages(&messages)?;
        let reservation = Box::pin(self.admit_turn(owner)).await?;
        let inputs = messages.into_iter().map(|Message { role, text }| match role {
            Role::User => Input::User(vec![InputPart::Text(text)]),
            Role::Assistant => Input::Assistant(text),
        });
        let prompt = prompt_of(&self.assistant, owner, inputs.collect());
        let (events, receiver) = unbounded_channel();
        let turn = Turn {
            engine: self.clone(),
            owner: owner.clone(),
            place: None,
            operation: "chat",
            started: self.clock.now(),
            reservation,
            prompt_tokens: tokens(&prompt),
            model: prompt.model.clone(),
            events,
        };
        let model = self.model.clone();
        let events: ModelEvents = stream::once(async move { model.stream(&prompt).await }).try_flatten().boxed();
        turn.launch(events, None, on_end);
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
