//! Processes that die in the middle of a run. A test cannot kill its own process, so the router of the one that dies is
//! left with a model that says nothing more, and its requests to the store fail from then on.

use http::Method;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    again, budget, half_said, in_halves, live, other_process, reload, run_of, send, texts, thread, until_delta, used,
};
use crate::harness::app::{App, add, create, request};
use crate::harness::dynamodb::Fault;
use crate::harness::model::{self, Gate};
use crate::harness::responses::{answer, delta, message_added, message_done, part_added, sse};

/// Says half an answer, gives its first sign of life, and then no other. Returns the position of its client.
async fn die_in_the_middle(app: &App, thread_id: &str) -> String {
    let (one, silent) = (Gate::closed(), Gate::closed());
    app.model.then(in_halves(&one, &silent, &silent));
    // A process of its own, whose clock stands still once it has died.
    let clock = chatkit_shared::clock::Clock::fixed(app.clock.now());
    let dying = App::router(&app.env, &clock, 13);
    let mut started = live(&dying, super::chatkit("alice", &add(thread_id, "go"))).await;
    one.open();
    until_delta(&mut started, "One, ").await;
    clock.advance(2_000);
    app.dynamo.until("threads", |records| records.iter().any(|record| record["snapshot"].is_object())).await;
    let position = started.position.clone().unwrap();
    std::mem::forget(started);
    app.clock.advance(2_000);
    position
}

#[tokio::test]
async fn part_of_a_run_that_died_is_stored_by_whoever_comes_next() {
    for comes_next in ["message", "reload", "list", "follow", "resume", "stop"] {
        let app = App::start().await;
        let thread_id = thread(&app).await;
        let (before, (turns_before, used_before)) = (budget(&app).0, used(&app));
        let position = die_in_the_middle(&app, &thread_id).await;
        let router = other_process(&app);
        // It is not dead yet.
        app.clock.advance(14_000);
        assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
        assert_eq!(budget(&app).1, 1);
        app.clock.advance(1_000);
        match comes_next {
            "message" => {
                app.model.then(answer("Again"));
                let events = send(&router, super::chatkit("alice", &add(&thread_id, "go"))).await.events();
                assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "Again");
            }
            "reload" => drop(reload(&router, "alice", &thread_id).await),
            "list" => {
                let list = json!({ "type": "items.list", "params": { "thread_id": thread_id } });
                let page = send(&router, super::chatkit("alice", &list)).await.json();
                assert_eq!(page["data"].as_array().unwrap().len(), 4);
            }
            "follow" => {
                let answer = send(&router, run_of(Method::GET, "alice", &thread_id)).await;
                assert_eq!(answer.status.as_u16(), 204);
            }
            "stop" => {
                let answer = send(&router, run_of(Method::DELETE, "alice", &thread_id)).await;
                assert_eq!(answer.status.as_u16(), 204);
            }
            _ => {
                let events = send(&router, again("alice", &add(&thread_id, "go"), &position)).await.events();
                let last = events.iter().rev().find(|event| event["type"] != "thread.updated").unwrap();
                assert_eq!(last["message"], "The answer was interrupted. Please try again.", "{events:?}");
                assert_eq!(last["allow_retry"], true);
                assert!(events.iter().any(|event| event["item"]["content"][0]["text"] == "One, "), "{events:?}");
            }
        }
        let mut expected = vec!["Hi", "Hello", "go", "One, "];
        if comes_next == "message" {
            expected.extend(["go", "Again"]);
        }
        assert_eq!(texts(&router, "alice", &thread_id).await, expected, "{comes_next}");
        let ((turns, used_now), (counted, open)) = (used(&app), budget(&app));
        assert_eq!(turns - turns_before, if comes_next == "message" { 2 } else { 1 });
        assert_eq!((counted - before, open), (used_now - used_before, 0), "{comes_next}");
    }
}

