//! Turns that overlap: sent twice, stopped, taken over, asked anew, deleted.

use futures_util::future::join;
use serde_json::{Value, json};

use super::bad_input::NO_LIMITS;
use super::{kinds, message, operation, reload, retry, slow, started, thread, transcript};
use crate::harness::app::{App, add, chatkit, create, thread_id};
use crate::harness::live::Live;
use crate::harness::model::Gate;
use crate::harness::responses::{answer, completed, message_added, message_done, sse, usage};

/// How many records a thread has that has so many items.
fn items(count: usize) -> impl Fn(&[Value]) -> bool {
    move |records| records.len() == count + 1
}

#[tokio::test]
async fn add_user_message_sent_twice_at_once_is_answered_once() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let gate = Gate::closed();
    app.model.on(|request| !request.is_title(), answer("once").before(&gate));
    let twice =
        join(app.begin(chatkit("alice", &add(&thread_id, "go"))), app.begin(chatkit("alice", &add(&thread_id, "go"))));
    let (one, other) = twice.await;
    // Nor later, as long as it is being answered.
    let third = app.begin(chatkit("alice", &add(&thread_id, "go"))).await;
    gate.open_for_good();
    for joined in [one, other, third] {
        let events = Live::of(joined).rest().await;
        let answer = events.iter().rev().find(|event| event["type"] == "thread.item.done").unwrap();
        assert_eq!(answer["item"]["content"][0]["text"], "once");
    }
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: once"]);
    // What joined cost no more than the question, and that only where the model had been asked already.
    assert_eq!(app.add("alice", &thread_id, "go").await.last().unwrap()["type"], "thread.item.done");
    let budget = app.dynamo.records("counters").into_iter().find(|record| record["sk"]["S"] == "budget").unwrap();
    let used = budget.as_object().unwrap().iter().find(|(name, _)| name.starts_with('h')).unwrap().1["N"].clone();
    let (answers, question) = (3 * 12 + 2 + 1 + 1 + 12 + 2, 14 + 2 + 16);
    let used: u64 = used.as_str().unwrap().parse().unwrap();
    assert!([answers, answers + question].contains(&used), "{used}");
}

#[tokio::test]
async fn turn_when_the_client_leaves_continues_and_is_stored() {
    for first in [false, true] {
        let app = App::start().await;
        let gate = Gate::closed();
        let (live, thread_id) = if first {
            app.model.then(slow("Hello", &gate));
            let mut live = app.live("alice", &create("go")).await;
            let thread_id = thread_id(&[live.next().await.unwrap()]);
            (live, thread_id)
        } else {
            let thread_id = thread(&app, "alice").await;
            app.model.then(slow("Hello", &gate));
            (started(&app, &add(&thread_id, "go")).await, thread_id)
        };
        drop(live);
        let before = transcript(&app, "alice", &thread_id).await;
        // A load in the middle shows what has come.
        assert!(["user: go", "assistant: Hello"].contains(&&**before.last().unwrap()), "{before:?}");
        gate.open();
        let turns = if first { 1 } else { 2 };
        app.settled(turns, items(turns * 2)).await;
        assert_eq!(transcript(&app, "alice", &thread_id).await.last().unwrap(), "assistant: Hello");
        if first {
            assert_eq!(reload(&app, "alice", &thread_id).await["title"], "A title");
        }
        // The run is over.
        app.model.then(answer("Again"));
        assert_eq!(app.add("alice", &thread_id, "go").await.last().unwrap()["type"], "thread.item.done");
    }
}

#[tokio::test]
async fn add_user_message_during_another_turn_is_answered_at_once() {
    for stopped in [false, true] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        let gate = Gate::closed();
        app.model.then(slow("first", &gate));
        let live = started(&app, &add(&thread_id, "one")).await;
        let live = if stopped { None } else { Some(live) };
        app.clock.advance(1);
        app.model.then(answer("second"));
        app.add("alice", &thread_id, "two").await;
        let conversation = app.model.requests().last().unwrap().conversation();
        assert_eq!(conversation[2..], ["user: one", "user: two"]);
        assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: one", "user: two", "assistant: second"]);
        gate.open();
        if let Some(live) = live {
            assert_eq!(live.rest().await.last().unwrap()["item"]["content"][0]["text"], "first");
        }
        app.settled(3, items(6)).await;
        // Each answer stands with its question.
        let expected = ["user: one", "assistant: first", "user: two", "assistant: second"];
        assert_eq!(transcript(&app, "alice", &thread_id).await[2..], expected);
    }
}

