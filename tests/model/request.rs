//! What is sent, and when it is sent twice.

use std::time::Duration;

use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::model::{Input, InputPart, Model, ModelConfig, ModelEvent, ModelKey, Prompt};
use chatkit_shared::secrets::Secret;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;

use super::prompt;
use super::translation::{COMPLETED, added, started, text};
use crate::harness::model::{Gate, ScriptedModel};
use crate::harness::outside::{client, outside};
use crate::harness::responses::{answer, completed, delta, message_added, sse, upstream_error};

#[tokio::test]
async fn request_is_stateless_and_streams() {
    let upstream = ScriptedModel::start().await;
    upstream.then(answer("Hello"));
    let key = Some(Secret::fixed(ModelKey::new("sk-test\n").unwrap()));
    let model = Model::new(&ModelConfig { key, ..upstream.config() }, client());
    let asked = Prompt {
        model: "gpt-test".to_owned(),
        instructions: Some("Be brief.".to_owned()),
        input: vec![
            Input::User(vec![InputPart::Text("Hi".to_owned()), InputPart::Text("there".to_owned())]),
            Input::Assistant("Hello".to_owned()),
            Input::User(vec![InputPart::Text("Bye".to_owned())]),
        ],
        max_output_tokens: Some(100),
        reasoning_summaries: true,
        user: Some("hash".to_owned()),
        cache_key: Some("thread".to_owned()),
        ..Prompt::default()
    };
    model.stream(&asked).await.unwrap().try_collect::<Vec<_>>().await.unwrap();

    let request = upstream.single_request();
    assert_eq!(
        request.body,
        json!({
            "model": "gpt-test",
            "instructions": "Be brief.",
            "input": [
                {"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": "Hi"},
                    {"type": "input_text", "text": "there"},
                ]},
                {"type": "message", "role": "assistant", "content": "Hello"},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Bye"}]},
            ],
            "max_output_tokens": 100,
            "reasoning": {"summary": "auto"},
            "safety_identifier": "hash",
            "prompt_cache_key": "thread",
            "store": false,
            "stream": true,
        })
    );
    assert_eq!(request.conversation(), ["user: Hi there", "assistant: Hello", "user: Bye"]);
    assert_eq!(request.headers["authorization"], "Bearer sk-test");
    assert_eq!(request.headers["accept"], "text/event-stream");
}

#[tokio::test]
async fn request_leaves_out_what_the_prompt_does_not_set() {
    let upstream = ScriptedModel::start().await;
    upstream.on(|request| !request.is_title(), answer("Hello"));
    Model::new(&upstream.config(), client()).stream(&prompt()).await.unwrap();

    let request = upstream.single_request();
    let input = json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]);
    assert_eq!(request.body, json!({"model": "gpt-test", "input": input, "store": false, "stream": true}));
    assert_eq!(request.headers.get("authorization"), None);
}

#[tokio::test]
async fn stream_gives_events_while_the_model_still_answers() {
    let upstream = ScriptedModel::start().await;
    let gate = Gate::closed();
    upstream.then(sse([message_added("msg_1"), delta("Hel"), delta("lo"), completed(json!(null))]).stepwise(&gate));
    let model = Model::new(&upstream.config(), client());
    let mut stream = model.stream(&prompt()).await.unwrap();
    for expected in [vec![started(0, "msg_1")], vec![added(0, 0), text(0, 0, "Hel")], vec![text(0, 0, "lo")]] {
        gate.open();
        for event in expected {
            assert_eq!(stream.next().await.unwrap().unwrap(), event);
        }
    }
    gate.open();
    assert_eq!(stream.try_collect::<Vec<ModelEvent>>().await.unwrap().last(), Some(&COMPLETED));
}

#[tokio::test]
async fn stream_is_not_read_beyond_its_end() {
    let upstream = ScriptedModel::start().await;
    let never = Gate::closed();
    upstream.then(sse([delta("Hello"), completed(json!(null))]).wait(&never).event(delta("again")));
    let stream = Model::new(&upstream.config(), client()).stream(&prompt()).await.unwrap();
    assert_eq!(stream.try_collect::<Vec<ModelEvent>>().await.unwrap().last(), Some(&COMPLETED));
}

