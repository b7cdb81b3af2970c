//! A conversation that outgrows its budget, where the assistant's memory is compact: a summary stands for its
//! beginning.

use serde_json::{Value, json};

use super::{message, operation, retry};
use crate::harness::app::{App, thread_id};
use crate::harness::model::ModelRequest;
use crate::harness::responses::{answer, upstream_error};

const NAME: &str = "My name is Ottokar.";
const NOTES: &str = "The user is Ottokar.";
const SHOWN_NOTES: &str = "What was said before this, in short:\n<summary>\nThe user is Ottokar.\n</summary>";

/// An assistant that sees 1,000 tokens. Its answers are as long as the name.
async fn app() -> App {
    let document = r#"{"memory":"compact","max_context_tokens":1000}"#;
    let app =
        App::with([("ASSISTANT", document), ("LIMIT_USER_TURNS_PER_MINUTE", "0"), ("LIMIT_USER_TOKENS_PER_HOUR", "0")]);
    let app = app.await;
    app.model.on(|request| !request.is_title() && !request.is_summary(), answer(&"x".repeat(NAME.len())));
    app
}

/// What the model was shown last, of what is no title and no summary.
fn shown(app: &App) -> Vec<String> {
    let is_turn = |request: &ModelRequest| !request.is_title() && !request.is_summary();
    app.model.requests().into_iter().rfind(is_turn).unwrap().conversation()
}

fn summaries(app: &App) -> Vec<ModelRequest> {
    app.model.requests().into_iter().filter(ModelRequest::is_summary).collect()
}

/// The ids of the summaries that are stored.
fn stored(app: &App) -> Vec<Value> {
    let records = app.dynamo.records("threads").into_iter();
    records.filter(|record| record.get("summary").is_some()).map(|record| record["sk"].clone()).collect()
}

/// 63 tokens, with the answer.
async fn say(app: &App, thread_id: &str, number: usize) {
    let events = app.add("alice", thread_id, &format!("{number:0200}")).await;
    assert!(events.iter().all(|event| event["type"] != "error"), "{events:?}");
}

#[tokio::test]
async fn summary_stands_for_what_is_no_longer_shown() {
    let app = app().await;
    app.model.on(ModelRequest::is_summary, answer(NOTES));
    let thread_id = thread_id(&app.create("alice", NAME).await);
    let (mut before, mut moves) = (shown(&app), Vec::new());
    for number in 1..=40 {
        say(&app, &thread_id, number).await;
        let now = shown(&app);
        if now[0] == before[0] && now.len() > before.len() {
            assert_eq!(now[..before.len()], before);
        } else {
            assert_eq!(now[0], format!("user: {SHOWN_NOTES}"));
            assert!(now[1].starts_with("user: 0"), "{now:?}");
            moves.push(number);
        }
        before = now;
    }
    assert_eq!(moves, [15, 21, 27, 33, 39]);
    let asked = summaries(&app);
    assert_eq!((asked.len(), stored(&app).len()), (5, 5));
    let read = |request: &ModelRequest| request.conversation()[0].clone();
    assert!(read(&asked[0]).starts_with(&format!("user: User: {NAME}\nAssistant: xxx")), "{}", read(&asked[0]));
    assert!(read(&asked[1]).starts_with(&format!("user: User: {SHOWN_NOTES}\nUser: 0")), "{}", read(&asked[1]));
    // No client sees it.
    let list = json!({ "thread_id": thread_id, "limit": 200, "order": "asc" });
    let page = app.chatkit("alice", &operation("items.list", list)).await;
    assert!(!page.text.contains("Ottokar.\\n") && !page.text.contains(NOTES));
    assert_eq!(page.json()["data"].as_array().unwrap().len(), 82);
}

#[tokio::test]
async fn turn_with_a_summary_counts_what_it_has_used() {
    let app = app().await;
    app.model.on(ModelRequest::is_summary, answer(NOTES));
    let thread_id = thread_id(&app.create("alice", NAME).await);
    for number in 1..=14 {
        say(&app, &thread_id, number).await;
    }
    let records = app.dynamo.records("usage").into_iter().filter(|record| record.get("thread_id").is_some());
    let mut used: Vec<_> = records.map(|record| record["input_tokens"]["N"].as_str().unwrap().to_owned()).collect();
    used.sort_unstable();
    // One turn made the title, another one the summary.
    assert_eq!((used.len(), &*used[12], &*used[13], &*used[14]), (15, "12", "24", "24"));
}

#[tokio::test]
async fn summary_that_fails_harms_nothing_and_is_tried_again() {
    let app = app().await;
    let thread_id = thread_id(&app.create("alice", NAME).await);
    for number in 1..=13 {
        say(&app, &thread_id, number).await;
    }
    app.model.rather(ModelRequest::is_summary, upstream_error(400, "invalid_request_error", "x"));
    say(&app, &thread_id, 14).await;
    assert_eq!((summaries(&app).len(), stored(&app).len()), (1, 0));
    app.model.rather(ModelRequest::is_summary, answer(" "));
    say(&app, &thread_id, 15).await;
    assert_eq!((summaries(&app).len(), stored(&app).len(), &*shown(&app)[0]), (2, 0, &*format!("user: {NAME}")));
    app.model.rather(ModelRequest::is_summary, answer(NOTES));
    say(&app, &thread_id, 16).await;
    assert_eq!((summaries(&app).len(), stored(&app).len()), (3, 1));
    say(&app, &thread_id, 17).await;
    assert_eq!(shown(&app)[0], format!("user: {SHOWN_NOTES}"));
}

#[tokio::test]
async fn retry_of_an_older_message_forgets_the_summary() {
    let app = app().await;
    app.model.on(ModelRequest::is_summary, answer(NOTES));
    let thread_id = thread_id(&app.create("alice", NAME).await);
    for number in 1..=16 {
        say(&app, &thread_id, number).await;
    }
    let question = message(&app, &thread_id, 6).await;
    app.chatkit("alice", &retry(&thread_id, &question)).await.events();
    let now = shown(&app);
    assert_eq!((now.len(), &*now[0], stored(&app).len()), (7, &*format!("user: {NAME}"), 0));
    say(&app, &thread_id, 17).await;
    assert_eq!(shown(&app).len(), 9);
}
