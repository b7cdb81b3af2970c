//! What the model does, as the person sees it.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{kinds, named, reload, thread, transcript};
use crate::harness::app::{App, add};
use crate::harness::model::{Answer, Gate};
use crate::harness::names::Names;
use crate::harness::responses::{
    annotation_added, answer, completed, created, delta, incomplete, item_done, message, message_added, message_done,
    output_text, part_added, part_done, reasoning_added, reasoning_delta, reasoning_done, reasoning_text_done,
    refusal_delta, refusal_done, sse, text_done, url_citation, usage,
};

/// The events of an answer, without what precedes it.
async fn answered(app: &App, thread_id: &str, answer: Answer) -> Vec<Value> {
    app.model.then(answer);
    let events = app.add("alice", thread_id, "go").await;
    assert_eq!(kinds(&events[..2]), ["thread.item.done", "stream_options"]);
    named(&events[2..])
}

#[tokio::test]
async fn turn_with_thoughts_shows_a_workflow_that_ends_when_the_answer_begins() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let gate = Gate::closed();
    app.model.then(
        sse([
            created("resp_1"),
            reasoning_added("rs_1"),
            reasoning_delta("Let "),
            reasoning_delta("me"),
            reasoning_text_done("Let me."),
            reasoning_delta("Then").part(1),
        ])
        .wait(&gate)
        .event(reasoning_done("rs_1", &["Let me.", "Then that."]))
        .event(message_added("msg_1").item(1))
        .event(delta("So").item(1))
        .event(message_done("msg_1", "So").item(1))
        .event(completed(usage(10, 0, 20, 15))),
    );
    let mut live = app.live("alice", &add(&thread_id, "think")).await;
    live.until("stream_options").await;
    let mut events: Vec<Value> = Vec::new();
    while events.len() < 5 {
        events.push(live.next().await.unwrap());
    }
    app.clock.advance(3_999);
    gate.open();
    events.extend(live.rest().await);

    assert_snapshot!(Names::default().events(&events), @r#"
    thread.item.added {"item":{"created_at":"2026-11-20T12:00:00Z","id":"wf_1","thread_id":"thr_1",
      "type":"workflow","workflow":{"expanded":false,"tasks":[],"type":"reasoning"}}}
    thread.item.updated {"item_id":"wf_1","update":{"task":{"content":"Let ","status_indicator":"none",
      "type":"thought"},"task_index":0,"type":"workflow.task.added"}}
    thread.item.updated {"item_id":"wf_1","update":{"task":{"content":"Let me",
      "status_indicator":"none","type":"thought"},"task_index":0,"type":"workflow.task.updated"}}
    thread.item.updated {"item_id":"wf_1","update":{"task":{"content":"Let me.",
      "status_indicator":"none","type":"thought"},"task_index":0,"type":"workflow.task.updated"}}
    thread.item.updated {"item_id":"wf_1","update":{"task":{"content":"Then","status_indicator":"none",
      "type":"thought"},"task_index":1,"type":"workflow.task.added"}}
    thread.item.updated {"item_id":"wf_1","update":{"task":{"content":"Then that.",
      "status_indicator":"none","type":"thought"},"task_index":1,"type":"workflow.task.updated"}}
    thread.item.done {"item":{"created_at":"2026-11-20T12:00:00Z","id":"wf_1","thread_id":"thr_1",
      "type":"workflow","workflow":{"expanded":false,"summary":{"duration":3},
      "tasks":[{"content":"Let me.","status_indicator":"none","type":"thought"},{"content":"Then that.",
      "status_indicator":"none","type":"thought"}],"type":"reasoning"}}}
    thread.item.added {"item":{"content":[],"created_at":"2026-11-20T12:00:03.999Z","id":"msg_1",
      "thread_id":"thr_1","type":"assistant_message"}}
    thread.item.updated {"item_id":"msg_1","update":{"content":{"annotations":[],"text":"",
      "type":"output_text"},"content_index":0,"type":"assistant_message.content_part.added"}}
    thread.item.updated {"item_id":"msg_1","update":{"content_index":0,"delta":"So",
      "type":"assistant_message.content_part.text_delta"}}
    thread.item.updated {"item_id":"msg_1","update":{"content":{"annotations":[],"text":"So",
      "type":"output_text"},"content_index":0,"type":"assistant_message.content_part.done"}}
    thread.item.done {"item":{"content":[{"annotations":[],"text":"So","type":"output_text"}],
      "created_at":"2026-11-20T12:00:03.999Z","id":"msg_1","thread_id":"thr_1",
      "type":"assistant_message"}}
    "#);
    let items = reload(&app, "alice", &thread_id).await["items"]["data"].clone();
    assert_eq!([&items[3], &items[4]], [&events[6]["item"], &events[11]["item"]]);
}

