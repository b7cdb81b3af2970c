//! The model's client against a scripted model: each kind of event, each kind of failure, each omission.

mod chunks;
mod completions;
mod demo;
mod failures;
pub(crate) mod garbage;
mod incomplete_servers;
mod request;
mod tools;
mod translation;

use chatkit_shared::model::{Api, Input, InputPart, Model, ModelConfig, ModelError, ModelEvent, Prompt};
use futures_util::StreamExt;

use crate::harness::model::{Answer, ScriptedModel};
use crate::harness::outside::client;

/// What a user asks in these tests.
fn prompt() -> Prompt {
    Prompt {
        model: "gpt-test".to_owned(),
        input: vec![Input::User(vec![InputPart::Text("Hi".to_owned())])],
        ..Prompt::default()
    }
}

/// The events that an answer becomes, and the error if it ends with one.
async fn ask(answer: Answer) -> (Vec<ModelEvent>, Option<ModelError>) {
    ask_through(Api::Responses, answer).await
}

/// The same through one of the APIs.
async fn ask_through(api: Api, answer: Answer) -> (Vec<ModelEvent>, Option<ModelError>) {
    let upstream = ScriptedModel::start().await;
    upstream.then(answer);
    let model = Model::new(&ModelConfig { api, ..upstream.config() }, client());
    let mut stream = match model.stream(&prompt()).await {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the last item");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

/// The events of an answer that succeeds.
async fn events(answer: Answer) -> Vec<ModelEvent> {
    let (events, error) = ask(answer).await;
    assert!(error.is_none(), "{error:?}");
    events
}

/// The error of an answer that fails, after the events that came before.
async fn failure(answer: Answer) -> (Vec<ModelEvent>, ModelError) {
    let (events, error) = ask(answer).await;
    (events, error.expect("a failure"))
}
