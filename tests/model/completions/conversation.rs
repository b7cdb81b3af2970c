//! A whole conversation with a model behind the Chat Completions API.

use serde_json::{Value, json};

use crate::harness::app::{App, thread_id};
use crate::harness::completions::{DONE, answer, chunks, content, delta, finish, role};
use crate::harness::model::ModelRequest;

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
