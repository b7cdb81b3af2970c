//! Tokens that several people share: those of a tenant's day, and those of an address's visitors.

use axum::body::Body;
use chatkit_shared::clock::Clock;
use chatkit_shared::http::{ClientAddress, TrustedIdentity};
use chatkit_shared::identity::{Identity, Owner};
use futures_util::future::join_all;
use http::{Method, Request};
use serde_json::{Value, json};

use super::{count, race};
use crate::harness::app::{Answer, App, NOW, add, chatkit, create, request, thread_id};
use crate::harness::dynamodb::Fault;
use crate::harness::model::{self, Gate};
use crate::harness::requests::{Carrying, get, post};
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, sse, usage,
};
use crate::harness::sessions::START;

const OF_SITE: &str = "this site's token budget is used up for today";
const OF_NETWORK: &str = "the token budget of your network's visitors is used up for now";

/// A turn reserves 200 tokens.
const OUTPUT: (&str, &str) = ("MAX_OUTPUT_TOKENS", "100");
const CONTEXT: (&str, &str) = ("MAX_CONTEXT_TOKENS", "100");

fn question() -> Body {
    Body::from(json!({ "messages": [{ "role": "user", "content": "Hi" }] }).to_string())
}

/// A turn of a user of the default tenant.
fn ask(user: &str) -> Request<Body> {
    request(Method::POST, "/api/chat", user, question())
}

/// The same of somebody else.
fn of(tenant: &str, user: &str, anonymous: bool, address: &str) -> Request<Body> {
    let owner = Owner::new(tenant, user).unwrap();
    let mut request = ask(user).coming_from(address);
    let identity = Identity { anonymous, ..Identity::of(owner) };
    request.extensions_mut().insert(TrustedIdentity(identity));
    request
}

fn visitor(user: &str, address: &str) -> Request<Body> {
    of("default", user, true, address)
}

/// An answer that took so many tokens.
fn costing(tokens: u64) -> model::Answer {
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hello")];
    sse(start.into_iter().chain([message_done("msg_1", "Hello"), completed(usage(tokens, 0, 0, 0))]))
}

/// The tokens that a record of the counters has in its only window; none without a record.
fn held(app: &App, partition: &str) -> Option<u64> {
    let records = app.dynamo.records("counters");
    let is_it = |record: &&Value| record["pk"]["S"] == partition && record["sk"]["S"] == "budget";
    let record = records.iter().find(is_it)?.as_object().unwrap();
    let is_window = |name: &str| name[1..].bytes().all(|byte| byte.is_ascii_digit());
    let windows: Vec<_> = record.iter().filter(|(name, _)| is_window(name)).collect();
    assert!(windows.len() <= 1, "{record:?}");
    windows.first().map(|(_, tokens)| tokens["N"].as_str().unwrap().parse().unwrap())
}

/// Asserts the whole refusal.
fn refused(answer: &Answer, message: &str, retry_after: &str) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert_eq!(
        answer.json(),
        json!({
            "error": "budget_exceeded", "message": message,
            "request_id": answer.headers["x-request-id"].to_str().unwrap(),
        })
    );
    assert_eq!(answer.headers["retry-after"], retry_after);
}

#[tokio::test]
async fn tenant_budget_of_a_day_is_shared_by_its_users() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_TENANT_TOKENS_PER_DAY", "1000")]).await;
    for (user, tokens, sum) in [("ada", 500, 500), ("grace", 300, 800)] {
        app.model.then(costing(tokens));
        assert_eq!(app.send(ask(user)).await.status, 200);
        assert_eq!(held(&app, "T#default"), Some(sum));
    }
    // The last 200 are one more turn, which may take more than them.
    app.model.then(costing(201));
    assert_eq!(app.send(of("default", "vis_1", true, "192.0.2.1")).await.status, 200);
    // It is noon.
    for user in ["ada", "bob"] {
        refused(&app.send(ask(user)).await, OF_SITE, "43200");
    }
    assert_eq!(held(&app, "U#default#bob"), Some(0), "what was reserved for nothing is given back");
    // Another tenant has a day of its own, and a name cannot imitate another's.
    for tenant in ["acme", "default#ada", "%"] {
        app.model.then(costing(1));
        assert_eq!(app.send(of(tenant, "ada", false, "192.0.2.1")).await.status, 200, "{tenant}");
    }
    app.clock.advance(43_199_001);
    refused(&app.send(ask("ada")).await, OF_SITE, "1");
    app.clock.advance(999);
    app.model.then(costing(1));
    assert_eq!(app.send(ask("ada")).await.status, 200);
}

