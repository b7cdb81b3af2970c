//! The demo model is a whole OpenAI for our own client.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chatkit_local::demo_model;
use chatkit_shared::clock::Clock;
use chatkit_shared::model::{
    Api, AudioType, IncompleteReason, Input, InputPart, Model, ModelConfig, ModelError, ModelErrorKind, ModelEvent,
    Prompt,
};
use chatkit_shared::protocol::{AssistantContent, Source};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::prompt;
use crate::harness::outside;

fn demo() -> axum::Router {
    demo_model::router(Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap()), Duration::ZERO)
}

fn says(text: &str) -> Input {
    Input::User(vec![InputPart::Text(text.to_owned())])
}

/// Our client of a demo model, which runs as long as the second value lives.
async fn client(api: Api) -> (Model, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, demo()).await.unwrap() });
    let transcription_model = Some("demo".to_owned());
    let config = ModelConfig { api, transcription_model, ..ModelConfig::new(base_url.parse().unwrap(), None) };
    (Model::new(&config, outside::client()), server)
}

/// Everything the demo model answers, through our client.
async fn ask(prompt: &Prompt) -> (Vec<ModelEvent>, Option<ModelError>) {
    ask_through(Api::Responses, prompt).await
}

async fn ask_through(api: Api, prompt: &Prompt) -> (Vec<ModelEvent>, Option<ModelError>) {
    let (model, _server) = client(api).await;
    let mut stream = model.stream(prompt).await.unwrap();
    let (mut events, mut error) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(failure) => error = Some(failure),
        }
    }
    (events, error)
}

