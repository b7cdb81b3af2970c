//! The model fails: the person is told once, at the end, and nothing that was said is lost.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{kinds, retry, thread, transcript};
use crate::harness::app::{App, add, create, thread_id};
use crate::harness::model::Answer;
use crate::harness::responses::{
    LEAK, answer, created, delta, error, failed, message_added, part_added, sse, upstream_error,
};

const BROKEN: &str = "The answer broke off. Please try again.";
const BUSY: &str = "The assistant is very busy. Please try again in a moment.";
const LONG: &str = "This conversation is too long for the assistant. Please start a new one.";
const OUT_OF_ORDER: &str = "The assistant is out of order. Please tell the owner of this site.";
const POLICY: &str = "The assistant cannot answer this. Please ask in a different way.";
const UNREACHABLE: &str = "The assistant cannot be reached. Please try again in a moment.";

/// What stands in an answer before it fails.
fn half() -> Answer {
    sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Half "), delta("an")])
}

fn failure(message: &str, allow_retry: bool) -> Value {
    json!({ "type": "error", "code": "custom", "message": message, "allow_retry": allow_retry })
}

/// A turn that fails like this, and a retry.
async fn check(name: &str, faults: Vec<Answer>, shown: &[&str], kept: Option<&str>, expected: &Value) {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    faults.into_iter().for_each(|fault| app.model.then(fault));
    let answer_of = app.chatkit("alice", &add(&thread_id, "go")).await;
    assert!(!answer_of.text.contains(LEAK) && !answer_of.text.contains("req_upstream"), "{name}: {}", answer_of.text);
    let events = answer_of.events();
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last, expected, "{name}");
    assert_eq!(kinds(before), [&["thread.item.done", "stream_options"], shown].concat(), "{name}");
    let question = events[0]["item"]["id"].as_str().unwrap();

    let mut expected = vec!["user: Hi".to_owned(), "assistant: Hello there".into(), "user: go".into()];
    let stored = kept.map(|kept| format!("assistant: {kept}"));
    assert_eq!(transcript(&app, "alice", &thread_id).await, [expected.clone(), stored.into_iter().collect()].concat());

    app.model.then(answer("whole"));
    let retried = app.chatkit("alice", &retry(&thread_id, question)).await.events();
    assert_eq!(retried.last().unwrap()["item"]["content"][0]["text"], "whole", "{name}");
    expected.push("assistant: whole".to_owned());
    assert_eq!(transcript(&app, "alice", &thread_id).await, expected, "{name}");
}

#[tokio::test]
async fn turn_when_the_model_does_not_start_ends_in_an_error() {
    let status = |status, code| vec![upstream_error(status, "invalid_request_error", code)];
    let with = |answer: Answer| vec![answer];
    let cases = [
        ("401", status(401, "invalid_api_key"), failure(OUT_OF_ORDER, false)),
        ("403", status(403, "unsupported_country_region_territory"), failure(OUT_OF_ORDER, false)),
        ("404", status(404, "model_not_found"), failure(OUT_OF_ORDER, false)),
        ("400", status(400, "unknown_parameter"), failure(OUT_OF_ORDER, false)),
        ("400 too long", status(400, "context_length_exceeded"), failure(LONG, false)),
        ("400 policy", status(400, "content_policy_violation"), failure(POLICY, false)),
        ("429", with(upstream_error(429, "tokens", "rate_limit_exceeded")), failure(BUSY, true)),
        (
            "429 later",
            vec![upstream_error(429, "tokens", "rate_limit_exceeded").header("retry-after", "30")],
            failure(BUSY, true),
        ),
        (
            "429 soon, twice",
            vec![upstream_error(429, "tokens", "rate_limit_exceeded").header("retry-after-ms", "1"); 2],
            failure(BUSY, true),
        ),
        ("429 quota", status(429, "insufficient_quota"), failure(OUT_OF_ORDER, false)),
        ("500", with(upstream_error(500, "server_error", "server_error")), failure(UNREACHABLE, true)),
        ("502, twice", vec![Answer::with(502, "text/html", LEAK); 2], failure(UNREACHABLE, true)),
        (
            "503, twice",
            vec![upstream_error(503, "server_error", "server_is_overloaded"); 2],
            failure(UNREACHABLE, true),
        ),
        (
            "504",
            with(Answer::with(504, "text/plain", LEAK)),
            failure("The assistant took too long to answer. Please try again.", true),
        ),
        ("200 page", with(Answer::with(200, "text/html", LEAK)), failure(BROKEN, true)),
        ("200 json", with(Answer::with(200, "application/json", "{}")), failure(BROKEN, true)),
        (
            "redirect",
            with(Answer::with(302, "text/html", LEAK).header("location", "http://127.0.0.1:9/")),
            failure(OUT_OF_ORDER, false),
        ),
        ("empty", with(Answer::start(200, "text/event-stream")), failure(BROKEN, true)),
        (
            "garbage",
            with(Answer::with(200, "text/event-stream", &b"\xff\xfe\x00garbage\n\n"[..])),
            failure(BROKEN, true),
        ),
        ("no json", with(Answer::with(200, "text/event-stream", format!("data: {LEAK}\n\n"))), failure(BROKEN, true)),
        ("cut before its head", with(Answer::start(200, "text/event-stream").abort()), failure(UNREACHABLE, true)),
        ("failed", with(sse([created("resp_1"), failed("server_error")])), failure(UNREACHABLE, true)),
        ("failed by its limit", with(sse([failed("rate_limit_exceeded")])), failure(BUSY, true)),
        ("error event", with(sse([error("server_error")])), failure(UNREACHABLE, true)),
        ("unknown error event", with(sse([error("something_new")])), failure(UNREACHABLE, true)),
    ];
    let checks = cases.iter().map(|(name, faults, expected)| check(name, faults.clone(), &[], None, expected));
    join_all(checks).await;
}