#[tokio::test]
async fn tenant_budget_when_turns_race_admits_only_what_fits() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_TENANT_TOKENS_PER_DAY", "2000")]).await;
    let gate = Gate::closed();
    app.model.on(|_| true, costing(150).before(&gate));
    let routers = [app.router.clone(), App::router(&app.env, &app.clock, 2)];
    let stream = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true }).to_string();
    let ask = |number| request(Method::POST, "/api/chat", &format!("user-{number}"), Body::from(stream.clone()));
    let responses = race(&routers, (0..30).map(ask).collect()).await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (10, 20));
    assert_eq!(held(&app, "T#default"), Some(2000));
    let mut of_users: Vec<_> = (0..30).map(|number| held(&app, &format!("U#default#user-{number}"))).collect();
    of_users.sort_unstable();
    assert_eq!(of_users, [[Some(0); 20].as_slice(), &[Some(200); 10]].concat());

    gate.open_for_good();
    let mut admitted = join_all(responses.into_iter().map(Answer::of)).await;
    for answer in admitted.extract_if(.., |answer| answer.status == 429) {
        refused(&answer, OF_SITE, "43200");
    }
    assert!(admitted.iter().all(|answer| answer.text.ends_with("data: [DONE]\n\n")));
    // What was not used is there again: 500 tokens are two more turns and one that finds 200 left.
    assert_eq!(held(&app, "T#default"), Some(1500));
    let gate = Gate::closed();
    app.model.rather(|_| true, costing(150).wait(&gate));
    let responses = race(&routers, (0..30).map(ask).collect()).await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (2, 28));
    gate.open_for_good();
    for response in responses {
        Answer::of(response).await;
    }
    assert_eq!(held(&app, "T#default"), Some(1800));
}

