//! The Chat Completions API as OpenAI speaks it, and as others do.

mod conversation;
mod endings;
mod failures;
mod request;
mod tools;
mod translation;

use chatkit_shared::model::{Api, ModelError, ModelEvent};

use super::ask_through;
use crate::harness::model::Answer;

/// A message has no id that could be trusted.
const STARTED: ModelEvent = ModelEvent::MessageStarted { message: 0, upstream_id: None };

/// The events that an answer becomes, and the error if it ends with one.
async fn ask(answer: Answer) -> (Vec<ModelEvent>, Option<ModelError>) {
    ask_through(Api::ChatCompletions, answer).await
}

/// The events of an answer that succeeds.
async fn events(answer: Answer) -> Vec<ModelEvent> {
    let (events, error) = ask(answer).await;
    assert!(error.is_none(), "{error:?}");
    events
}
