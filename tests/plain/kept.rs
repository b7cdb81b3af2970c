//! Conversations that are kept here.

use serde_json::{Value, json};

use super::{assert_chunks, chunks, say};
use crate::harness::app::App;
use crate::harness::model::Gate;
use crate::harness::responses::{
    answer, completed, created, delta, incomplete, item_added, item_done, message_added, message_done, part_added,
    reasoning_added, reasoning_delta, reasoning_done, sse, usage,
};

#[tokio::test]
async fn chat_with_a_session_id_continues_that_thread() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let first = say(&app, "ada", &json!({ "message": "Hi" })).await;
    let session = first.json()["sessionId"].clone();
    assert!(session.as_str().unwrap().starts_with("thr_"));
    // The title's tokens are in it: 12 in and two words out, twice.
    let usage = json!({ "prompt_tokens": 24, "completion_tokens": 4, "total_tokens": 28 });
    let expected = json!({ "message": "Hello there", "sessionId": session, "usage": usage });
    assert_eq!((first.status.as_u16(), first.json()), (200, expected));
    assert_eq!(first.headers["content-type"], "application/json");

    app.model.then(answer("Again"));
    let second = say(&app, "ada", &json!({ "message": "And again", "sessionId": session })).await;
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13 });
    let expected = json!({ "message": "Again", "sessionId": session, "usage": usage });
    assert_eq!((second.status.as_u16(), second.json()), (200, expected));
    let asked = app.model.requests().last().unwrap().conversation();
    assert_eq!(asked, ["user: Hi", "assistant: Hello there", "user: And again"]);

    // It is a thread like any other.
    let get = json!({ "type": "threads.get_by_id", "params": { "thread_id": session } });
    let thread = app.chatkit("ada", &get).await.json();
    let texts: Vec<_> =
        thread["items"]["data"].as_array().unwrap().iter().map(|item| &item["content"][0]["text"]).collect();
    assert_eq!((&thread["title"], texts.len()), (&json!("A title"), 4));
}

#[tokio::test]
async fn chat_streamed_with_a_session_id_continues_that_thread() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let first = say(&app, "ada", &json!({ "message": "Hi", "stream": true })).await;
    let chunk: Value = serde_json::from_str(&chunks(&first)[0]).unwrap();
    let session = chunk["sessionId"].clone();
    assert!(session.as_str().unwrap().starts_with("thr_"));
    let usage = json!({ "prompt_tokens": 24, "completion_tokens": 4, "total_tokens": 28 });
    assert_chunks(
        &first,
        Some(&session),
        &[
            json!({ "delta": { "role": "assistant", "content": "" } }),
            json!({ "delta": { "content": "Hello " } }),
            json!({ "delta": { "content": "there" } }),
            json!({ "delta": {}, "finish_reason": "stop", "usage": usage }),
        ],
    );
    app.model.then(answer("Again"));
    let second = say(&app, "ada", &json!({ "message": "And?", "sessionId": session, "stream": true })).await;
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13 });
    assert_chunks(
        &second,
        Some(&session),
        &[
            json!({ "delta": { "role": "assistant", "content": "" } }),
            json!({ "delta": { "content": "Again" } }),
            json!({ "delta": {}, "finish_reason": "stop", "usage": usage }),
        ],
    );
    assert_eq!(app.model.requests().last().unwrap().conversation().len(), 3);
}

#[tokio::test]
async fn chat_when_the_answer_is_cut_off_says_so() {
    let app = App::start().await;
    let start = || [created("resp_1"), message_added("msg_1"), part_added(), delta("Hel")];
    let cut = || start().into_iter().chain([incomplete("max_output_tokens", usage(10, 0, 3, 0))]);
    app.model.then(sse(cut()));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true });
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13 });
    assert_chunks(
        &say(&app, "ada", &body).await,
        None,
        &[
            json!({ "delta": { "role": "assistant", "content": "" } }),
            json!({ "delta": { "content": "Hel" } }),
            json!({ "delta": {}, "finish_reason": "length", "usage": usage }),
        ],
    );
    app.model.then(sse(cut()));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    assert_eq!(say(&app, "ada", &body).await.json(), json!({ "message": "Hel", "usage": usage }));
}

#[tokio::test]
async fn chat_with_thoughts_leaves_them_out_of_the_message() {
    let app = App::start().await;
    let think = [created("resp_1"), reasoning_added("rs_1"), reasoning_delta("Hm"), reasoning_done("rs_1", &["Hm"])];
    let speak = [
        message_added("msg_1").item(1),
        part_added().item(1),
        delta("Yes").item(1),
        message_done("msg_1", "Yes").item(1),
        completed(usage(1, 0, 2, 1)),
    ];
    let whole = || sse(think.clone().into_iter().chain(speak.clone()));
    app.model.then(whole());
    let answer = say(&app, "ada", &json!({ "messages": [{ "role": "user", "content": "Hi" }] })).await;
    assert_eq!(answer.json()["message"], "Yes");
    app.model.then(whole());
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true });
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3 });
    assert_chunks(
        &say(&app, "ada", &body).await,
        None,
        &[
            json!({ "delta": { "role": "assistant", "content": "" } }),
            json!({ "delta": { "content": "Yes" } }),
            json!({ "delta": {}, "finish_reason": "stop", "usage": usage }),
        ],
    );
}

#[tokio::test]
async fn chat_with_hosted_tools_sends_only_the_message() {
    let app = App::start().await;
    let search = json!({ "id": "ws_1", "type": "web_search_call", "status": "completed" });
    let events = [
        created("resp_1"),
        item_added(&search),
        item_done(&search),
        message_added("msg_1").item(1),
        part_added().item(1),
        delta("Found").item(1),
        message_done("msg_1", "Found").item(1),
        completed(usage(1, 0, 1, 0)),
    ];
    app.model.then(sse(events));
    let answer = say(&app, "ada", &json!({ "messages": [{ "role": "user", "content": "Hi" }] })).await;
    assert_eq!(answer.json()["message"], "Found");
}

#[tokio::test]
async fn chat_streamed_sends_the_first_words_while_the_model_still_answers() {
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;

    use crate::harness::requests::{Carrying as _, post};
    let app = App::start().await;
    let gate = Gate::closed();
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hel")];
    let end = [delta("lo"), message_done("msg_1", "Hello"), completed(usage(1, 0, 1, 0))];
    let whole = end.into_iter().fold(sse(start).wait(&gate), crate::harness::model::Answer::event);
    app.model.then(whole);
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true });
    let request = post("/api/chat", &body).bearer(&app.user_token("ada"));
    let mut stream = app.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream();
    let mut seen = String::new();
    while !seen.contains("\"Hel\"") {
        let bytes = stream.next().await.unwrap().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text == ": ping\n" || text.ends_with("\n\n"), "{text:?}");
        seen.push_str(text);
    }
    assert!(!seen.contains("\"lo\""));
    gate.open();
    while let Some(bytes) = stream.next().await {
        seen.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
    }
    assert!(seen.ends_with("data: [DONE]\n\n"), "{seen}");
}
