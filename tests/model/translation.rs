//! What OpenAI sends, event by event, and what becomes of it.

use chatkit_shared::model::{IncompleteReason, ModelEvent, TokenUsage};
use chatkit_shared::protocol::{Annotation, AssistantContent, Source};
use serde_json::json;

use super::events;
use crate::harness::responses::{
    Event, annotation_added, answer, completed, created, delta, incomplete, item_added, item_done, message,
    message_added, message_done, output_text, part_added, part_done, reasoning_added, reasoning_delta, reasoning_done,
    reasoning_text_done, refusal_delta, refusal_done, sse, text_done, url_citation, usage,
};

pub(super) fn started(message: u64, upstream_id: &str) -> ModelEvent {
    ModelEvent::MessageStarted { message, upstream_id: Some(upstream_id.to_owned()) }
}

pub(super) fn added(message: u64, index: u64) -> ModelEvent {
    ModelEvent::PartAdded { message, index }
}

pub(super) fn text(message: u64, index: u64, text: &str) -> ModelEvent {
    ModelEvent::TextDelta { message, index, text: text.to_owned() }
}

pub(super) fn whole(message: u64, index: u64, text: &str) -> ModelEvent {
    ModelEvent::PartDone { message, index, text: text.to_owned() }
}

pub(super) fn done(message: u64, texts: &[&str]) -> ModelEvent {
    let content = texts.iter().map(|text| AssistantContent { annotations: Vec::new(), text: (*text).to_owned() });
    ModelEvent::MessageDone { message, content: content.collect() }
}

pub(super) const COMPLETED: ModelEvent = ModelEvent::Completed(None);

#[tokio::test]
async fn ordinary_answer_becomes_these_events() {
    assert_eq!(
        events(answer("Hello there")).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "Hello "),
            text(0, 0, "there"),
            whole(0, 0, "Hello there"),
            done(0, &["Hello there"]),
            ModelEvent::Completed(Some(TokenUsage {
                input: 12,
                cached: 5,
                output: 2,
                reasoning: 0,
                ..TokenUsage::default()
            })),
        ]
    );
}

#[tokio::test]
async fn thoughts_are_numbered_across_the_answer() {
    let delta_of = |part, text: &str| ModelEvent::ReasoningDelta { part, text: text.to_owned() };
    let done_of = |part, text: &str| ModelEvent::ReasoningDone { part, text: text.to_owned() };
    let answer = sse([
        created("resp_1"),
        reasoning_added("rs_1"),
        reasoning_delta("First "),
        reasoning_delta("thought"),
        reasoning_text_done("First thought"),
        reasoning_delta("Second").part(1),
        reasoning_text_done("Second").part(1),
        reasoning_done("rs_1", &["First thought", "Second"]),
        reasoning_added("rs_2").item(1),
        reasoning_delta("Third").item(1),
        reasoning_text_done("Third").item(1),
        reasoning_done("rs_2", &["Third"]).item(1),
        message_added("msg_1").item(2),
        delta("Yes").item(2),
        message_done("msg_1", "Yes").item(2),
        completed(usage(9, 0, 40, 38)),
    ]);
    assert_eq!(
        events(answer).await,
        [
            ModelEvent::ReasoningStarted,
            delta_of(0, "First "),
            delta_of(0, "thought"),
            done_of(0, "First thought"),
            delta_of(1, "Second"),
            done_of(1, "Second"),
            ModelEvent::ReasoningStarted,
            delta_of(2, "Third"),
            done_of(2, "Third"),
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "Yes"),
            whole(0, 0, "Yes"),
            done(0, &["Yes"]),
            ModelEvent::Completed(Some(TokenUsage {
                input: 9,
                cached: 0,
                output: 40,
                reasoning: 38,
                ..TokenUsage::default()
            })),
        ]
    );
}

