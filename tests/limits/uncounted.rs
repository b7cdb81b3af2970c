//! Answers that the model's server does not count, or that never end: a token is charged for each byte.

use serde_json::{Value, json};

use super::tokens::{BOUNDS, ask, used};
use crate::harness::app::{App, thread_id};
use crate::harness::dynamodb::Fault;
use crate::harness::model::{Answer, Gate};
use crate::harness::responses::{
    answer, call_events, completed, created, delta, failed, incomplete, message_added, message_done, part_added, sse,
    usage,
};

/// The bytes of "Hi", and the most that stands around it.
const PROMPT: u64 = 2 + 16 + 64;

/// As in [`BOUNDS`].
const MAX_OUTPUT: u64 = 100;

/// An answer of sixteen bytes that ends like this.
fn counting(end: crate::harness::responses::Event) -> Answer {
    let text = "sixteen letters.";
    sse([created("resp_1"), message_added("msg_1"), part_added(), delta(text), message_done("msg_1", text), end])
}

#[tokio::test]
async fn uncounted_turn_without_any_text_is_charged_its_prompt() {
    let head = || Answer::start(200, "text/event-stream");
    for (what, answer) in [
        ("breaks off", sse([created("resp_1")]).abort()),
        ("ends", sse([created("resp_1")])),
        ("fails", sse([created("resp_1"), failed("server_error")])),
        ("is garbage", head().bytes("data: {\n\n")),
        ("is empty", head()),
    ] {
        let app = App::with(BOUNDS).await;
        app.model.then(answer);
        app.send(ask("ada")).await.error(502, "upstream_error");
        assert_eq!(used(&app, "ada").await, PROMPT, "{what}");
    }
}

#[tokio::test]
async fn uncounted_turn_is_charged_for_the_time_in_which_the_model_was_silent() {
    // A model may think, and bill for it, without a word.
    let app = App::with(BOUNDS).await;
    let gate = Gate::closed();
    app.model.then(Answer::start(200, "text/event-stream").wait(&gate).abort());
    let asked = async {
        app.model.asked(1).await;
        app.clock.advance(3_000);
        gate.open();
    };
    let (answer, ()) = tokio::join!(app.send(ask("ada")), asked);
    answer.error(502, "upstream_error");
    assert_eq!(used(&app, "ada").await, PROMPT + MAX_OUTPUT);
}

#[tokio::test]
async fn usage_of_zero_or_in_another_shape_is_replaced_by_a_bound() {
    let others = json!({ "prompt_tokens": 900, "completion_tokens": 900, "total_tokens": 1_800 });
    for (usage, sum) in [
        (json!(null), PROMPT + 16),
        (json!({}), PROMPT + 16),
        (usage(0, 0, 0, 0), PROMPT + 16),
        (others, PROMPT + 16),
        (json!("many"), PROMPT + 16),
        (usage(0, 0, 1, 0), 1),
        (usage(1, 0, 0, 0), 1),
    ] {
        for end in [completed(usage.clone()), incomplete("max_output_tokens", usage.clone())] {
            let app = App::with(BOUNDS).await;
            app.model.then(counting(end));
            app.send(ask("ada")).await;
            assert_eq!(used(&app, "ada").await, sum, "{usage}");
        }
    }
}

#[tokio::test]
async fn uncounted_turn_with_calls_is_charged_their_arguments() {
    let tool = json!({ "type": "function", "name": "pick", "parameters": { "type": "object" }, "run": "client" });
    let document = json!({ "tools": [tool] }).to_string();
    let mut sums = Vec::new();
    for length in [100, 500] {
        let app = App::with([("ASSISTANT", document.as_str())]).await;
        app.model.then(answer("Hello"));
        let thread_id = thread_id(&app.create("ada", "Hi").await);
        let before = used(&app, "ada").await.as_u64().unwrap();
        let arguments = json!({ "text": "x".repeat(length) }).to_string();
        let call = call_events("call_1", "pick", &arguments);
        app.model.then(sse([created("resp_1")].into_iter().chain(call).chain([completed(json!(null))])));
        app.add("ada", &thread_id, "Pick").await;
        sums.push(used(&app, "ada").await.as_u64().unwrap() - before);
    }
    assert_eq!(sums[1] - sums[0], 400, "{sums:?}");
}

#[tokio::test]
async fn retry_when_its_answer_cannot_be_stored_is_charged_what_it_used() {
    let app = App::start().await;
    app.model.then(answer("Hello"));
    let events = app.create("ada", "Hi").await;
    let thread_id = thread_id(&events);
    let question = events.iter().find(|event| event["item"]["type"] == "user_message").unwrap()["item"]["id"].clone();
    let before = used(&app, "ada").await.as_u64().unwrap();
    app.dynamo.fail("TransactWriteItems", "", Fault::Throttle, 3);
    app.model.on(|request| !request.is_title(), counting(completed(usage(7, 0, 3, 0))));
    let params = json!({ "thread_id": thread_id, "item_id": question });
    let events = app.chatkit("ada", &json!({ "type": "threads.retry_after_item", "params": params })).await.events();
    assert_eq!(events.last().unwrap()["type"], "error", "{events:?}");
    assert_eq!(used(&app, "ada").await.as_u64().unwrap() - before, 10);
}

#[tokio::test]
async fn turn_when_the_model_reports_usage_is_charged_that() {
    let app = App::with(BOUNDS).await;
    app.model.then(counting(completed(usage(7, 0, 3, 0))));
    let answer: Value = app.send(ask("ada")).await.json();
    assert_eq!(answer["usage"]["total_tokens"], 10, "{answer}");
    assert_eq!(used(&app, "ada").await, 10);
}