#[tokio::test]
async fn requests_of_an_address_are_shared_by_its_visitors() {
    let app = App::with([("LIMIT_ADDRESS_REQUESTS_PER_MINUTE", "2")]).await;
    let list = async |user: &str, anonymous, address: &str| {
        let mut request = chatkit("ada", &json!({ "type": "threads.list", "params": {} })).coming_from(address);
        let identity = Identity { anonymous, ..Identity::of(Owner::new("default", user).unwrap()) };
        request.extensions_mut().insert(TrustedIdentity(identity));
        app.send(request).await
    };
    for user in ["vis_1", "vis_2"] {
        assert_eq!(list(user, true, "192.0.2.1").await.status, 200);
    }
    list("vis_3", true, "192.0.2.1").await.error(429, "rate_limit_exceeded");
    assert_eq!(list("vis_3", true, "192.0.2.2").await.status, 200);
    assert_eq!(list("ada", false, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn address_budget_of_an_hour_is_shared_by_its_visitors() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_ADDRESS_TOKENS_PER_HOUR", "500")]).await;
    app.model.then(costing(301));
    assert_eq!(app.send(visitor("vis_1", "192.0.2.1")).await.status, 200);
    assert_eq!(held(&app, "A#192.0.2.1"), Some(301));
    for user in ["vis_1", "vis_2"] {
        refused(&app.send(visitor(user, "192.0.2.1")).await, OF_NETWORK, "3600");
        refused(&app.send(visitor(user, "::ffff:192.0.2.1")).await, OF_NETWORK, "3600");
    }
    assert_eq!(held(&app, "U#default#vis_2"), Some(0));
    // Elsewhere they may, and so may at the same place whom the site knows.
    for request in [visitor("vis_1", "192.0.2.2"), of("default", "ada", false, "192.0.2.1")] {
        app.model.then(costing(400));
        assert_eq!(app.send(request).await.status, 200);
    }
    assert_eq!((held(&app, "A#192.0.2.1"), held(&app, "A#192.0.2.2")), (Some(301), Some(400)));
    app.clock.advance(3_600_000);
    app.model.then(costing(1));
    assert_eq!(app.send(visitor("vis_2", "192.0.2.1")).await.status, 200);
}

#[tokio::test]
async fn address_budget_counts_an_ipv6_network_and_unknown_addresses_as_one_each() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_ADDRESS_TOKENS_PER_HOUR", "200")]).await;
    let nowhere = |user| {
        let mut request = visitor(user, "192.0.2.1");
        request.extensions_mut().remove::<ClientAddress>();
        request
    };
    for (first, second, partition) in [
        (visitor("vis_1", "2001:db8:1:2::1"), visitor("vis_2", "2001:db8:1:2:ffff::"), "A#2001:db8:1:2::/64"),
        (nowhere("vis_3"), nowhere("vis_4"), "A#unknown"),
    ] {
        app.model.then(costing(7));
        assert_eq!(app.send(first).await.status, 200);
        assert_eq!(held(&app, partition), Some(7));
        refused(&app.send(second).await, OF_NETWORK, "3600");
    }
    app.model.then(costing(7));
    assert_eq!(app.send(visitor("vis_5", "2001:db8:1:3::1")).await.status, 200);
}

#[tokio::test]
async fn address_budget_when_one_address_makes_many_visitors_holds() {
    let app =
        App::with([("MAX_OUTPUT_TOKENS", "1000"), ("MAX_CONTEXT_TOKENS", "9000"), ("LIMIT_ADDRESS_BURST", "0")]).await;
    app.model.on(|_| true, costing(10_000));
    let question = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    let mut admitted = 0;
    for _ in 0..40 {
        let (session, _) = app.visit().await;
        let answer = app.send(post("/api/chat", &question).bearer(&session)).await;
        admitted += u32::from(answer.status == 200);
        if answer.status != 200 {
            refused(&answer, OF_NETWORK, "3600");
        }
    }
    assert_eq!(admitted, 30, "300,000 tokens by default");
    let elsewhere = app.send(post(START, &json!({})).coming_from("192.0.2.2")).await.json();
    let session = elsewhere["client_secret"].as_str().unwrap();
    assert_eq!(app.send(post("/api/chat", &question).bearer(session).coming_from("192.0.2.2")).await.status, 200);
    // A session that was made elsewhere is counted where it is used.
    refused(&app.send(post("/api/chat", &question).bearer(session)).await, OF_NETWORK, "3600");
}

#[tokio::test]
async fn turn_when_several_budgets_refuse_reports_the_longest_wait() {
    let limits = [("LIMIT_ADDRESS_TOKENS_PER_HOUR", "200"), ("LIMIT_TENANT_TOKENS_PER_DAY", "200")];
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_USER_TOKENS_PER_HOUR", "200"), limits[0], limits[1]]).await;
    app.model.then(costing(200));
    assert_eq!(app.send(visitor("vis_1", "192.0.2.1")).await.status, 200);
    refused(&app.send(visitor("vis_1", "192.0.2.1")).await, OF_SITE, "43200");
    assert_eq!((held(&app, "U#default#vis_1"), held(&app, "A#192.0.2.1")), (Some(200), Some(200)));
}

#[tokio::test]
async fn turn_when_one_budget_cannot_be_written_refunds_the_others() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_TENANT_TOKENS_PER_DAY", "1000")]).await;
    app.dynamo.fail("UpdateItem", r#"{"S":"T#default"}"#, Fault::ServerError, 10);
    app.send(visitor("vis_1", "192.0.2.1")).await.error(503, "unavailable");
    app.dynamo.reset();
    let all = ["U#default#vis_1", "A#192.0.2.1", "T#default"].map(|partition| held(&app, partition));
    assert_eq!(all, [Some(0), Some(0), None]);
    assert!(app.model.requests().is_empty());
}

#[tokio::test]
async fn tenant_budget_when_a_turn_is_never_settled_lapses_at_midnight() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_TENANT_TOKENS_PER_DAY", "300")]).await;
    app.model.then(costing(1));
    // Only the settlement has no condition.
    app.dynamo.fail("UpdateItem", ":difference", Fault::ServerError, 10);
    assert_eq!(app.send(ask("ada")).await.status, 200);
    app.dynamo.reset();
    assert_eq!(held(&app, "T#default"), Some(200));
    refused(&app.send(ask("grace")).await, OF_SITE, "43200");
    app.clock.advance(43_200_000);
    app.model.then(costing(1));
    assert_eq!(app.send(ask("grace")).await.status, 200);
}