#[tokio::test]
async fn turn_with_citations_annotates_the_text_at_their_positions() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let citation = url_citation("https://example.com/a", "A page", 0, 4);
    let file = json!({ "type": "file_citation", "filename": "notes.txt", "file_id": "file_1", "index": 4 });
    let nameless = json!({ "type": "file_path", "file_id": "file_2", "index": 1 });
    let whole = json!({ "type": "output_text", "text": "Héé!", "annotations": [citation, nameless, file] });
    let events = answered(
        &app,
        &thread_id,
        sse([
            message_added("msg_1"),
            part_added(),
            delta("Héé!"),
            annotation_added(citation.clone()),
            annotation_added(nameless.clone()),
            annotation_added(file.clone()),
            item_done(&message("msg_1", &json!([whole]))),
            completed(usage(1, 0, 1, 0)),
        ]),
    )
    .await;
    let updates: Vec<_> = events[3..].iter().map(|event| event.get("update").unwrap_or(event).clone()).collect();
    assert_snapshot!(Names::default().events(&updates), @r#"
    assistant_message.content_part.annotation_added {"annotation":{"index":4,"source":{"title":"A page",
      "type":"url","url":"https://example.com/a"},"type":"annotation"},"annotation_index":0,
      "content_index":0}
    assistant_message.content_part.annotation_added {"annotation":{"index":4,
      "source":{"filename":"notes.txt","title":"notes.txt","type":"file"},"type":"annotation"},
      "annotation_index":1,"content_index":0}
    assistant_message.content_part.done {"content":{"annotations":[{"index":4,
      "source":{"title":"A page","type":"url","url":"https://example.com/a"},"type":"annotation"},
      {"index":4,"source":{"filename":"notes.txt","title":"notes.txt","type":"file"},
      "type":"annotation"}],"text":"Héé!","type":"output_text"},"content_index":0}
    thread.item.done {"item":{"content":[{"annotations":[{"index":4,"source":{"title":"A page",
      "type":"url","url":"https://example.com/a"},"type":"annotation"},{"index":4,
      "source":{"filename":"notes.txt","title":"notes.txt","type":"file"},"type":"annotation"}],
      "text":"Héé!","type":"output_text"}],"created_at":"2026-11-20T12:00:00Z","id":"msg_1",
      "thread_id":"thr_1","type":"assistant_message"}}
    "#);
    let content = &events.last().unwrap()["item"]["content"];
    assert_eq!(reload(&app, "alice", &thread_id).await["items"]["data"][3]["content"], *content);
}

#[tokio::test]
async fn turn_when_the_model_refuses_shows_the_refusal_as_text() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let refusal = json!({ "type": "refusal", "refusal": "I cannot do that." });
    let events = answered(
        &app,
        &thread_id,
        sse([
            message_added("msg_1"),
            part_added().set("part", json!({ "type": "refusal", "refusal": "" })),
            refusal_delta("I cannot "),
            refusal_delta("do that."),
            refusal_done("I cannot do that."),
            item_done(&message("msg_1", &json!([refusal]))),
            completed(usage(1, 0, 1, 0)),
        ]),
    )
    .await;
    assert_eq!(
        kinds(&events),
        [
            "thread.item.added",
            "assistant_message.content_part.added",
            "assistant_message.content_part.text_delta",
            "assistant_message.content_part.text_delta",
            "assistant_message.content_part.done",
            "thread.item.done",
        ]
    );
    let content = json!([{ "type": "output_text", "annotations": [], "text": "I cannot do that." }]);
    assert_eq!(events[5]["item"]["content"], content);
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: I cannot do that."]);
}

#[tokio::test]
async fn turn_with_several_messages_stores_an_item_for_each() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let events = answered(
        &app,
        &thread_id,
        sse([
            message_added("msg_1"),
            part_added(),
            delta("One"),
            text_done("One"),
            part_done("One"),
            message_done("msg_1", "One"),
            reasoning_added("rs_1").item(1),
            reasoning_delta("Hm").item(1),
            message_added("msg_2").item(2),
            delta("Two").item(2),
            delta("Three").item(2).part(1),
            item_done(&message("msg_2", &json!([output_text("Two"), output_text("Three")]))).item(2),
            completed(usage(1, 0, 1, 0)),
        ]),
    )
    .await;
    let of = |event: &Value| {
        let item = event["item_id"].as_str().or_else(|| event["item"]["id"].as_str()).unwrap().to_owned();
        format!("{item} {}", kinds(std::slice::from_ref(event))[0].rsplit('.').next().unwrap())
    };
    assert_eq!(
        events.iter().map(of).collect::<Vec<_>>(),
        [
            "msg_1 added",
            "msg_1 added",
            "msg_1 text_delta",
            "msg_1 done",
            "msg_1 done",
            "wf_1 added",
            "wf_1 added",
            "wf_1 updated",
            "wf_1 done",
            "msg_2 added",
            "msg_2 added",
            "msg_2 text_delta",
            "msg_2 added",
            "msg_2 text_delta",
            "msg_2 done",
            "msg_2 done",
            "msg_2 done",
        ]
    );
    assert_eq!(
        transcript(&app, "alice", &thread_id).await[2..],
        ["user: go", "assistant: One", "workflow: ", "assistant: Two|Three"]
    );
    app.model.then(answer("ok"));
    app.add("alice", &thread_id, "next").await;
    assert_eq!(
        app.model.requests().last().unwrap().conversation()[2..],
        ["user: go", "assistant: One", "assistant: Two\nThree", "user: next"]
    );
}

