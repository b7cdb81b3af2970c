//! What is heard of the model once it is asked.

use std::future::ready;
use std::pin::Pin;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::Engine;
use crate::identity::Owner;
use crate::model::{ModelError, ModelEvent, ModelStream, Prompt};

/// What the model sends. An error is the last item.
pub(super) type ModelEvents = Pin<Box<dyn Stream<Item = Result<Heard, ModelError>> + Send>>;

/// One thing that is heard of the model.
pub(super) enum Heard {
    /// It has taken the prompt, and bills for it whatever becomes of the answer. Comes first.
    Accepted,
    /// What it does.
    Event(ModelEvent),
}

/// What is heard of an answer that has been opened.
pub(super) fn heard(answer: ModelStream) -> impl Stream<Item = Result<Heard, ModelError>> {
    stream::once(ready(Ok(Heard::Accepted))).chain(answer.map_ok(Heard::Event))
}

impl Engine {
    /// Asks the model; a failure is the stream's first item.
    pub(super) fn ask(&self, owner: &Owner, prompt: Prompt) -> ModelEvents {
        let (engine, owner) = (self.clone(), owner.clone());
        stream::once(async move { engine.stream(&owner, prompt).await }).map_ok(heard).try_flatten().boxed()
    }
}
