//! Tokens of a clock hour: reserved before a turn, settled after it.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use super::{count, race};
use crate::harness::app::{Answer, App, add, chatkit, create, request};
use crate::harness::dynamodb::Fault;
use crate::harness::model::{self, Gate};
use crate::harness::requests::{Carrying, get};
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, sse, upstream_error, usage,
};

const REFUSAL: &str = "your token budget is used up for now";

/// A turn reserves 200 tokens at most, of 1000.
pub(super) const BOUNDS: [(&str, &str); 3] =
    [("MAX_OUTPUT_TOKENS", "100"), ("MAX_CONTEXT_TOKENS", "100"), ("LIMIT_USER_TOKENS_PER_HOUR", "1000")];

pub(super) fn ask(user: &str) -> Request<Body> {
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    request(Method::POST, "/api/chat", user, Body::from(body.to_string()))
}

/// An answer that took so many tokens.
fn costing(input: u64, output: u64) -> model::Answer {
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hello")];
    sse(start.into_iter().chain([message_done("msg_1", "Hello"), completed(usage(input, 0, output, 0))]))
}

/// The tokens that count as used.
pub(super) async fn used(app: &App, user: &str) -> Value {
    let answer = app.send(get("/api/usage/me").bearer(&app.user_token(user))).await;
    answer.json()["tokens"]["used"].clone()
}

#[tokio::test]
async fn budget_after_a_turn_holds_what_was_used_not_what_was_reserved() {
    let app = App::with(BOUNDS).await;
    for (input, output, sum) in [(300, 100, 400), (300, 99, 799), (1, 0, 800)] {
        app.model.then(costing(input, output));
        assert_eq!(app.send(ask("ada")).await.status, 200);
        assert_eq!(used(&app, "ada").await, sum);
    }
    // The last 200 are one more turn. A model that breaks its word is charged what it says all the same.
    app.model.then(costing(900, 0));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    assert_eq!(used(&app, "ada").await, 1700);
    for refused in [app.send(ask("ada")).await, app.chatkit("ada", &create("Hi")).await] {
        assert_eq!(refused.error(429, "budget_exceeded"), REFUSAL);
        assert_eq!(refused.headers["retry-after"], "3600");
    }
    // What costs no tokens goes on, and so does everybody else.
    assert_eq!(app.chatkit("ada", &json!({ "type": "threads.list", "params": {} })).await.status, 200);
    app.model.then(costing(1, 1));
    assert_eq!(app.send(ask("grace")).await.status, 200);
    assert_eq!(app.dynamo.records("threads"), [] as [Value; 0], "nothing was written for what was refused");
}

#[tokio::test]
async fn budget_in_a_new_hour_starts_at_zero() {
    let app = App::with(BOUNDS).await;
    app.model.then(costing(1000, 0));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    app.clock.advance(3_599_000);
    let refused = app.send(ask("ada")).await;
    refused.error(429, "budget_exceeded");
    assert_eq!(refused.headers["retry-after"], "1");
    app.clock.advance(1_000);
    assert_eq!(used(&app, "ada").await, 0);
    app.model.then(costing(10, 1));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    assert_eq!(used(&app, "ada").await, 11);
}

#[tokio::test]
async fn budget_during_a_turn_holds_the_reservation_until_the_end() {
    // With its title, a first turn reserves 778 tokens more.
    let app = App::with([BOUNDS[0], BOUNDS[1], ("LIMIT_USER_TOKENS_PER_HOUR", "4890")]).await;
    let gate = Gate::closed();
    app.model.on(|request| !request.is_title(), answer("Hello").wait(&gate));
    let routers = [app.router.clone(), App::router(&app.env, &app.clock, 2)];
    let responses = race(
        &routers,
        (b'a'..=b'l').map(|letter| chatkit("ada", &create(&format!("H{}", char::from(letter))))).collect(),
    )
    .await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (5, 7));
    for _ in 0..5 {
        gate.open();
    }
    for response in responses {
        let answer = Answer::of(response).await;
        if answer.status == 200 {
            answer.events();
        } else {
            assert_eq!(answer.error(429, "budget_exceeded"), REFUSAL);
        }
    }
    // 12 in and one word out for each answer, 12 in and two words out for each title.
    assert_eq!(used(&app, "ada").await, 5 * (12 + 1 + 12 + 2));
}