#[tokio::test]
async fn retry_during_the_first_turn_is_answered_once() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let (gate, anew) = (Gate::closed(), Gate::closed());
    app.model.then(slow("old", &gate));
    let old = started(&app, &add(&thread_id, "go")).await;
    let question = message(&app, &thread_id, 2).await;
    app.model.then(slow("new", &anew));
    let new = started(&app, &retry(&thread_id, &question)).await;
    gate.open();
    // Whoever still reads the old answer sees it to its end.
    assert_eq!(old.rest().await.last().unwrap()["item"]["content"][0]["text"], "old");
    let middle = transcript(&app, "alice", &thread_id).await;
    assert!(middle[2..] == ["user: go"] || middle[2..] == ["user: go", "assistant: new"], "{middle:?}");
    anew.open();
    new.end().await;
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: new"]);
    app.model.then(answer("newest"));
    app.chatkit("alice", &retry(&thread_id, &question)).await.events();
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: newest"]);
}

#[tokio::test]
async fn run_that_ends_after_its_retry_leaves_no_items() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let gate = Gate::closed();
    app.model.then(slow("old", &gate));
    let old = started(&app, &add(&thread_id, "go")).await;
    let question = message(&app, &thread_id, 2).await;
    for (operation, said) in [(retry(&thread_id, &question), "new"), (add(&thread_id, "and?"), "more")] {
        app.clock.advance(1);
        app.model.then(answer(said));
        app.chatkit("alice", &operation).await.events();
    }
    gate.open();
    old.end().await;
    let expected = ["user: go", "assistant: new", "user: and?", "assistant: more"];
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], expected);
}

#[tokio::test]
async fn run_whose_question_a_retry_removed_stores_no_answer() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let first = message(&app, &thread_id, 0).await;
    let gate = Gate::closed();
    app.model.then(slow("late", &gate));
    let late = started(&app, &add(&thread_id, "second")).await;
    app.model.then(answer("Hello anew"));
    app.chatkit("alice", &retry(&thread_id, &first)).await.events();
    gate.open();
    late.end().await;
    assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi", "assistant: Hello anew"]);
}

#[tokio::test]
async fn add_user_message_with_the_same_text_before_the_turn_ends_keeps_the_answer() {
    let app = App::start().await;
    let (title, gate) = (Gate::closed(), Gate::closed());
    app.model.rather(|request| request.is_title(), answer("A title").before(&title));
    app.model.then(answer("Hello"));
    let mut live = app.live("alice", &create("Hi")).await;
    let thread_id = thread_id(&[live.next().await.unwrap()]);
    while live.until("thread.item.done").await["item"]["type"] != "assistant_message" {}
    // The answer is whole, its turn still waits for a title.
    app.clock.advance(1);
    app.model.then(slow("Hello again", &gate));
    let again = started(&app, &add(&thread_id, "Hi")).await;
    title.open_for_good();
    live.end().await;
    let middle = transcript(&app, "alice", &thread_id).await;
    assert_eq!(middle[..3], ["user: Hi", "assistant: Hello", "user: Hi"]);
    gate.open();
    again.end().await;
    let expected = ["user: Hi", "assistant: Hello", "user: Hi", "assistant: Hello again"];
    assert_eq!(transcript(&app, "alice", &thread_id).await, expected);
}

#[tokio::test]
async fn retry_sent_twice_at_once_is_answered_once() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let question = message(&app, &thread_id, 0).await;
    let gate = Gate::closed();
    app.model.on(|request| !request.is_title(), answer("anew").before(&gate));
    let again = chatkit("alice", &retry(&thread_id, &question));
    let twice = join(app.begin(again), app.begin(chatkit("alice", &retry(&thread_id, &question)))).await;
    gate.open_for_good();
    for joined in <[_; 2]>::from(twice) {
        let events = Live::of(joined).rest().await;
        let answer = events.iter().rev().find(|event| event["type"] == "thread.item.done").unwrap();
        assert_eq!(answer["item"]["content"][0]["text"], "anew");
    }
    assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi", "assistant: anew"]);
}