#[tokio::test]
async fn messages_with_several_parts_become_these_events() {
    let answer = sse([
        message_added("msg_1"),
        part_added(),
        delta("One"),
        text_done("One"),
        part_done("One"),
        part_added().part(1),
        delta("Two").part(1),
        text_done("Two").part(1),
        part_done("Two").part(1),
        item_done(&message("msg_1", &json!([output_text("One"), output_text("Two")]))),
        message_added("msg_2").item(1),
        part_added().item(1),
        delta("Three").item(1),
        text_done("Three").item(1),
        part_done("Three").item(1),
        message_done("msg_2", "Three").item(1),
        completed(json!(null)),
    ]);
    assert_eq!(
        events(answer).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "One"),
            whole(0, 0, "One"),
            added(0, 1),
            text(0, 1, "Two"),
            whole(0, 1, "Two"),
            done(0, &["One", "Two"]),
            started(1, "msg_2"),
            added(1, 0),
            text(1, 0, "Three"),
            whole(1, 0, "Three"),
            done(1, &["Three"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn refusal_becomes_text() {
    let refusal = |text: &str| json!({"type": "refusal", "refusal": text});
    let answer = sse([
        message_added("msg_1"),
        part_added().set("part", refusal("")),
        refusal_delta("I can't "),
        refusal_delta("do that."),
        refusal_done("I can't do that."),
        part_done("").set("part", refusal("I can't do that.")),
        item_done(&message("msg_1", &json!([refusal("I can't do that.")]))),
        completed(json!(null)),
    ]);
    assert_eq!(
        events(answer).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "I can't "),
            text(0, 0, "do that."),
            whole(0, 0, "I can't do that."),
            done(0, &["I can't do that."]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn citations_become_annotations_or_are_dropped() {
    let file = json!({"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 3});
    let annotations = [
        file.clone(),
        json!({"type": "container_file_citation", "container_id": "c", "file_id": "f", "filename": "b.csv",
            "start_index": 1, "end_index": 4}),
        url_citation("https://example.com/", "Example", 0, 5),
        url_citation("https://example.com/untitled", "", 0, 6),
        json!({"type": "file_citation", "file_id": "file_2", "filename": "", "index": 3}),
        json!({"type": "file_path", "file_id": "file_3", "index": 3}),
        json!({"type": "something_new"}),
    ];
    let source = |filename: &str| Source::File {
        title: filename.to_owned(),
        description: None,
        timestamp: None,
        group: None,
        filename: filename.to_owned(),
    };
    let page = |url: &str, title: &str| Source::Url {
        title: title.to_owned(),
        description: None,
        timestamp: None,
        group: None,
        url: url.to_owned(),
        attribution: None,
    };
    let converted = [
        Annotation { source: source("a.pdf"), index: Some(3) },
        Annotation { source: source("b.csv"), index: Some(4) },
        Annotation { source: page("https://example.com/", "Example"), index: Some(5) },
        Annotation { source: page("https://example.com/untitled", "https://example.com/untitled"), index: Some(6) },
    ];
    let content = json!([{"type": "output_text", "text": "Source", "annotations": annotations}]);
    let start = [message_added("msg_1"), part_added(), delta("Source")];
    let end = [text_done("Source"), item_done(&message("msg_1", &content)), completed(json!(null))];
    let answer = sse(start.into_iter().chain(annotations.map(annotation_added)).chain(end));

    let mut expected = vec![started(0, "msg_1"), added(0, 0), text(0, 0, "Source")];
    expected.extend(converted.clone().map(|annotation| ModelEvent::AnnotationAdded {
        message: 0,
        index: 0,
        annotation: Box::new(annotation),
    }));
    expected.push(whole(0, 0, "Source"));
    let content = AssistantContent { annotations: converted.into(), text: "Source".to_owned() };
    expected.push(ModelEvent::MessageDone { message: 0, content: vec![content] });
    expected.push(COMPLETED);
    assert_eq!(events(answer).await, expected);
}

#[tokio::test]
async fn incomplete_answer_has_its_reason() {
    for (wire, reason) in [
        ("max_output_tokens", IncompleteReason::MaxOutputTokens),
        ("content_filter", IncompleteReason::ContentFilter),
        ("something_new", IncompleteReason::Other),
    ] {
        let answer = sse([message_added("msg_1"), delta("Hel"), incomplete(wire, usage(1, 0, 2, 0))]);
        assert_eq!(
            events(answer).await,
            [
                started(0, "msg_1"),
                added(0, 0),
                text(0, 0, "Hel"),
                whole(0, 0, "Hel"),
                done(0, &["Hel"]),
                ModelEvent::Incomplete {
                    reason,
                    usage: Some(TokenUsage { input: 1, cached: 0, output: 2, reasoning: 0, ..TokenUsage::default() })
                },
            ]
        );
    }
}

#[tokio::test]
async fn usage_of_impossible_size_is_capped() {
    let count = json!({"input_tokens": u64::MAX, "output_tokens": u64::MAX});
    let most = TokenUsage { input: 1 << 32, cached: 0, output: 1 << 32, reasoning: 0, ..TokenUsage::default() };
    let events = events(sse([message_done("msg_1", "Hi"), completed(count)])).await;
    assert_eq!(events.last(), Some(&ModelEvent::Completed(Some(most))));
}

#[tokio::test]
async fn events_without_meaning_are_ignored() {
    let unknown = json!({"id": "new_1", "type": "something_new", "status": "in_progress"});
    let answer = sse([
        created("resp_1"),
        Event::new(json!({"type": "response.in_progress", "response": {"output": "of a strange form"}})),
        item_added(&unknown),
        Event::new(json!({"type": "response.something_new.searching", "output_index": 0, "item_id": "new_1"})),
        item_done(&unknown),
        message_added("msg_1").item(1),
        part_added().set("part", json!({"type": "reasoning_text", "text": "hidden"})).item(1),
        part_added().item(1).part(1),
        delta("Hi").item(1).part(1),
        Event::new(json!({"type": "response.output_text.delta", "delta": {"of": "a strange form"}})),
        Event::new(json!({"type": "keepalive"})),
        message_done("msg_1", "ignored")
            .item(1)
            .set("item", message("msg_1", &json!([{"type": "new"}, output_text("Hi")]))),
        delta("too late").item(1),
        completed(json!(null)),
    ])
    .bytes("data: [DONE]\n\n");
    assert_eq!(
        events(answer).await,
        [started(0, "msg_1"), added(0, 0), text(0, 0, "Hi"), whole(0, 0, "Hi"), done(0, &["Hi"]), COMPLETED,]
    );
}