#[tokio::test]
async fn turn_when_the_model_breaks_off_keeps_the_text_and_ends_in_an_error() {
    let shown = [
        "thread.item.added",
        "assistant_message.content_part.added",
        "assistant_message.content_part.text_delta",
        "assistant_message.content_part.text_delta",
        "thread.item.done",
    ];
    let cases = [
        ("ends", half(), failure(BROKEN, true)),
        ("cut", half().abort(), failure(UNREACHABLE, true)),
        ("garbage", half().bytes("data: {\n\n"), failure(BROKEN, true)),
        ("failed", half().event(failed("server_error")), failure(UNREACHABLE, true)),
        ("failed by the policy", half().event(failed("content_policy_violation")), failure(POLICY, false)),
        ("error event", half().event(error("rate_limit_exceeded")), failure(BUSY, true)),
    ];
    let checks =
        cases.iter().map(|(name, fault, expected)| check(name, vec![fault.clone()], &shown, Some("Half an"), expected));
    join_all(checks).await;
    let nothing = sse([message_added("msg_1"), part_added(), delta(" ")]);
    let shown = [&shown[..3], &["thread.item.removed"]].concat();
    check("nothing but a space", vec![nothing], &shown, None, &failure(BROKEN, true)).await;
}

#[tokio::test]
async fn add_user_message_after_a_failed_turn_is_answered() {
    for (fault, kept) in [(sse([failed("server_error")]), 0), (half(), 1)] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        app.model.then(fault);
        assert_eq!(app.add("alice", &thread_id, "go").await.last().unwrap()["type"], "error");
        let mut expected = ["user: go", "assistant: Half an"][..=kept].to_vec();
        for text in ["go", "on"] {
            app.model.then(answer("whole"));
            let events = app.add("alice", &thread_id, text).await;
            assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "whole");
            expected.extend([if text == "go" { "user: go" } else { "user: on" }, "assistant: whole"]);
        }
        assert_eq!(transcript(&app, "alice", &thread_id).await[2..], expected);
    }
}

#[tokio::test]
async fn create_thread_when_the_turn_fails_keeps_the_thread_and_its_title() {
    for fault in [upstream_error(401, "invalid_request_error", "invalid_api_key"), half()] {
        let app = App::start().await;
        let title = crate::harness::model::Gate::closed();
        app.model.rather(|request| request.is_title(), answer("A title").before(&title));
        app.model.then(fault);
        let events = app.create("alice", "What is Paris?").await;
        assert_eq!(events.iter().filter(|event| event["type"] == "error").count(), 1);
        assert_eq!(kinds(&events)[events.len() - 2..], ["thread.updated", "error"]);
        assert_eq!(events[events.len() - 2]["thread"]["title"], "What is Paris?");
        let thread = super::reload(&app, "alice", &thread_id(&events)).await;
        assert_eq!(thread["title"], "What is Paris?");
        assert_eq!(transcript(&app, "alice", &thread_id(&events)).await[0], "user: What is Paris?");
    }
}

#[tokio::test]
async fn turn_when_the_model_is_unreachable_ends_in_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs_up = format!("http://{}/v1", listener.local_addr().unwrap());
    let accept = async {
        loop {
            drop(listener.accept().await);
        }
    };
    let check = async {
        for url in [hangs_up.as_str(), "http://127.0.0.1:9/v1"] {
            let app = App::with([("OPENAI_BASE_URL", url)]).await;
            let events = app.chatkit("alice", &create("Hi")).await.events();
            assert_eq!(*events.last().unwrap(), failure(UNREACHABLE, true));
            let thread_id = thread_id(&events);
            assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi"]);
            let question = events[1]["item"]["id"].as_str().unwrap();
            for operation in [retry(&thread_id, question), add(&thread_id, "Hi"), add(&thread_id, "Ho")] {
                let events = app.chatkit("alice", &operation).await.events();
                assert_eq!(*events.last().unwrap(), failure(UNREACHABLE, true));
            }
            assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi", "user: Hi", "user: Ho"]);
        }
    };
    tokio::select! { () = accept => {}, () = check => {} }
}