#[tokio::test]
async fn tenant_budget_when_used_up_refuses_every_operation_that_calls_the_model() {
    let app = App::with([OUTPUT, CONTEXT, ("TRANSCRIBE_MODEL", "ears"), ("LIMIT_TENANT_TOKENS_PER_DAY", "2000")]).await;
    app.model.then(costing(1995));
    let events = app.create("ada", "Hi").await;
    let (thread, item) = (thread_id(&events), events[1]["item"]["id"].clone());
    let asked = app.model.requests().len();
    let this = json!({ "thread_id": thread, "item_id": item });
    let operation = |name: &str, rest: Value| {
        let mut params = this.clone();
        params.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        chatkit("ada", &json!({ "type": name, "params": params }))
    };
    let say = |body: Value| request(Method::POST, "/api/chat", "ada", Body::from(body.to_string()));
    for request in [
        chatkit("ada", &create("Hi")),
        chatkit("ada", &add(&thread, "Hi")),
        operation("threads.retry_after_item", json!({})),
        operation("threads.add_client_tool_output", json!({ "result": 1 })),
        operation("threads.add_structured_input", json!({ "input": { "status": "skipped", "answers": {} } })),
        operation("input.transcribe", json!({ "audio_base64": "c291bmQ=", "mime_type": "audio/webm" })),
        say(json!({ "message": "Hi" })),
        say(json!({ "message": "Hi", "sessionId": thread, "stream": true })),
        say(json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true })),
    ] {
        refused(&app.send(request).await, OF_SITE, "43200");
    }
    assert_eq!(app.model.requests().len(), asked);
    // Reading goes on.
    assert_eq!(app.send(operation("threads.get_by_id", json!({}))).await.status, 200);
}

#[tokio::test]
async fn tenant_budget_when_the_message_is_long_must_cover_all_of_it() {
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_TENANT_TOKENS_PER_DAY", "10000")]).await;
    app.model.then(costing(6_500));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    // Of 4,000 bytes, which are shown however little of the context is left.
    let long = "word ".repeat(800);
    let body = json!({ "messages": [{ "role": "user", "content": long }] }).to_string();
    let answer = app.send(request(Method::POST, "/api/chat", "ada", Body::from(body))).await;
    refused(&answer, OF_SITE, "43200");
    refused(&app.chatkit("ada", &create(&long)).await, OF_SITE, "43200");
    assert_eq!((held(&app, "T#default"), held(&app, "U#default#ada")), (Some(6_500), Some(6_500)));
    assert_eq!(app.model.requests().len(), 1);
}

#[tokio::test]
async fn turn_with_each_shared_budget_costs_two_writes_and_one_round_trip_at_its_end() {
    let tenant = ("LIMIT_TENANT_TOKENS_PER_DAY", "1000000");
    let off = ("LIMIT_ADDRESS_TOKENS_PER_HOUR", "0");
    for (variables, anonymous, expected) in [
        (vec![], false, 4.0),
        (vec![], true, 6.0),
        (vec![off], true, 4.0),
        (vec![tenant], false, 6.0),
        (vec![tenant], true, 8.0),
    ] {
        let app = App::at(Clock::fixed(NOW.parse().unwrap()), &variables).await;
        app.model.on(|_| true, answer("Hello"));
        app.send(of("default", "ada", anonymous, "192.0.2.1")).await;
        app.dynamo.lockstep(true);
        app.dynamo.reset();
        assert_eq!(app.send(of("default", "ada", anonymous, "192.0.2.1")).await.status, 200);
        let meter = app.dynamo.reset();
        assert_eq!(
            (meter.units(), meter.round_trips()),
            ((0.0, expected), if expected > 4.0 { 3 } else { 2 }),
            "{variables:?} {anonymous}"
        );
    }
}

#[tokio::test]
async fn usage_of_a_user_does_not_show_what_others_used() {
    let limits = [("LIMIT_TENANT_TOKENS_PER_DAY", "100000"), ("LIMIT_ADDRESS_TOKENS_PER_HOUR", "100000")];
    let app = App::with(limits).await;
    let own = async || app.send(get("/api/usage/me").bearer(&app.user_token("ada"))).await.json();
    let before = own().await;
    app.model.then(costing(5_000));
    assert_eq!(app.send(ask("grace")).await.status, 200);
    assert_eq!(own().await, before);
}

#[tokio::test]
async fn turn_when_the_users_limit_refuses_reserves_nothing_in_shared_budgets() {
    let one_a_minute = ("LIMIT_USER_TURNS_PER_MINUTE", "1");
    let app = App::with([OUTPUT, CONTEXT, ("LIMIT_TENANT_TOKENS_PER_DAY", "1000"), one_a_minute]).await;
    app.model.then(costing(1));
    assert_eq!(app.send(ask("mallory")).await.status, 200);
    let before = app.dynamo.records("counters");
    app.dynamo.reset();
    let refused = join_all((0..4).map(|_| app.send(ask("mallory")))).await;
    assert!(refused.iter().all(|answer| answer.status == 429));
    // Not even for a moment.
    let calls = app.dynamo.reset().calls;
    assert!(calls.iter().all(|call| call.body["Key"]["pk"]["S"] != "T#default"), "{calls:?}");
    assert_eq!(app.dynamo.records("counters"), before);
}
