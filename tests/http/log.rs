//! The line of each request.

use aws_lc_rs::hmac;
use chatkit_shared::engine::{Outcome, TurnReport};
use chatkit_shared::http::{Pseudonyms, RequestLog};
use chatkit_shared::identity::SigningKeys;
use chatkit_shared::model::TokenUsage;
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::app::{Answer, App, add, chatkit, create, thread_id};
use crate::harness::dynamodb::Fault;
use crate::harness::live::Live;
use crate::harness::log::Log;
use crate::harness::model::Gate;
use crate::harness::outside::outside;
use crate::harness::requests::{Carrying, get, operations, post};
use crate::harness::responses::{answer, upstream_error};
use crate::harness::tokens::{sign, user_token};

/// What stands for a name in the log of an [`App`].
fn pseudonym(name: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of more than thirty-two bytes");
    let tag = hmac::sign(&key, format!("names in the log\n{name}").as_bytes());
    tag.as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The only line.
fn line(log: &Log) -> Value {
    let [line] = <[Value; 1]>::try_from(log.requests()).expect("one line");
    line
}

/// A line of the test's client with these further fields.
fn expected(answer: &Answer, method: &str, path: &str, fields: &Value) -> Value {
    let mut line = json!({
        "level": "INFO", "target": "request", "request_id": answer.headers["x-request-id"].to_str().unwrap(),
        "method": method, "path": path, "ip": pseudonym("192.0.2.1"), "status": answer.status.as_u16(),
        "outcome": "ok", "latency_ms": 0,
    });
    for (name, value) in fields.as_object().unwrap() {
        line[name] = value.clone();
    }
    line
}

#[tokio::test]
async fn log_of_a_plain_request_has_these_fields() {
    let app = App::start().await;
    let log = Log::start();
    let answer = app.send(get("/health?token=canary")).await;
    assert_eq!(line(&log), expected(&answer, "GET", "/health", &json!({})));
}

#[tokio::test]
async fn log_of_a_users_request_has_pseudonyms_and_the_operation() {
    let app = App::start().await;
    let log = Log::start();
    let operation = json!({ "type": "threads.list", "params": {} });
    let answer = app.send(post("/chatkit", &operation).bearer(&app.user_token("ada"))).await;
    let fields = json!({
        "user": pseudonym("ada"), "tenant": pseudonym("default"), "operation": "threads.list",
    });
    assert_eq!(line(&log), expected(&answer, "POST", "/chatkit", &fields));
}

#[tokio::test]
async fn log_of_a_streamed_turn_is_written_when_it_ends() {
    let app = App::start().await;
    let log = Log::start();
    let gate = Gate::closed();
    app.model.then(answer("Hello there").stepwise(&gate));
    let response = app.router.clone().oneshot(chatkit("ada", &create("Hi"))).await.unwrap();
    let answer = Answer { status: response.status(), headers: response.headers().clone(), text: String::new() };
    app.model.asked(1).await;
    app.clock.advance(200);
    let mut live = Live::of(response);
    gate.open();
    gate.open();
    let thread = live.until("thread.created").await["thread"]["id"].clone();
    live.until("thread.item.added").await;
    app.clock.advance(1_034);
    assert_eq!(log.requests(), [] as [Value; 0], "the answer has started, the request has not ended");
    gate.open_for_good();
    live.end().await;
    let fields = json!({
        "user": pseudonym("ada"), "tenant": pseudonym("default"), "operation": "threads.create",
        "thread": thread,
        "model": "test-model", "input_tokens": 24, "output_tokens": 4, "first_event_ms": 200, "latency_ms": 1_234,
    });
    assert_eq!(line(&log), expected(&answer, "POST", "/chatkit", &fields));
}

#[tokio::test]
async fn log_of_a_request_that_follows_a_turn_is_written_when_it_ends() {
    let app = App::start().await;
    let gate = Gate::closed();
    app.model.then(answer("Hello there").stepwise(&gate));
    let mut started = app.live("ada", &create("Hi")).await;
    gate.open();
    gate.open();
    let thread = started.until("thread.created").await["thread"]["id"].as_str().unwrap().to_owned();
    started.until("thread.item.added").await;
    let log = Log::start();
    let lines = || log.requests().into_iter().filter(|line| line["operation"] == "run.follow").count();
    let request = get(&format!("/chatkit/threads/{thread}/run")).bearer(&app.user_token("ada"));
    let mut follower = Live::of(app.begin(request).await);
    follower.next().await.unwrap();
    assert_eq!(lines(), 0);
    gate.open_for_good();
    follower.end().await;
    assert_eq!(lines(), 1);
}

#[tokio::test]
async fn log_of_a_request_is_written_with_its_last_bytes() {
    let app = App::start().await;
    let log = Log::start();
    let mut body = app.begin(get("/health")).await.into_body();
    assert_eq!(log.requests(), [] as [Value; 0]);
    // Lambda asks for no more after them, and may freeze the process.
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(log.requests().len(), 1);
}

#[tokio::test]
async fn log_of_a_turn_whose_client_leaves_is_still_written() {
    let app = App::start().await;
    let log = Log::start();
    let gate = Gate::closed();
    app.model.then(answer("Hello there").wait(&gate));
    drop(app.router.clone().oneshot(chatkit("ada", &create("Hi"))).await.unwrap());
    app.model.asked(1).await;
    assert_eq!(log.requests(), [] as [Value; 0]);
    gate.open();
    log.until(|lines| !lines.is_empty()).await;
    let line = line(&log);
    assert_eq!(
        (&line["outcome"], &line["input_tokens"], &line["output_tokens"]),
        (&json!("ok"), &json!(24), &json!(4))
    );
}

#[tokio::test]
async fn log_of_a_client_error_has_its_outcome() {
    let app = App::start().await;
    let log = Log::start();
    let answer = app.send(post("/chatkit", &json!({}))).await;
    let fields = json!({
        "outcome": "unauthorized", "refused": "this route needs `Authorization: Bearer <token>`",
    });
    assert_eq!(line(&log), expected(&answer, "POST", "/chatkit", &fields));
}

#[tokio::test]
async fn log_of_a_refused_credential_has_its_kind_and_what_is_wrong_with_it() {
    let app = App::with([("JWT_ISSUER", "https://site.example"), ("JWT_AUDIENCE", "chat")]).await;
    let exp = App::began() + 60;
    let good = json!({ "sub": "canary", "exp": exp, "iss": "https://site.example", "aud": "chat" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        user_token(&app.env, &claims)
    };
    let header = json!({ "alg": "HS256" });
    let forged = sign(&header, &good, "another secret that has thirty-two bytes", Algorithm::HS256);
    let critical =
        sign(&json!({ "alg": "HS256", "crit": ["b64"] }), &good, app.env.get("JWT_SECRET").unwrap(), Algorithm::HS256);
    let session = app.visit().await.0;
    let user = |what: &str| format!("the user token is not valid: {what}");
    for (token, expected) in [
        ("x.y.z".to_owned(), user("malformed")),
        (with("exp", json!("never")), user("malformed")),
        (forged, user("signature")),
        (critical, user("kind")),
        (with("iss", json!("canary")), user("issuer")),
        (with("iss", json!(["https://site.example"])), user("issuer")),
        (with("aud", json!("canary")), user("audience")),
        (with("exp", json!(App::began() - 60)), user("time")),
        (with("sub", json!("")), user("subject")),
        (format!("{}A", &session[..session.len() - 1]), "the session token is not valid".to_owned()),
    ] {
        let log = Log::start();
        let answer = app.send(post("/chatkit", &json!({})).bearer(&token)).await;
        assert!(!answer.error(401, "unauthorized").contains(": "));
        assert_eq!(line(&log)["refused"], expected);
        assert!(!log.text().contains("canary"), "{}", log.text());
    }
}

#[tokio::test]
async fn log_of_a_server_error_has_its_cause() {
    let app = App::start().await;
    let log = Log::start();
    app.dynamo.fail("GetItem", "", Fault::ServerError, 10);
    let answer = app.send(get("/api/usage/me").bearer(&app.user_token("ada"))).await;
    answer.error(503, "unavailable");
    let mut line = line(&log);
    let cause = line.as_object_mut().unwrap().remove("cause").unwrap();
    let cause = cause.as_str().unwrap();
    assert!(cause.starts_with("the service cannot answer right now, please try again: the store is not available: "));
    assert!(cause.contains("InternalServerError"), "{cause}");
    let fields = json!({
        "level": "ERROR", "outcome": "unavailable", "user": pseudonym("ada"), "tenant": pseudonym("default"),
    });
    assert_eq!(line, expected(&answer, "GET", "/api/usage/me", &fields));
}

#[tokio::test]
async fn log_of_a_turn_that_fails_while_streaming_has_the_outcome() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let thread = thread_id(&app.create("ada", "Hi").await);
    let log = Log::start();
    app.model.then(upstream_error(401, "invalid_request_error", "invalid_api_key"));
    let answer = app.chatkit("ada", &add(&thread, "And again")).await;
    let fields = json!({
        "level": "ERROR", "outcome": "error", "user": pseudonym("ada"), "tenant": pseudonym("default"),
        "operation": "threads.add_user_message", "thread": thread,
        "model": "test-model", "input_tokens": 0, "output_tokens": 0,
        "cause": "the model's key was not accepted, status 401, code `invalid_api_key`, type `invalid_request_error`, \
                  request `req_upstream`",
    });
    assert_eq!(line(&log), expected(&answer, "POST", "/chatkit", &fields));
}

#[tokio::test]
async fn log_of_a_failure_answered_with_a_status_has_its_cause() {
    let app = App::start().await;
    let log = Log::start();
    app.model.then(upstream_error(500, "server_error", "server_error"));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    let answer = app.send(post("/api/chat", &body).bearer(&app.user_token("ada"))).await;
    let fields = json!({
        "level": "ERROR", "outcome": "upstream_error", "user": pseudonym("ada"), "tenant": pseudonym("default"),
        "operation": "chat", "model": "test-model", "input_tokens": 0, "output_tokens": 0,
        "cause": "the model cannot be reached or has failed, status 500, code `server_error`, type `server_error`, \
                  request `req_upstream`",
    });
    assert_eq!(line(&log), expected(&answer, "POST", "/api/chat", &fields));
}

#[tokio::test]
async fn log_of_a_turn_has_the_request_id_and_the_operation_in_every_line() {
    let app = App::start().await;
    let log = Log::start();
    // While the request is answered, and in the task that outlives the handler.
    app.model.then(upstream_error(503, "server_error", "overloaded"));
    app.model.then(answer("Hello there"));
    app.dynamo.fail("UpdateItem", "\"usage\"", Fault::Throttle, 100);
    let answer = app.chatkit("ada", &create("Hi")).await;
    let ours = |line: &Value| line["target"].as_str().unwrap().starts_with("chatkit");
    let lines: Vec<_> = log.lines().into_iter().filter(ours).collect();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["sending a request again", "could not write the usage record of a turn"]);
    for line in &lines {
        assert_eq!(line["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{line}");
        assert_eq!(line["operation"], "threads.create", "{line}");
        assert_eq!(line["thread"], answer.events()[0]["thread"]["id"], "{line}");
    }
}

#[tokio::test]
async fn log_of_every_operation_names_the_operation_and_its_thread() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let thread = thread_id(&app.create("ada", "Hi").await);
    for thread_id in [thread.as_str(), "thr_canary", "canary_01M7WJDGVQXTTWAJY8PN4RACKW"] {
        for (operation, params, _) in operations(thread_id, "msg_1") {
            let log = Log::start();
            app.model.on(|_| true, answer("Hello there"));
            let request = json!({ "type": operation, "params": params });
            let answer = app.send(post("/chatkit", &request).bearer(&app.user_token("ada"))).await;
            let names_thread = params.get("thread_id").is_some() && thread_id == thread;
            for line in log.lines().iter().filter(|line| line.get("request_id").is_some()) {
                assert_eq!(line["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{line}");
                assert_eq!(line["operation"], operation, "{line}");
                if operation != "threads.create" {
                    assert_eq!(line.get("thread"), names_thread.then_some(&json!(thread)), "{line}");
                }
            }
            let of_ours = |line: &Value| line["target"].as_str().unwrap().starts_with("chatkit");
            assert!(log.lines().iter().filter(|line| of_ours(line)).all(|line| line.get("request_id").is_some()));
            assert_eq!(log.requests().len(), 1, "{operation}");
            assert!(!log.text().contains("canary"), "{}", log.text());
        }
    }
}

#[tokio::test]
async fn log_of_a_turn_that_never_reports_is_a_failure() {
    let app = App::start().await;
    let log = Log::start();
    for (is_reported, expected) in
        [(false, json!(["ERROR", "error", "the turn ended without a report"])), (true, json!(["INFO", "ok", null]))]
    {
        let keys = SigningKeys::required(&app.env, &outside(&app.env, &app.clock).secrets).unwrap();
        let pseudonyms = Pseudonyms::from_env(&app.env, keys).unwrap();
        let request = RequestLog::new(app.clock.clone(), "req_1", "POST", "/chatkit", None, pseudonyms);
        let on_end = request.clone().on_end();
        request.turn_started();
        request.status(StatusCode::OK);
        if is_reported {
            let (model, usage, outcome) = ("test-model".to_owned(), TokenUsage::default(), Outcome::Ok);
            on_end(TurnReport { model, usage, first_event_at: None, outcome, failure: None });
        } else {
            drop(on_end);
        }
        drop(request);
        let line = log.requests().pop().unwrap();
        assert_eq!(json!([line["level"], line["outcome"], line.get("cause")]), expected);
    }
}

#[tokio::test]
async fn log_of_a_refusal_names_the_budget() {
    let app = App::with([("LIMIT_TENANT_TOKENS_PER_DAY", "2000")]).await;
    app.model.then(answer("Hello there"));
    app.create("ada", "Hi").await;
    let log = Log::start();
    let answer = app.chatkit("ada", &create("Hi")).await;
    let fields = json!({
        "outcome": "budget_exceeded", "limit": "tenant_tokens", "user": pseudonym("ada"),
        "tenant": pseudonym("default"), "operation": "threads.create",
    });
    assert_eq!(line(&log), expected(&answer, "POST", "/chatkit", &fields));
}

#[tokio::test]
async fn log_of_an_answer_without_a_stream_has_no_first_event() {
    let app = App::start().await;
    for (stream, has_one) in [(false, false), (true, true)] {
        let log = Log::start();
        app.model.then(answer("Hello there"));
        let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": stream });
        assert_eq!(app.send(post("/api/chat", &body).bearer(&app.user_token("ada"))).await.status, 200);
        assert_eq!(line(&log).get("first_event_ms").is_some(), has_one, "{stream}");
    }
}

#[tokio::test]
async fn log_of_another_deployment_has_other_pseudonyms() {
    let mut names = Vec::new();
    for secret in ["a secret of one deployment, long enough", "a secret of another one, long enough"] {
        let app = App::with([("SESSION_SIGNING_SECRET", secret)]).await;
        let log = Log::start();
        app.send(get("/api/usage/me").bearer(&app.user_token("ada"))).await;
        let line = line(&log);
        names.extend(["ip", "user", "tenant"].map(|field| line[field].as_str().unwrap().to_owned()));
    }
    assert!(names.iter().all(|name| name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[tokio::test]
async fn log_when_configured_shows_the_plain_address() {
    let app = App::with([("LOG_ADDRESS", "plain")]).await;
    let log = Log::start();
    app.send(get("/health").coming_from("2001:db8::1")).await;
    assert_eq!(line(&log)["ip"], "2001:db8::1");
}

#[tokio::test]
async fn log_of_a_path_with_line_breaks_is_one_line() {
    let app = App::start().await;
    let log = Log::start();
    let path = "/x%0A%7B%22level%22:%22ERROR%22%7D\"{}";
    app.send(get(path)).await.error(404, "not_found");
    assert_eq!(log.text().lines().count(), 1);
    assert_eq!(line(&log)["path"], path);
}
