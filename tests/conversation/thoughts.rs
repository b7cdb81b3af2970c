//! Long thoughts: an update carries the whole of one, so they must not come with each of its pieces.

use serde_json::{Value, json};

use crate::harness::app::{App, create, thread_id};
use crate::harness::completions::{self, DONE, chunks, content, finish};
use crate::harness::model::Answer;
use crate::harness::responses::{
    completed, message_done, reasoning_added, reasoning_delta, reasoning_done, sse, usage,
};

const PIECE: &str = " word";

/// So many pieces of a thought, then an answer.
fn thinking(pieces: usize) -> Answer {
    let piece = || completions::delta(&json!({ "reasoning_content": PIECE }));
    chunks((0..pieces).map(|_| piece()).chain([content("Yes"), finish("stop")])).bytes(DONE)
}

/// What the page was told of the one thought, each time.
fn told(events: &[Value]) -> Vec<&str> {
    let tasks = events.iter().filter(|event| event["update"]["task"]["type"] == "thought");
    tasks.map(|event| event["update"]["task"]["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn thoughts_of_any_length_cost_bytes_proportional_to_their_length() {
    let app = App::with([("MODEL_API", "chat_completions")]).await;
    // Without instructions, only the request for a title begins with some.
    app.model.on(|request| request.body["messages"][0]["role"] == "system", completions::answer("A title"));
    for pieces in [40, 1_000, 4_000] {
        app.model.then(thinking(pieces));
        let answer = app.chatkit("alice", &create("Go")).await;
        let whole = PIECE.repeat(pieces);
        let events = answer.events();
        let told = told(&events);
        assert_eq!(told.last(), Some(&whole.as_str()), "its end is always told");
        assert!(told.iter().all(|told| whole.starts_with(told)));
        // Steps of a tenth or so: short thoughts appear as they come, long ones go on appearing.
        for step in told.windows(2) {
            let [before, after] = [step[0].len(), step[1].len()];
            assert!(before <= after && after - before <= PIECE.len() + before / 7, "{before} {after}");
        }
        // Without the positions.
        let bytes: usize = answer.text.lines().filter(|line| line.starts_with("data: ")).map(str::len).sum();
        assert!(bytes < 10_000 + 15 * whole.len(), "{bytes} for {}", whole.len());
        let thread = super::reload(&app, "alice", &thread_id(&events)).await;
        assert_eq!(thread["items"]["data"][1]["workflow"]["tasks"][0]["content"], whole);
    }
}

#[tokio::test]
async fn thought_when_the_model_breaks_off_is_kept_so_far() {
    let app = App::start().await;
    let whole = "word ".repeat(500);
    let pieces = (0..500).map(|_| reasoning_delta("word "));
    app.model.then(sse([reasoning_added("rs_1")].into_iter().chain(pieces)).abort());
    let events = app.create("alice", "Go").await;
    let done = events.iter().find(|event| event["type"] == "thread.item.done" && event["item"]["type"] == "workflow");
    assert_eq!(done.unwrap()["item"]["workflow"]["tasks"][0]["content"], whole);
    assert_eq!(events.last().unwrap()["type"], "error");
}

#[tokio::test]
async fn thought_when_its_final_text_differs_shows_the_final_text() {
    let app = App::start().await;
    let pieces = (0..500).map(|_| reasoning_delta("word "));
    let end = [reasoning_done("rs_1", &["Short."]), message_done("msg_1", "Yes").item(1), completed(usage(1, 0, 1, 0))];
    app.model.then(sse([reasoning_added("rs_1")].into_iter().chain(pieces).chain(end)));
    let events = app.create("alice", "Go").await;
    assert_eq!(told(&events).last(), Some(&"Short."));
}