#[tokio::test]
async fn retry_of_an_old_message_in_a_long_thread_removes_all_later_items() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    super::fill(&app, "alice", &thread_id, 130).await;
    let question = message(&app, &thread_id, 0).await;
    app.model.then(answer("anew"));
    let events = app.chatkit("alice", &retry(&thread_id, &question)).await.events();
    assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "anew");
    assert_eq!(app.model.requests().last().unwrap().conversation(), ["user: Hi"]);
    assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi", "assistant: anew"]);
    assert_eq!(app.dynamo.records("threads").len(), 3);
}

#[tokio::test]
async fn delete_thread_while_turns_run_leaves_no_records() {
    for first in [true, false] {
        let app = App::start().await;
        let (title, one, two) = (Gate::closed(), Gate::closed(), Gate::closed());
        let (live, thread_id) = if first {
            app.model.rather(|request| request.is_title(), answer("A title").before(&title));
            app.model.then(slow("late", &one));
            let mut live = app.live("alice", &create("go")).await;
            let thread_id = thread_id(&[live.next().await.unwrap()]);
            while live.until("thread.item.updated").await["update"].get("delta").is_none() {}
            (live, thread_id)
        } else {
            let thread_id = thread(&app, "alice").await;
            app.model.then(slow("late", &one));
            (started(&app, &add(&thread_id, "go")).await, thread_id)
        };
        // Another one has taken over, and has stored something already.
        app.clock.advance(1);
        app.model.then(
            sse([message_added("msg_1"), message_done("msg_1", "One"), message_added("msg_2").item(1)])
                .wait(&two)
                .event(message_done("msg_2", "Two").item(1))
                .event(completed(usage(1, 0, 1, 0))),
        );
        let mut other = app.live("alice", &add(&thread_id, "on")).await;
        other.until("stream_options").await;
        other.until("thread.item.done").await;

        let delete = operation("threads.delete", json!({ "thread_id": thread_id }));
        assert_eq!(app.chatkit("alice", &delete).await.text, "{}");
        let gone = app.chatkit("alice", &add(&thread_id, "more")).await;
        assert_eq!(gone.error(404, "not_found"), "this thread does not exist");
        drop(other);
        [&title, &one, &two].into_iter().for_each(Gate::open_for_good);
        let events = live.rest().await;
        assert!(!kinds(&events).contains(&"thread.updated") && !kinds(&events).contains(&"error"), "{events:?}");
        app.settled(if first { 2 } else { 3 }, <[Value]>::is_empty).await;
        let list = app.chatkit("alice", &operation("threads.list", json!({}))).await.json();
        assert_eq!(list["data"], json!([]));
    }
}

#[tokio::test]
async fn turns_when_the_clock_goes_back_keep_their_order() {
    let app = App::with(NO_LIMITS).await;
    let thread_id = thread(&app, "alice").await;
    let mut expected = vec!["user: Hi".to_owned(), "assistant: Hello there".into()];
    for (number, step) in [-1_000, 0, -3_600_000, 1, 3_600_000, -1].into_iter().enumerate() {
        app.clock.advance(step);
        app.model.then(answer(&format!("answer {number}")));
        app.add("alice", &thread_id, &format!("question {number}")).await;
        expected.extend([format!("user: question {number}"), format!("assistant: answer {number}")]);
        assert_eq!(transcript(&app, "alice", &thread_id).await, expected);
    }
}

#[tokio::test]
async fn overlapping_turns_when_the_clock_goes_back_keep_answers_with_their_questions() {
    for step in [0, -1_000] {
        let app = App::with(NO_LIMITS).await;
        let thread_id = thread(&app, "alice").await;
        let mut expected = vec!["user: Hi".to_owned(), "assistant: Hello there".into()];
        let gates: Vec<_> = (0..8).map(|_| Gate::closed()).collect();
        let mut turns = Vec::new();
        for (number, gate) in gates.iter().enumerate() {
            app.clock.advance(step);
            app.model.then(slow(&format!("answer {number}"), gate));
            turns.push(started(&app, &add(&thread_id, &format!("question {number}"))).await);
            expected.extend([format!("user: question {number}"), format!("assistant: answer {number}")]);
        }
        for (gate, turn) in gates.iter().zip(turns).rev() {
            gate.open();
            turn.end().await;
        }
        assert_eq!(transcript(&app, "alice", &thread_id).await, expected);
    }
}