#[tokio::test]
async fn message_that_was_complete_after_the_last_sign_of_life_stays_whole() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let (one, two, silent) = (Gate::closed(), Gate::closed(), Gate::closed());
    let script = sse([message_added("msg_1")]).wait(&one).event(part_added()).event(delta("One, ")).wait(&two);
    let second = [message_added("msg_2"), part_added(), delta("Three")].map(|event| event.item(1));
    let script = script.event(delta("two.")).event(message_done("msg_1", "One, two."));
    app.model.then(second.into_iter().fold(script, model::Answer::event).wait(&silent));
    let clock = chatkit_shared::clock::Clock::fixed(app.clock.now());
    let dying = App::router(&app.env, &clock, 13);
    let mut started = live(&dying, super::chatkit("alice", &add(&thread_id, "go"))).await;
    one.open();
    until_delta(&mut started, "One, ").await;
    clock.advance(2_000);
    app.dynamo.until("threads", |records| records.iter().any(|record| record["snapshot"].is_object())).await;
    two.open();
    until_delta(&mut started, "Three").await;
    let position = started.position.clone().unwrap();
    std::mem::forget(started);
    app.clock.advance(20_000);
    let router = other_process(&app);
    let events = send(&router, again("alice", &add(&thread_id, "go"), &position)).await.events();
    assert!(!events.iter().any(|event| event["type"] == "thread.item.done"), "{events:?}");
    assert_eq!(events.last().unwrap()["message"], "The answer was interrupted. Please try again.");
    assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, two."]);
    assert_eq!(budget(&app), (used(&app).1, 0));
}

#[tokio::test]
async fn turn_that_died_unsettled_is_settled_though_another_run_has_begun_since() {
    // In the same millisecond, the run cannot have the id of its turn.
    for pause in [10, 0] {
        let app = App::start().await;
        let thread_id = thread(&app).await;
        app.dynamo.fail("UpdateItem", ":difference", Fault::CutBefore, 3);
        for text in ["go", "on"] {
            app.clock.advance(pause);
            app.model.then(answer("Fine"));
            app.add("alice", &thread_id, text).await;
            assert_eq!(budget(&app).1, 1);
        }
        app.clock.advance(61_000);
        app.model.then(answer("Fine"));
        app.add("alice", &thread_id, "and then").await;
        let is_held = |record: &Value| record.as_object().unwrap().keys().any(|name| name.starts_with("r_"));
        app.dynamo.until("counters", |records| !records.iter().any(is_held)).await;
        assert_eq!(budget(&app), (used(&app).1, 0), "{pause}");
    }
}

#[tokio::test]
async fn turn_that_died_unsettled_is_settled_though_its_thread_was_deleted_since() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    app.dynamo.fail("UpdateItem", ":difference", Fault::CutBefore, 3);
    app.model.then(answer("Fine"));
    app.add("alice", &thread_id, "go").await;
    app.chatkit("alice", &json!({ "type": "threads.delete", "params": { "thread_id": thread_id } })).await;
    app.clock.advance(61_000);
    app.model.then(answer("Fine"));
    app.create("alice", "and then").await;
    let is_held = |record: &Value| record.as_object().unwrap().keys().any(|name| name.starts_with("r_"));
    app.dynamo.until("counters", |records| !records.iter().any(is_held)).await;
    assert_eq!(budget(&app), (used(&app).1, 0));
}

#[tokio::test]
async fn part_of_a_run_that_died_is_not_stored_beside_the_answer_to_a_retry() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    die_in_the_middle(&app, &thread_id).await;
    let router = other_process(&app);
    let items = reload(&router, "alice", &thread_id).await["items"]["data"].as_array().unwrap().clone();
    let question = items.iter().find(|item| item["content"][0]["text"] == "go").unwrap();
    let params = json!({ "thread_id": thread_id, "item_id": question["id"] });
    app.model.then(answer("Again"));
    let retry = json!({ "type": "threads.retry_after_item", "params": params });
    send(&router, super::chatkit("alice", &retry)).await.events();
    app.clock.advance(16_000);
    app.model.then(answer("Fine"));
    send(&router, super::chatkit("alice", &add(&thread_id, "on"))).await.events();
    let is_held = |record: &Value| record.as_object().unwrap().keys().any(|name| name.starts_with("r_"));
    app.dynamo.until("counters", |records| !records.iter().any(is_held)).await;
    assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "Again", "on", "Fine"]);
}

#[tokio::test]
async fn turn_that_waits_for_its_title_is_settled_by_its_own_process() {
    let app = App::start().await;
    let other_thread_id = thread(&app).await;
    let (titled, open) = (Gate::closed(), Gate::closed());
    open.open_for_good();
    app.model.rather(|request| request.is_title(), in_halves(&titled, &open, &open));
    let (mut live, two, end) = half_said(&app, &create("go")).await;
    app.clock.advance(16_000);
    app.dynamo.until("threads", |records| records.iter().any(|record| record["snapshot"].is_object())).await;
    two.open_for_good();
    end.open_for_good();
    live.until("thread.item.done").await;
    app.model.then(answer("Fine"));
    send(&other_process(&app), super::chatkit("alice", &add(&other_thread_id, "on"))).await.events();
    titled.open_for_good();
    live.rest().await;
    assert_eq!(budget(&app), (used(&app).1, 0));
}

