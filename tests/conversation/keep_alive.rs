//! Signs of life while the model is silent.

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;

use crate::harness::app::{App, request};
use crate::harness::model::Gate;
use crate::harness::responses::answer;

#[tokio::test]
async fn stream_when_the_model_is_silent_sends_a_comment_within_a_second() {
    let app = App::start().await;
    let gate = Gate::closed();
    app.model.then(answer("Hello there").before(&gate));
    // A conversation that the page keeps has nothing to tell before the model speaks.
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true });
    let mut answer = app.begin(request(Method::POST, "/api/chat", "alice", Body::from(body.to_string()))).await;
    let began = std::time::Instant::now();
    let first = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    let waited = began.elapsed();
    assert_eq!(first, ": ping\n");
    assert!(waited.as_millis() >= 900, "{waited:?}");
    gate.open();
    let rest = answer.into_body().collect().await.unwrap().to_bytes();
    let rest = std::str::from_utf8(&rest).unwrap();
    assert!(rest.starts_with("data: {") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    assert!(!rest.contains("ping"), "{rest}");
}
