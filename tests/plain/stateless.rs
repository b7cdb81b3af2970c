//! Conversations that the page keeps.

use serde_json::{Value, json};

use super::{assert_chunks, identifier, say};
use crate::harness::app::App;
use crate::harness::responses::answer;

fn conversation(stream: Option<bool>) -> Value {
    let mut body = json!({ "messages": [
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "Hello" },
        { "role": "user", "content": "And?" },
    ] });
    if let Some(stream) = stream {
        body["stream"] = json!(stream);
    }
    body
}

#[tokio::test]
async fn stateless_chat_sends_the_given_messages_to_the_model() {
    let app = App::with([("INSTRUCTIONS", "Be kind.")]).await;
    for stream in [None, Some(false)] {
        app.model.then(answer("Well then"));
        let answered = say(&app, "ada", &conversation(stream)).await;
        let usage = json!({ "prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14 });
        let expected = json!({ "message": "Well then", "usage": usage });
        assert_eq!((answered.status.as_u16(), answered.json()), (200, expected));
    }
    let requests = app.model.requests();
    assert_eq!(requests.len(), 2, "no title for what has no name");
    let text = |text: &str| json!([{ "type": "input_text", "text": text }]);
    let expected = json!({
        "model": "test-model",
        "instructions": "Be kind.",
        "input": [
            { "type": "message", "role": "user", "content": text("Hi") },
            { "type": "message", "role": "assistant", "content": "Hello" },
            { "type": "message", "role": "user", "content": text("And?") },
        ],
        "max_output_tokens": 8_192,
        "safety_identifier": identifier("ada"),
        "store": false,
        "stream": true,
    });
    assert_eq!(requests[0].body, expected);
}

#[tokio::test]
async fn stateless_chat_streamed_sends_the_answer_in_chunks() {
    let app = App::start().await;
    app.model.then(answer("Well then"));
    let answered = say(&app, "ada", &conversation(Some(true))).await;
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14 });
    assert_chunks(
        &answered,
        None,
        &[
            json!({ "delta": { "role": "assistant", "content": "" } }),
            json!({ "delta": { "content": "Well " } }),
            json!({ "delta": { "content": "then" } }),
            json!({ "delta": {}, "finish_reason": "stop", "usage": usage }),
        ],
    );
}

#[tokio::test]
async fn stateless_chat_stores_nothing() {
    let app = App::start().await;
    for stream in [false, true] {
        app.model.then(answer("Well then"));
        assert_eq!(say(&app, "ada", &conversation(Some(stream))).await.status, 200);
    }
    assert_eq!(app.dynamo.records("threads"), [] as [Value; 0]);
    for table in ["counters", "usage"] {
        for record in app.dynamo.records(table) {
            let text = record.to_string();
            assert!(!["Hi", "Hello", "And?", "Well"].iter().any(|word| text.contains(word)), "{text}");
        }
    }
    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(app.chatkit("ada", &list).await.json(), json!({ "data": [], "has_more": false }));
}

#[tokio::test]
async fn stateless_chat_when_too_long_starts_at_the_first_question_that_fits() {
    let app = App::with([("MAX_CONTEXT_TOKENS", "60")]).await;
    let mut messages = Vec::new();
    for number in 0..10 {
        messages.push(json!({ "role": "user", "content": format!("question {number} of forty characters, so-so") }));
        messages.push(json!({ "role": "assistant", "content": format!("answer {number} of forty characters, more") }));
    }
    messages.push(json!({ "role": "user", "content": "the last" }));
    app.model.then(answer("Yes"));
    assert_eq!(say(&app, "ada", &json!({ "messages": messages })).await.status, 200);
    let shown = app.model.single_request().conversation();
    assert_eq!(shown.last().unwrap(), "user: the last");
    assert!(shown.len() < 6 && shown[0].starts_with("user: question"), "{shown:?}");
}