#[tokio::test]
async fn part_of_a_run_that_died_is_stored_though_the_answer_to_its_end_is_lost() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    die_in_the_middle(&app, &thread_id).await;
    app.clock.advance(15_000);
    app.dynamo.fail("UpdateItem", "#died", Fault::CutAfter, 1);
    assert_eq!(texts(&other_process(&app), "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
    assert_eq!((app.dynamo.faults_left(), budget(&app)), (0, (used(&app).1, 0)));
}

#[tokio::test]
async fn run_that_dies_before_its_first_sign_of_life_lets_the_same_message_in() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let silent = Gate::closed();
    app.model.then(in_halves(&silent, &silent, &silent));
    let clock = chatkit_shared::clock::Clock::fixed(app.clock.now());
    let dying = App::router(&app.env, &clock, 13);
    let mut started = live(&dying, super::chatkit("alice", &add(&thread_id, "go"))).await;
    started.until("stream_options").await;
    std::mem::forget(started);
    let router = other_process(&app);
    app.clock.advance(16_000);
    app.model.then(answer("Again"));
    send(&router, super::chatkit("alice", &add(&thread_id, "go"))).await.events();
    assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "go", "Again"]);
    let (turns, tokens) = used(&app);
    assert_eq!((turns, budget(&app)), (3, (tokens, 0)));
}

#[tokio::test]
async fn turn_that_died_gives_back_what_it_held_where_nothing_else_is_left() {
    let bounds = [("MAX_OUTPUT_TOKENS", "100"), ("MAX_CONTEXT_TOKENS", "1000"), ("LIMIT_USER_TOKENS_PER_HOUR", "2100")];
    let app = App::with(bounds).await;
    let thread_id = thread(&app).await;
    die_in_the_middle(&app, &thread_id).await;
    let router = other_process(&app);
    let ask = || super::chatkit("alice", &add(&thread_id, "And now?"));
    app.clock.advance(14_000);
    send(&router, ask()).await.error(429, "budget_exceeded");
    app.clock.advance(1_000);
    app.model.then(answer("Again"));
    let events = send(&router, ask()).await.events();
    assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "Again", "{events:?}");
}

#[tokio::test]
async fn answer_outside_of_threads_that_died_counts_what_it_held() {
    let app = App::start().await;
    let silent = Gate::closed();
    app.model.then(in_halves(&silent, &silent, &silent));
    let dying = App::router(&app.env, &chatkit_shared::clock::Clock::fixed(app.clock.now()), 13);
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true }).to_string();
    let ask = || request(Method::POST, "/api/chat", "alice", body.clone().into());
    std::mem::forget(dying.oneshot(ask()).await.unwrap());
    let (held, open) = budget(&app);
    assert_eq!(open, 1);
    app.clock.advance(16 * 60_000);
    app.model.then(answer("Fine"));
    assert_eq!(send(&app.router, ask()).await.status, 200);
    let is_held = |record: &Value| record.as_object().unwrap().keys().any(|name| name.starts_with("r_"));
    app.dynamo.until("counters", |records| !records.iter().any(is_held)).await;
    assert_eq!(budget(&app), (held + used(&app).1, 0));
}

#[tokio::test]
async fn process_that_was_taken_for_dead_stores_nothing_more() {
    let app = App::with([("LIMIT_TENANT_TOKENS_PER_DAY", "1000000")]).await;
    let thread_id = thread(&app).await;
    let (one, two) = (Gate::closed(), Gate::closed());
    app.model.then(in_halves(&one, &two, &two));
    let clock = chatkit_shared::clock::Clock::fixed(app.clock.now());
    let slow = App::router(&app.env, &clock, 13);
    let mut started = live(&slow, super::chatkit("alice", &add(&thread_id, "go"))).await;
    one.open();
    until_delta(&mut started, "One, ").await;
    clock.advance(2_000);
    app.dynamo.until("threads", |records| records.iter().any(|record| record["snapshot"].is_object())).await;
    app.clock.advance(20_000);
    let router = other_process(&app);
    assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
    let settled = (used(&app), budget(&app));
    let tenant = || app.dynamo.records("counters").into_iter().find(|record| record["pk"]["S"] == "T#default").unwrap();
    // Another turn has been counted since.
    let mut counted = tenant();
    counted["last"]["S"] = json!("another");
    app.dynamo.put("counters", &counted);
    // It wakes up.
    clock.advance(18_000);
    let last = started.rest().await.pop().unwrap();
    assert_eq!(last["type"], "error");
    two.open_for_good();
    assert_eq!((used(&app), budget(&app)), settled);
    assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
    assert_eq!(tenant(), counted);
}