#[tokio::test]
async fn turn_when_the_answer_is_incomplete_keeps_it_and_sends_a_notice() {
    for (reason, notice) in [
        ("max_output_tokens", "The answer was cut off because it became too long."),
        ("content_filter", "The answer was stopped by the content filter."),
        ("something new", "The answer is incomplete."),
    ] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        let cut = sse([message_added("msg_1"), part_added(), delta("Half an"), incomplete(reason, usage(7, 0, 3, 0))]);
        let events = answered(&app, &thread_id, cut).await;
        assert_eq!(kinds(&events[4..]), ["thread.item.done", "notice"]);
        assert_eq!(events[5], json!({ "type": "notice", "level": "warning", "message": notice }));
        assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: Half an"]);
        // The same may be asked again: the run is over.
        app.model.then(answer("whole"));
        let events = app.add("alice", &thread_id, "go").await;
        assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "whole");
    }
}

const NO_ANSWER: &str = "The assistant gave no answer. Please try again.";

#[tokio::test]
async fn turn_without_any_text_ends_in_an_error_that_allows_a_retry() {
    let empty = || [message_added("msg_1"), part_added(), text_done(""), message_done("msg_1", "")];
    let thought = || [reasoning_added("rs_1"), reasoning_delta("Hm"), reasoning_done("rs_1", &["Hm"])];
    let end = || completed(usage(1, 0, 1, 0));
    for (answer, shown, kept) in [
        (sse([end()]), vec![], 0),
        (sse([created("resp_1"), reasoning_added("rs_1"), reasoning_done("rs_1", &[]), end()]), vec![], 0),
        (
            sse(empty().into_iter().chain([end()])),
            vec![
                "thread.item.added",
                "assistant_message.content_part.added",
                "assistant_message.content_part.done",
                "thread.item.removed",
            ],
            0,
        ),
        (
            sse(thought().into_iter().chain([end()])),
            vec!["thread.item.added", "workflow.task.added", "workflow.task.updated", "thread.item.done"],
            1,
        ),
    ] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        let events = answered(&app, &thread_id, answer).await;
        let (error, before) = events.split_last().unwrap();
        assert_eq!(kinds(before), shown);
        assert_eq!(*error, json!({ "type": "error", "code": "custom", "message": NO_ANSWER, "allow_retry": true }));
        assert_eq!(transcript(&app, "alice", &thread_id).await.len(), 3 + kept);
    }
}

#[tokio::test]
async fn turn_with_an_empty_message_beside_another_removes_the_empty_one() {
    for empty_first in [false, true] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        let said = |index| [message_added("msg_1").item(index), message_done("msg_1", "Said").item(index)];
        let empty = |index| [message_added("msg_2").item(index), message_done("msg_2", "").item(index)];
        let messages = if empty_first { [empty(0), said(1)] } else { [said(0), empty(1)] };
        let end = completed(usage(1, 0, 1, 0));
        let events = answered(&app, &thread_id, sse(messages.into_iter().flatten().chain([end]))).await;
        assert!(!kinds(&events).contains(&"error"), "{empty_first} {events:#?}");
        assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: Said"]);
        // The run is over.
        app.model.then(crate::harness::responses::answer("Again"));
        assert_eq!(app.add("alice", &thread_id, "go").await.last().unwrap()["type"], "thread.item.done");
    }
}

#[tokio::test]
async fn turn_with_a_long_answer_streams_and_stores_all_of_it() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let text: String = (0..2_000).map(|number| format!("wörd{number} ")).collect();
    let events = answered(&app, &thread_id, answer(&text)).await;
    assert_eq!(events.len(), 2_000 + 4);
    let deltas: String = events.iter().filter_map(|event| event["update"]["delta"].as_str()).collect();
    assert_eq!(deltas, text);
    assert_eq!(transcript(&app, "alice", &thread_id).await[3], format!("assistant: {text}"));
}
