//! `POST /api/chat`: a message in, an answer out.

mod failures;
mod kept;
mod requests;
mod stateless;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::harness::app::{Answer, App};
use crate::harness::requests::{Carrying, post};

/// Sends a body as a user.
async fn say(app: &App, user: &str, body: &Value) -> Answer {
    app.send(post("/api/chat", body).bearer(&app.user_token(user))).await
}

/// The data of each event of a streamed answer, after asserting its bytes: `data: …`, an empty line, nothing else.
fn chunks(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-cache, no-transform");
    assert_eq!(answer.headers["x-accel-buffering"], "no");
    let text = answer.text.strip_suffix("\n\n").unwrap();
    text.split("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_owned()).collect()
}

/// Chunks of one answer, whose id is the first one's; `session` is on each, if there is one.
fn expected_chunks(answer: &Answer, session: Option<&Value>, parts: &[Value]) -> Vec<Value> {
    let first: Value = serde_json::from_str(&chunks(answer)[0]).unwrap();
    let id = first["id"].as_str().unwrap();
    assert!(id.starts_with("chatcmpl_"), "{id}");
    let common = json!({
        "id": id, "object": "chat.completion.chunk", "created": App::began(), "model": "test-model",
    });
    parts
        .iter()
        .map(|part| {
            let mut chunk = common.clone();
            if let Some(session) = session {
                chunk["sessionId"] = session.clone();
            }
            let mut choice = json!({ "index": 0, "finish_reason": null });
            for (name, value) in part.as_object().unwrap() {
                if name == "usage" {
                    chunk["usage"] = value.clone();
                } else {
                    choice[name] = value.clone();
                }
            }
            chunk["choices"] = json!([choice]);
            chunk
        })
        .collect()
}

/// Asserts that an answer is these chunks and `[DONE]`.
fn assert_chunks(answer: &Answer, session: Option<&Value>, parts: &[Value]) {
    let mut seen = chunks(answer);
    assert_eq!(seen.pop().as_deref(), Some("[DONE]"));
    let seen: Vec<Value> = seen.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    assert_eq!(seen, expected_chunks(answer, session, parts));
}

/// How a user stands in what the model is asked: never by their name.
fn identifier(user: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of more than thirty-two bytes");
    let tag = hmac::sign(&key, format!("people at the model's server\ndefault\n{user}").as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
