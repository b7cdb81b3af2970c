//! The names of threads.

use serde_json::{Value, json};

use super::{kinds, operation, reload};
use crate::harness::app::{App, add, create, thread_id};
use crate::harness::dynamodb::Fault;
use crate::harness::model::{Answer, Gate};
use crate::harness::responses::{answer, completed, sse, upstream_error, usage};

/// The title that a first message gets when the model answers the wish for one like this.
async fn title(message: &str, made: Answer) -> Value {
    let app = App::start().await;
    app.model.rather(|request| request.is_title(), made);
    app.model.then(answer("ok"));
    let events = app.create("alice", message).await;
    let told: Vec<_> = events.iter().filter(|event| event["type"] == "thread.updated").collect();
    let thread = reload(&app, "alice", &thread_id(&events)).await;
    match told[..] {
        [] => assert_eq!(thread.get("title"), None),
        [told] => assert_eq!(told["thread"]["title"], thread["title"]),
        _ => panic!("a title is told once: {told:?}"),
    }
    assert_eq!(events.iter().filter(|event| event["type"] == "error").count(), 0);
    thread["title"].clone()
}

#[tokio::test]
async fn turns_of_a_new_thread_ask_for_a_title_once() {
    let app = App::start().await;
    app.model.then(answer("ok"));
    let events = app.create("alice", &"word ".repeat(1_000)).await;
    app.model.then(answer("ok"));
    app.add("alice", &thread_id(&events), "more").await;
    let titles: Vec<_> = app.model.requests().into_iter().filter(|request| request.is_title()).collect();
    let [request] = &titles[..] else { panic!("{} titles", titles.len()) };
    let excerpt = "word ".repeat(400);
    assert_eq!(
        request.body,
        json!({
            "model": "test-model",
            "instructions": request.body["instructions"],
            "input": [{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": excerpt }] }],
            "max_output_tokens": 512,
            "store": false,
            "stream": true,
        })
    );
}

#[tokio::test]
async fn title_is_reduced_to_one_short_plain_line() {
    for (made, expected) in [
        ("Paris in spring", "Paris in spring"),
        ("\"Paris in spring.\"", "Paris in spring"),
        ("**Paris\n in  spring**\n", "Paris in spring"),
        ("# “Paris”", "Paris"),
        (&"word ".repeat(30), "word word word word word word word word word word word word…"),
        (&"ü".repeat(100), &format!("{}…", "ü".repeat(60))),
    ] {
        assert_eq!(title("Hi", answer(made)).await, expected);
    }
}

#[tokio::test]
async fn title_when_the_model_gives_none_is_taken_from_the_message() {
    let silent = || sse([completed(usage(1, 0, 0, 0))]);
    let failed = || upstream_error(400, "invalid_request_error", "model_not_found");
    let long = "Please tell me, at length, everything that there is to know about Paris in spring";
    for (message, expected) in [
        ("What  is\nParis?", "What is Paris?"),
        (long, "Please tell me, at length, everything that there is to know…"),
        ("a\0b", "a\0b"),
    ] {
        for made in [silent(), failed(), answer("\"\""), Answer::with(200, "text/html", "<html>")] {
            assert_eq!(title(message, made).await, expected);
        }
    }
}

#[tokio::test]
async fn title_when_the_first_message_has_no_words_comes_from_a_later_one() {
    for message in ["...", "***"] {
        let app = App::start().await;
        app.model.rather(|request| request.is_title(), sse([completed(usage(1, 0, 0, 0))]));
        app.model.then(answer("What?"));
        let events = app.create("alice", message).await;
        assert!(!kinds(&events).contains(&"thread.updated"), "{events:#?}");
        let thread_id = thread_id(&events);
        assert_eq!(reload(&app, "alice", &thread_id).await.get("title"), None);
        app.model.then(answer("ok"));
        let events = app.add("alice", &thread_id, "I mean Paris").await;
        assert!(kinds(&events).contains(&"thread.updated"));
        assert_eq!(reload(&app, "alice", &thread_id).await["title"], "I mean Paris");
    }
}

#[tokio::test]
async fn title_is_sent_once_ready_and_never_replaces_the_name_a_user_gave() {
    for renamed in [false, true] {
        let app = App::start().await;
        let (title, said) = (Gate::closed(), Gate::closed());
        app.model.rather(|request| request.is_title(), answer("A title").before(&title));
        app.model.then(answer("Hello").before(&said));
        let mut live = app.live("alice", &create("Hi")).await;
        let thread = live.next().await.unwrap()["thread"]["id"].as_str().unwrap().to_owned();
        live.until("stream_options").await;
        if renamed {
            let rename = operation("threads.update", json!({ "thread_id": thread, "title": "Mine" }));
            assert_eq!(app.chatkit("alice", &rename).await.json()["title"], "Mine");
            title.open();
            said.open();
            assert!(!kinds(&live.rest().await).contains(&"thread.updated"));
        } else {
            title.open();
            assert_eq!(live.next().await.unwrap()["thread"]["title"], "A title");
            said.open();
            assert_eq!(live.next().await.unwrap()["type"], "thread.item.added");
            live.end().await;
        }
        let expected = if renamed { "Mine" } else { "A title" };
        assert_eq!(reload(&app, "alice", &thread).await["title"], expected);
    }
}

#[tokio::test]
async fn title_when_it_cannot_be_stored_is_made_by_the_next_turn() {
    let app = App::start().await;
    app.dynamo.fail("UpdateItem", "SET #title", Fault::ServerError, 3);
    app.model.then(answer("Hello"));
    let events = app.create("alice", "Hi").await;
    assert!(!kinds(&events).contains(&"thread.updated") && !kinds(&events).contains(&"error"));
    let thread = thread_id(&events);
    assert_eq!(reload(&app, "alice", &thread).await.get("title"), None);
    app.model.then(answer("Hello"));
    let events = app.chatkit("alice", &add(&thread, "And?")).await.events();
    assert!(kinds(&events).contains(&"thread.updated"));
    assert_eq!(reload(&app, "alice", &thread).await["title"], "A title");
}

#[tokio::test]
async fn titles_can_be_made_without_the_model_or_not_at_all() {
    for (titles, title) in [("message", json!("Which lamp?")), ("off", Value::Null)] {
        let app = App::with([("TITLES", titles)]).await;
        app.model.then(answer("The red one"));
        let events = app.create("alice", "Which lamp?").await;
        assert_eq!(kinds(&events).contains(&"thread.updated"), title.is_string(), "{titles}");
        assert_eq!(app.model.requests().len(), 1, "{titles}");
        let thread_id = thread_id(&events);
        app.model.then(answer("Yes"));
        app.add("alice", &thread_id, "Sure?").await;
        assert_eq!((&reload(&app, "alice", &thread_id).await["title"], app.model.requests().len()), (&title, 2));
    }
}
