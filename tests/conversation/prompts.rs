//! What the model is shown.

use chatkit_shared::hash::sha256_hex;
use chatkit_shared::identity::Owner;
use chatkit_shared::ids::{Ids, MESSAGE};
use chatkit_shared::protocol::{HiddenContext, ItemHeader, ThreadItem};
use chatkit_shared::store::StoredItem;
use serde_json::{Value, json};

use super::{operation, thread, transcript};
use crate::harness::app::{App, create, input, thread_id};
use crate::harness::responses::answer;

fn user(text: &str) -> Value {
    json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] })
}

fn assistant(text: &str) -> Value {
    json!({ "type": "message", "role": "assistant", "content": text })
}

/// What the model was asked last.
fn asked(app: &App) -> Value {
    app.model.requests().into_iter().rfind(|request| !request.is_title()).unwrap().body
}

#[tokio::test]
async fn turn_sends_exactly_this_request_to_the_model() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let mut body = asked(&app);
    let hashed = body["safety_identifier"].take();
    assert_eq!(hashed.as_str().map(str::len), Some(64));
    let bare = json!({
        "model": "test-model",
        "input": [user("Hi")],
        "max_output_tokens": 8192,
        "safety_identifier": null,
        "prompt_cache_key": thread_id,
        "store": false,
        "stream": true,
    });
    assert_eq!(body, bare);
    assert!(app.model.requests().iter().all(|request| !format!("{request:?}").contains("alice")));
    // Without the key of this deployment nobody can find the user by trying names.
    assert_ne!(hashed, sha256_hex("default\nalice"));
    let elsewhere = App::with([("SESSION_SIGNING_SECRET", "another secret of more than thirty-two bytes")]).await;
    thread(&elsewhere, "alice").await;
    assert_ne!(asked(&elsewhere)["safety_identifier"], hashed);

    let app = App::with([
        ("INSTRUCTIONS", "Be brief."),
        ("MAX_OUTPUT_TOKENS", "99"),
        ("REASONING_SUMMARIES", "true"),
        ("OPENAI_API_KEY", "sk-test"),
    ])
    .await;
    app.model.then(answer("ok"));
    let mut message = create("Hi");
    message["params"]["input"]["inference_options"] = json!({ "model": "gpt-expensive", "tool_choice": { "id": "x" } });
    let events = app.chatkit("alice", &message).await.events();
    let mut expected = bare;
    expected["prompt_cache_key"] = events[0]["thread"]["id"].clone();
    expected["instructions"] = json!("Be brief.");
    expected["max_output_tokens"] = json!(99);
    expected["reasoning"] = json!({ "summary": "auto" });
    expected["safety_identifier"] = hashed;
    assert_eq!(asked(&app), expected);
    assert!(app.model.requests().iter().all(|request| request.headers["authorization"] == "Bearer sk-test"));
}

#[tokio::test]
async fn turn_with_tags_and_quotes_explains_them_to_the_model() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let tag = |id: &str, text: &str, data: Value| json!({ "type": "input_tag", "id": id, "text": text, "data": data });
    let mut message = input("Compare ");
    message["content"] = json!([
        { "type": "input_text", "text": "Compare " },
        tag("1", "Doc", json!({ "pages": 3 })),
        { "type": "input_text", "text": " and " },
        tag("2", "Mail", json!({})),
        { "type": "input_text", "text": " and " },
        tag("1", "Doc", json!({ "pages": 3 })),
    ]);
    message["quoted_text"] = json!("Hello");
    app.model.then(answer("ok"));
    let params = json!({ "thread_id": thread_id, "input": message });
    app.chatkit("alice", &operation("threads.add_user_message", params)).await.events();
    let header = "What the @-mentions above stand for. Name these things without the `@` in the answer.";
    let text = |text: &str| json!({ "type": "input_text", "text": text });
    let mentions = json!({
        "type": "message",
        "role": "user",
        "content": [text(header), text("@Doc: {\"pages\":3}"), text("@Mail: {}")],
    });
    let quoted = user("The message above refers to this part of the conversation:\nHello");
    let before = [user("Hi"), assistant("Hello there"), user("Compare @Doc and @Mail and @Doc")];
    assert_eq!(asked(&app)["input"], json!([before[0], before[1], before[2], quoted, mentions]));

    // The next turn shows the same, so that the model's server finds it in its cache.
    app.model.then(answer("ok"));
    app.add("alice", &thread_id, "and?").await;
    let before = [before[0].clone(), before[1].clone(), before[2].clone(), quoted, mentions];
    let expected: Vec<_> = before.into_iter().chain([assistant("ok"), user("and?")]).collect();
    assert_eq!(asked(&app)["input"], json!(expected));
}