#[tokio::test]
async fn request_is_retried_once_if_that_can_help() {
    let hurried = || upstream_error(429, "rate_limit_error", "rate_limit_exceeded").header("retry-after-ms", "1");
    let patient = || upstream_error(429, "rate_limit_error", "rate_limit_exceeded").header("retry-after", "60");
    let broke = || upstream_error(429, "insufficient_quota", "insufficient_quota").header("retry-after-ms", "1");
    for (refusal, requests) in [
        (upstream_error(502, "", ""), 2),
        (upstream_error(503, "", ""), 2),
        (hurried(), 2),
        (patient(), 1),
        (broke(), 1),
        (upstream_error(429, "rate_limit_error", "rate_limit_exceeded"), 1),
        (upstream_error(500, "server_error", ""), 1),
        (upstream_error(400, "invalid_request_error", ""), 1),
        (upstream_error(401, "invalid_request_error", "invalid_api_key"), 1),
    ] {
        let upstream = ScriptedModel::start().await;
        upstream.then(refusal);
        upstream.then(answer("Hello"));
        let outcome = Model::new(&upstream.config(), client()).stream(&prompt()).await;
        assert_eq!((upstream.requests().len(), outcome.is_ok()), (requests, requests == 2));
    }

    let upstream = ScriptedModel::start().await;
    upstream.on(|_| true, upstream_error(503, "", ""));
    assert!(Model::new(&upstream.config(), client()).stream(&prompt()).await.is_err());
    assert_eq!(upstream.requests().len(), 2);
}

#[test]
fn model_config_is_read_from_the_environment() {
    let config = |pairs: &[(&str, &str)]| {
        let basis = [("AWS_REGION", "here"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let env: Env = basis.iter().chain(pairs).copied().collect();
        ModelConfig::from_env(&env, &outside(&env, &Clock::system()).secrets)
    };

    let default = config(&[]).unwrap();
    assert_eq!(default.base_url.as_str(), "https://api.openai.com/v1");
    assert!(default.key.is_none());
    assert_eq!(default.idle_timeout, Duration::from_secs(120));

    let local = config(&[("OPENAI_BASE_URL", "http://localhost:11434/v1/"), ("OPENAI_API_KEY", "sk-secret")]).unwrap();
    assert_eq!(local.base_url.as_str(), "http://localhost:11434/v1/");
    assert!(!format!("{local:?} {:?}", Model::new(&local, client())).contains("sk-secret"));

    for wrong in ["api.openai.com", "ftp://x/", "https://key@x/v1", "https://x/v1?key=1", "https://x/v1#a"] {
        let message = config(&[("OPENAI_BASE_URL", wrong)]).unwrap_err().to_string();
        assert_eq!(
            message,
            "`OPENAI_BASE_URL` must be an `http` or `https` URL without credentials, query and fragment"
        );
    }
    let readable = "`OPENAI_BASE_URL` must be `https`, or `http` to this machine: others on the way could read the key and \
                    what is said. In a network of your own, set `OPENAI_BASE_URL_PLAIN_HTTP=true`";
    for far in ["http://api.openai.com/v1", "http://10.0.0.2:8000/v1", "http://localhost.example/v1", "http://[::2]/v1"]
    {
        assert_eq!(config(&[("OPENAI_BASE_URL", far)]).unwrap_err().to_string(), readable, "{far}");
        assert!(config(&[("OPENAI_BASE_URL", far), ("OPENAI_BASE_URL_PLAIN_HTTP", "true")]).is_ok());
    }
    for near in ["http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", "https://10.0.0.2:8000/v1"] {
        assert!(config(&[("OPENAI_BASE_URL", near)]).is_ok(), "{near}");
    }
    let message = config(&[("OPENAI_API_KEY", "sk-\u{1}")]).unwrap_err().to_string();
    assert_eq!(message, "`OPENAI_API_KEY` must be printable ASCII");
}