/// The one message of an answer, checked against its deltas.
async fn message(input: Vec<Input>) -> AssistantContent {
    let (events, error) = ask(&Prompt { input, ..prompt() }).await;
    assert!(error.is_none(), "{error:?}");
    let deltas = events.iter().filter_map(|event| match event {
        ModelEvent::TextDelta { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let deltas: String = deltas.collect();
    let messages = events.into_iter().filter_map(|event| match event {
        ModelEvent::MessageDone { content, .. } => Some(content),
        _ => None,
    });
    let mut content = messages.flatten().collect::<Vec<_>>();
    let part = content.pop().unwrap();
    assert!(content.is_empty());
    assert_eq!(part.text, deltas);
    part
}

#[tokio::test]
async fn demo_model_introduces_itself_and_repeats_the_question() {
    assert_eq!(
        message(vec![says("Hello,\nis anyone there?")]).await.text.split("\n\nTry ").next().unwrap(),
        "I am the **demo model**. I understand nothing, but I can repeat what you wrote:\n\n> Hello,\n> is anyone \
         there?\n\nIt is the first message of our conversation."
    );
}

#[tokio::test]
async fn demo_model_counts_the_earlier_messages() {
    let text = message(vec![says("One"), Input::Assistant("Two".to_owned()), says("Make a table")]).await.text;
    let history = "I was given 3 messages of our conversation, yours and mine. Before this one you wrote: “One”";
    assert!(text.contains(history) && text.contains("| Mars | 2 | 24.6 |"), "{text}");
}

#[tokio::test]
async fn demo_model_asked_to_think_sends_thoughts() {
    let (events, _) = ask(&Prompt { input: vec![says("Think!")], ..prompt() }).await;
    assert_eq!(events[0], ModelEvent::ReasoningStarted);
    let thoughts = events.iter().filter(|event| matches!(event, ModelEvent::ReasoningDone { .. })).count();
    assert_eq!(thoughts, 2);
    let Some(ModelEvent::Completed(Some(usage))) = events.last() else { panic!("{events:?}") };
    assert!(usage.reasoning > 0 && usage.output > usage.reasoning && usage.input > 0);
}

#[tokio::test]
async fn demo_model_asked_for_a_source_cites_two() {
    let part = message(vec![says("Show me a source")]).await;
    let cited: Vec<_> = part.annotations.iter().map(|annotation| (&annotation.source, annotation.index)).collect();
    let [(Source::Url { title, url, .. }, Some(_)), (Source::Url { .. }, Some(end))] = cited[..] else {
        panic!("{cited:?}")
    };
    assert_eq!((title.as_str(), url.as_str()), ("ChatKit guide", "https://platform.openai.com/docs/guides/chatkit"));
    assert_eq!(end, part.text.chars().count() as u64);
}

#[tokio::test]
async fn demo_model_refuses_or_writes_a_long_text_when_asked() {
    assert!(message(vec![says("Please refuse")]).await.text.starts_with("I'm sorry"));
    assert!((90_000..120_000).contains(&message(vec![says("A long, slow one")]).await.text.len()));
}

#[tokio::test]
async fn demo_model_asked_to_fail_breaks_off() {
    let (events, error) = ask(&Prompt { input: vec![says("Fail")], ..prompt() }).await;
    assert!(matches!(events.last(), Some(ModelEvent::TextDelta { .. })));
    assert_eq!(error.unwrap().kind, ModelErrorKind::Unavailable);
}

#[tokio::test]
async fn demo_model_stops_at_the_output_limit() {
    let (events, _) = ask(&Prompt { max_output_tokens: Some(16), ..prompt() }).await;
    let [.., ModelEvent::MessageDone { content, .. }, ModelEvent::Incomplete { reason, usage }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*reason, IncompleteReason::MaxOutputTokens);
    assert_eq!(usage.unwrap().output, 16);
    assert_eq!(content[0].text.len(), 64);
}

#[tokio::test]
async fn demo_model_asked_for_a_title_writes_one() {
    for (message, title) in [
        ("how do I return a thing that I bought last week?", "How do I return a thing"),
        ("Éclairs…", "Éclairs"),
        ("?!", "A conversation"),
    ] {
        let instructions = Some("Write a title for this conversation.".to_owned());
        let prompt = Prompt { instructions, input: vec![says(message)], max_output_tokens: Some(20), ..prompt() };
        let (events, _) = ask(&prompt).await;
        assert!(events.iter().any(|event| matches!(event, ModelEvent::PartDone { text, .. } if text == title)));
    }
}

#[tokio::test]
async fn demo_model_gives_the_same_events_through_both_apis() {
    for message in ["Hello", "Refuse", "A source, in a table", "Fail", "A long one"] {
        for max_output_tokens in [None, Some(20)] {
            let instructions = Some("Be brief.".to_owned());
            let prompt = Prompt { instructions, input: vec![says(message)], max_output_tokens, ..prompt() };
            let (mut expected, expected_error) = ask(&prompt).await;
            for event in &mut expected {
                if let ModelEvent::MessageStarted { upstream_id, .. } = event {
                    *upstream_id = None;
                }
            }
            let (events, error) = ask_through(Api::ChatCompletions, &prompt).await;
            assert_eq!(events, expected, "{message}");
            assert_eq!(error.map(|error| error.kind), expected_error.map(|error| error.kind), "{message}");
        }
    }
}

#[tokio::test]
async fn demo_model_sends_thoughts_through_chat_completions() {
    let (events, _) = ask_through(Api::ChatCompletions, &Prompt { input: vec![says("Think!")], ..prompt() }).await;
    assert_eq!(events[0], ModelEvent::ReasoningStarted);
    let thoughts = events.iter().filter_map(|event| match event {
        ModelEvent::ReasoningDone { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let thoughts: Vec<_> = thoughts.collect();
    assert!(matches!(thoughts[..], [text] if text.contains("question") && text.contains("words")), "{thoughts:?}");
    let Some(ModelEvent::Completed(Some(usage))) = events.last() else { panic!("{events:?}") };
    assert!(usage.reasoning > 0 && usage.output > usage.reasoning && usage.input > 0);
}

#[tokio::test]
async fn demo_model_reports_the_size_and_type_of_a_recording() {
    let (model, _server) = client(Api::Responses).await;
    let heard = model.transcribe("123".into(), AudioType::Webm).await.unwrap();
    assert_eq!(heard.text, "The demo model cannot hear, but it received 3 bytes of audio/webm.");
}

async fn post(path: &str, content_type: &str, body: String) -> (StatusCode, Value) {
    let request = Request::post(path).header("content-type", content_type).body(Body::from(body)).unwrap();
    let response = demo().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn post_json(path: &str, body: Value) -> (StatusCode, Value) {
    post(path, "application/json", body.to_string()).await
}

#[tokio::test]
async fn demo_model_without_stream_answers_with_a_response() {
    let (status, response) = post_json("/v1/responses", json!({"model": "demo", "input": "Refuse"})).await;
    assert_eq!(
        (status, &response["status"], &response["created_at"]),
        (StatusCode::OK, &json!("completed"), &json!(1_795_176_000))
    );
    assert_eq!(response["output"][0]["content"][0]["type"], json!("refusal"));
}

#[tokio::test]
async fn demo_model_without_stream_answers_with_a_completion() {
    let ask = |message: &str| {
        let messages = json!([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": message}]);
        post_json("/v1/chat/completions", json!({"model": "demo", "messages": messages, "max_completion_tokens": 5}))
    };
    let (status, completion) = ask("Hello").await;
    let choice = json!({
        "index": 0,
        "message": {"role": "assistant", "content": "I am the **demo mode", "refusal": null, "annotations": []},
        "logprobs": null,
        "finish_reason": "length",
    });
    assert_eq!((status, &completion["choices"]), (StatusCode::OK, &json!([choice])));
    assert_eq!(completion["usage"]["prompt_tokens"], 4);
    assert_eq!(completion["usage"]["completion_tokens"], 5);
    assert_eq!(ask("Refuse").await.1["choices"][0]["message"]["content"], json!(null));
    assert_eq!(ask("Fail").await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn demo_model_reports_usage_in_chunks_only_when_asked() {
    let body = json!({"model": "demo", "messages": [{"role": "user", "content": "Hello"}], "stream": true});
    let request = Request::post("/v1/chat/completions").body(Body::from(body.to_string())).unwrap();
    let response = demo().oneshot(request).await.unwrap();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.ends_with("data: [DONE]\n\n") && !text.contains("prompt_tokens"), "{text}");
}

#[tokio::test]
async fn demo_model_with_an_invalid_request_answers_an_openai_error() {
    let form = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ndemo\r\n--b--\r\n".to_owned();
    for (status, response) in [
        post_json("/v1/responses", json!({})).await,
        post_json("/v1/chat/completions", json!({"model": "demo"})).await,
        post("/v1/audio/transcriptions", "multipart/form-data; boundary=b", form).await,
    ] {
        assert_eq!((status, &response["error"]["type"]), (StatusCode::BAD_REQUEST, &json!("invalid_request_error")));
    }
}