#[tokio::test]
async fn turn_when_the_context_is_small_sends_the_newest_items_and_the_question() {
    // A message of 40 characters is taken for 14 tokens.
    let app = App::with([("MAX_CONTEXT_TOKENS", "60"), ("LIMIT_USER_TURNS_PER_MINUTE", "0")]).await;
    let text = |number: usize| format!("{number:040}");
    app.model.then(answer(&text(0)));
    let thread_id = thread_id(&app.create("alice", &text(0)).await);
    for number in 1..5 {
        app.model.then(answer(&text(number)));
        app.add("alice", &thread_id, &text(number)).await;
    }
    // Four fit; of them the oldest is an answer without its question.
    assert_eq!(asked(&app)["input"], json!([user(&text(3)), assistant(&text(3)), user(&text(4))]));
    for (length, shown) in [(80, 3), (120, 1), (5_000, 1)] {
        app.model.then(answer("ok"));
        app.add("alice", &thread_id, &"x".repeat(length)).await;
        let input = asked(&app)["input"].as_array().unwrap().clone();
        assert_eq!((input.len(), &input[input.len() - 1]), (shown, &user(&"x".repeat(length))));
    }
}

#[tokio::test]
async fn hidden_context_reaches_the_model_and_no_client() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    app.clock.advance(1);
    let owner = Owner::new(Owner::DEFAULT_TENANT, "alice").unwrap();
    let id = Ids::seeded(app.clock.clone(), 7).mint(MESSAGE);
    let header = ItemHeader { id: id.clone(), thread_id: thread_id.clone(), created_at: app.clock.now() };
    let item = ThreadItem::HiddenContextItem(HiddenContext { header, content: json!({ "cart": ["a secret"] }) });
    let stored = StoredItem::new(item);
    app.dynamo.store().items.put(&owner, &thread_id, &stored).await.unwrap();
    app.clock.advance(1);
    app.model.then(answer("ok"));
    app.add("alice", &thread_id, "What is in it?").await;
    let context =
        "Context from the application, which the user does not see:\n<context>\n{\"cart\":[\"a secret\"]}\n</context>";
    assert_eq!(
        asked(&app)["input"],
        json!([user("Hi"), assistant("Hello there"), user(context), user("What is in it?")])
    );
    let shown = ["user: Hi", "assistant: Hello there", "user: What is in it?", "assistant: ok"];
    assert_eq!(transcript(&app, "alice", &thread_id).await, shown);
    let list = json!({ "thread_id": thread_id, "limit": 2, "order": "asc" });
    let page = app.chatkit("alice", &operation("items.list", list)).await.json();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(true)));
    // The id of what is hidden is a place in the list like any other.
    let after = json!({ "thread_id": thread_id, "after": id, "order": "asc" });
    let page = app.chatkit("alice", &operation("items.list", after)).await.json();
    assert_eq!(page["data"][0]["content"][0]["text"], "What is in it?");
    // An answer to it cannot be asked for.
    let answer = app.chatkit("alice", &super::retry(&thread_id, &id)).await;
    assert_eq!(answer.error(400, "bad_request"), "`item_id` must name a message of the user");
}