#[tokio::test]
async fn turn_holds_its_answer_its_history_and_its_instructions() {
    let document = json!({ "instructions": "x".repeat(400) }).to_string();
    let app = App::with([BOUNDS[0], ("MAX_CONTEXT_TOKENS", "1000"), ("ASSISTANT", document.as_str())]).await;
    let gate = Gate::closed();
    app.model.then(sse([created("resp_1")]).wait(&gate).abort());
    let held = async {
        app.model.asked(1).await;
        let held = used(&app, "ada").await;
        gate.open();
        held
    };
    let (_, held) = tokio::join!(app.send(ask("ada")), held);
    assert_eq!(held, 100 + 1_000 + 100);
    // Nobody counts it: the instructions are no more than their bytes, the question and what stands around both.
    assert_eq!(used(&app, "ada").await, 400 + 2 + 16 + 64);
}

#[tokio::test]
async fn budget_when_no_turn_happens_is_charged_the_prompt_at_most() {
    let app = App::with(BOUNDS).await;
    let nowhere = app.chatkit("ada", &add("thr_none", "Hi")).await;
    nowhere.error(404, "not_found");
    assert_eq!(used(&app, "ada").await, 0);
    let retry =
        json!({ "type": "threads.retry_after_item", "params": { "thread_id": "thr_none", "item_id": "msg_1" } });
    app.chatkit("ada", &retry).await.error(404, "not_found");
    app.chatkit("ada", &create("   ")).await.error(400, "bad_request");
    assert_eq!(used(&app, "ada").await, 0);

    // The store accepts the reservation and fails at the message.
    app.dynamo.fail("TransactWriteItems", "", Fault::Throttle, 10);
    app.dynamo.fail("PutItem", "", Fault::Throttle, 10);
    app.model.on(|request| !request.is_title(), costing(50, 50));
    let events = app.create("ada", "Hi").await;
    assert_eq!(events.last().unwrap()["type"], "error", "{events:?}");
    app.dynamo.reset();
    // The model was called meanwhile, and bills for the prompt it read.
    assert_eq!(used(&app, "ada").await, 2 + 16 + 64);
}

#[tokio::test]
async fn budget_when_the_answer_fails_is_charged_what_arrived() {
    let app = App::with(BOUNDS).await;
    for (status, code) in [(401, "invalid_api_key"), (429, "insufficient_quota"), (400, "model_not_found")] {
        app.model.then(upstream_error(status, "invalid_request_error", code));
        app.send(ask("ada")).await.error(502, "upstream_error");
        assert_eq!(used(&app, "ada").await, 0, "{code}");
    }
    // "Hi" and its overhead are 82 tokens at most, 16 bytes that came are 16.
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("sixteen letters.")];
    app.model.then(sse(start).abort());
    app.send(ask("ada")).await.error(502, "upstream_error");
    assert_eq!(used(&app, "ada").await, 82 + 16);
}

#[tokio::test]
async fn budget_smaller_than_a_turn_makes_answers_shorter() {
    // "Hi" and its overhead are 82 tokens at most.
    let app = App::with([("LIMIT_USER_TOKENS_PER_HOUR", "400"), ("MAX_OUTPUT_TOKENS", "1000"), BOUNDS[1]]).await;
    app.model.then(upstream_error(400, "invalid_request_error", "model_not_found"));
    assert_eq!(app.send(ask("ada")).await.status, 502);
    app.model.then(costing(1, 0));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    assert_eq!(app.model.requests()[1].body["max_output_tokens"], 400 - 82);
    // Not when something is used: an answer would be cut for no reason that its reader knows.
    app.send(ask("ada")).await.error(429, "budget_exceeded");
}

#[tokio::test]
async fn message_larger_than_the_budget_is_refused_for_good() {
    let app = App::with([("LIMIT_USER_TOKENS_PER_HOUR", "2000"), BOUNDS[0], BOUNDS[1]]).await;
    let refused = app.chatkit("ada", &create(&"x".repeat(2_000))).await;
    let message = refused.error(413, "payload_too_large");
    assert_eq!(message, "the message can use more tokens than the whole budget has");
    assert_eq!(used(&app, "ada").await, 0);
    assert_eq!(app.dynamo.records("threads"), [] as [Value; 0]);
    assert_eq!(app.model.requests().len(), 0);
}

#[tokio::test]
async fn budget_when_zero_is_off() {
    let app = App::with([("LIMIT_USER_TOKENS_PER_HOUR", "0")]).await;
    for _ in 0..3 {
        app.model.then(costing(1_000_000, 1_000_000));
        assert_eq!(app.send(ask("ada")).await.status, 200);
    }
    let records = app.dynamo.records("usage");
    let turns = records.iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#"));
    assert_eq!(turns.count(), 3, "each turn has a record, though no budget knows it");
}

#[tokio::test]
async fn budget_of_the_largest_number_works() {
    let app = App::with([("LIMIT_USER_TOKENS_PER_HOUR", &u64::MAX.to_string())]).await;
    app.model.then(costing(5, 5));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    assert_eq!(used(&app, "ada").await, 10);
}
