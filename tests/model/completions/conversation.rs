//! A whole conversation with a model behind the Chat Completions API.

use serde_json::{Value, json};

use crate::harness::app::{App, thread_id};
use crate::harness::completions::{DONE, answer, chunks, content, delta, finish, role};
use crate::harness::model::{Answer, ModelRequest};

fn is_title(request: &ModelRequest) -> bool {
    request.conversation()[0].starts_with("system: Write a title")
}

fn items(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["type"] == "thread.item.done").map(|event| &event["item"]).collect()
}

#[tokio::test]
async fn conversation_through_chat_completions_has_thoughts_and_own_ids() {
    let app = App::with([("MODEL_API", "chat_completions"), ("INSTRUCTIONS", "Be brief.")]).await;
    app.model.on(is_title, answer("A title"));
    let thought = delta(&json!({"reasoning_content": "A greeting."}));
    // No server's id is ever ours, however often it repeats it.
    let hello = [role(), thought, content("Hello "), content("there"), finish("stop")];
    app.model.then(chunks(hello.map(|chunk| chunk.set("id", json!("__fake_id__")))).bytes(DONE));
    let events = app.create("alice", "Hi").await;
    let thread = thread_id(&events);
    let title = events.iter().find(|event| event["type"] == "thread.updated").unwrap();
    assert_eq!(title["thread"]["title"], "A title");
    let first = items(&events);
    let [_, workflow, message] = first[..] else { panic!("{first:?}") };
    assert_eq!(
        workflow["workflow"]["tasks"],
        json!([{"type": "thought", "content": "A greeting.", "status_indicator": "none"}])
    );
    assert_eq!(message["content"], json!([{"type": "output_text", "text": "Hello there", "annotations": []}]));

    app.model.then(answer("Again"));
    let events = app.add("alice", &thread, "And again").await;
    let second = items(&events);
    assert_eq!(second[1]["content"][0]["text"], "Again");
    assert_ne!(second[1]["id"], message["id"]);
    let asked = app.model.requests();
    assert_eq!(
        asked.last().unwrap().conversation(),
        ["system: Be brief.", "user: Hi", "assistant: Hello there", "user: And again"]
    );

    let operation = json!({"type": "items.list", "params": {"thread_id": thread, "order": "asc"}});
    let stored = app.chatkit("alice", &operation).await.json();
    let stored: Vec<_> = stored["data"].as_array().unwrap().iter().collect();
    assert_eq!(stored, [first, second].concat());
}

#[tokio::test]
async fn thought_in_tags_is_neither_answer_nor_title_nor_history() {
    let app = App::with([("MODEL_API", "chat_completions")]).await;
    // The title's tokens end within the thought.
    app.model.on(is_title, chunks([content("<think>Okay, the user wants a title for"), finish("length")]).bytes(DONE));
    app.model.then(answer("<think>secret thoughts</think>\n\nThe answer."));
    let events = app.create("alice", "Which lamp is the best for reading?").await;
    let title = events.iter().find(|event| event["type"] == "thread.updated").unwrap();
    assert_eq!(title["thread"]["title"], "Which lamp is the best for reading?");
    let [_, workflow, message] = items(&events)[..] else { panic!("{events:?}") };
    assert_eq!(workflow["workflow"]["tasks"][0]["content"], "secret thoughts");
    assert_eq!(message["content"][0]["text"], "The answer.");

    app.model.then(answer("<think>nothing but thoughts"));
    let thread = thread_id(&events);
    let events = app.add("alice", &thread, "Why?").await;
    assert_eq!(events.last().unwrap()["message"], "The assistant gave no answer. Please try again.");
    let asked = app.model.requests().last().unwrap().conversation();
    assert_eq!(asked[1..], ["assistant: The answer.", "user: Why?"]);
}

#[tokio::test]
async fn whole_answer_in_json_is_an_answer() {
    let app = App::with([("MODEL_API", "chat_completions")]).await;
    app.model.on(is_title, answer("A title"));
    let message = json!({"role": "assistant", "content": "<think>Hm</think>\n\nHello", "refusal": null});
    let whole = json!({
        "id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3},
    });
    let body = serde_json::to_string_pretty(&whole).unwrap();
    app.model.then(Answer::with(200, "application/json; charset=utf-8", body));
    let events = app.create("alice", "Hi").await;
    let [_, workflow, message] = items(&events)[..] else { panic!("{events:?}") };
    assert_eq!(workflow["workflow"]["tasks"][0]["content"], "Hm");
    assert_eq!(message["content"][0]["text"], "Hello");
}
