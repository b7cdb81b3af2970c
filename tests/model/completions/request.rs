//! What is sent to a server that is not OpenAI's.

use chatkit_shared::env::Env;
use chatkit_shared::model::{Api, Input, InputPart, Model, ModelConfig, ModelKey, Prompt};
use chatkit_shared::secrets::Secret;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::super::prompt;
use crate::harness::completions::answer;
use crate::harness::model::ScriptedModel;
use crate::harness::outside::client;

pub(super) async fn sent(prompt: &Prompt) -> Value {
    let upstream = ScriptedModel::start().await;
    upstream.then(answer("Hello"));
    let config = ModelConfig {
        api: Api::ChatCompletions,
        key: Some(Secret::fixed(ModelKey::new("sk-test").unwrap())),
        ..upstream.config()
    };
    Model::new(&config, client()).stream(prompt).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    let request = upstream.single_request();
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.headers["authorization"], "Bearer sk-test");
    assert_eq!(request.headers["accept"], "text/event-stream");
    request.body
}

#[tokio::test]
async fn request_has_only_fields_that_every_server_knows() {
    let user = |parts: &[&str]| Input::User(parts.iter().map(|part| InputPart::Text((*part).to_owned())).collect());
    let asked = Prompt {
        model: "llama".to_owned(),
        instructions: Some("Be brief.".to_owned()),
        input: vec![
            user(&["Hi", "there"]),
            Input::Assistant("Hello".to_owned()),
            Input::Assistant("How can I help?".to_owned()),
            user(&["Bye"]),
            user(&["Context"]),
        ],
        max_output_tokens: Some(100),
        reasoning_summaries: true,
        user: Some("hash".to_owned()),
        cache_key: Some("thread".to_owned()),
        ..Prompt::default()
    };
    assert_eq!(
        sent(&asked).await,
        json!({
            "model": "llama",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi\nthere"},
                {"role": "assistant", "content": "Hello\n\nHow can I help?"},
                {"role": "user", "content": "Bye\n\nContext"},
            ],
            "max_tokens": 100,
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[tokio::test]
async fn request_leaves_out_what_the_prompt_does_not_set() {
    assert_eq!(
        sent(&prompt()).await,
        json!({
            "model": "gpt-test",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
fn api_is_read_from_the_environment() {
    let api = |value: &str| Api::from_env(&[("MODEL_API", value)].into_iter().collect::<Env>());
    for (value, expected) in
        [("", Api::Responses), ("responses", Api::Responses), ("chat_completions", Api::ChatCompletions)]
    {
        assert_eq!(api(value).unwrap(), expected);
    }
    let error = api("completions").unwrap_err();
    assert_eq!(error.to_string(), "`MODEL_API` must be `responses` or `chat_completions`");
}
