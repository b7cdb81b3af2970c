//! Chunks, and what becomes of them.

use chatkit_shared::model::{ModelEvent, TokenUsage};
use chatkit_shared::protocol::{Annotation, AssistantContent, Source};
use serde_json::json;

use super::super::translation::{COMPLETED, added, done, text, whole};
use super::{STARTED, events};
use crate::harness::completions::{Chunk, DONE, answer, chunks, content, delta, finish, role};
use crate::harness::responses::url_citation;

/// Everything of a message with the one text "Hello".
fn hello() -> Vec<ModelEvent> {
    vec![STARTED, added(0, 0), text(0, 0, "Hello"), whole(0, 0, "Hello"), done(0, &["Hello"]), COMPLETED]
}

/// Everything of one thought.
fn thought(deltas: &[&str]) -> Vec<ModelEvent> {
    let mut events = vec![ModelEvent::ReasoningStarted];
    events.extend(deltas.iter().map(|text| ModelEvent::ReasoningDelta { part: 0, text: (*text).to_owned() }));
    events.push(ModelEvent::ReasoningDone { part: 0, text: deltas.concat() });
    events
}

#[tokio::test]
async fn ordinary_answer_becomes_these_events() {
    assert_eq!(
        events(answer("Hello there")).await,
        [
            STARTED,
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
async fn thoughts_under_any_known_name_are_read() {
    let thinking = |text: &str| json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]});
    for [first, second] in [
        [json!({"reasoning_content": "Hm, "}), json!({"reasoning_content": "hm", "content": ""})],
        [json!({"reasoning": "Hm, ", "content": null}), json!({"reasoning": "hm", "reasoning_content": null})],
        [
            json!({"reasoning": "Hm, ", "reasoning_content": "Hm, "}),
            json!({"reasoning": "hm", "reasoning_content": ""}),
        ],
        [json!({"content": [thinking("Hm, ")]}), json!({"content": [thinking("hm"), {"type": "new"}]})],
    ] {
        let answer = chunks([role(), delta(&first), delta(&second), content("Hello"), finish("stop")]).bytes(DONE);
        assert_eq!(events(answer).await, [thought(&["Hm, ", "hm"]), hello()].concat());
    }
}

#[tokio::test]
async fn thought_and_text_in_one_chunk_come_in_order() {
    let both = delta(&json!({"content": "Hello", "reasoning_content": "Hm"}));
    assert_eq!(events(chunks([both, finish("stop")]).bytes(DONE)).await, [thought(&["Hm"]), hello()].concat());

    let parts = json!([{"type": "text", "text": "Hello"}, {"type": "thinking", "thinking": []}]);
    assert_eq!(events(chunks([delta(&json!({"content": parts})), finish("stop")]).bytes(DONE)).await, hello());
}

#[tokio::test]
async fn thought_after_text_does_not_split_the_message() {
    let answer =
        chunks([content("Hel"), delta(&json!({"reasoning": "\n"})), content("lo"), finish("stop")]).bytes(DONE);
    assert_eq!(
        events(answer).await,
        [
            STARTED,
            added(0, 0),
            text(0, 0, "Hel"),
            text(0, 0, "lo"),
            whole(0, 0, "Hello"),
            done(0, &["Hello"]),
            COMPLETED
        ]
    );
}

#[tokio::test]
async fn thoughts_without_text_end_with_the_answer() {
    let answer = chunks([delta(&json!({"reasoning": "Hm"})), finish("stop")]).bytes(DONE);
    assert_eq!(events(answer).await, [thought(&["Hm"]), vec![COMPLETED]].concat());
}

#[tokio::test]
async fn refusal_becomes_text() {
    let refusal = |text: &str| delta(&json!({"refusal": text, "content": null}));
    let answer = chunks([role(), refusal("I can't "), refusal("do that."), finish("stop")]).bytes(DONE);
    assert_eq!(
        events(answer).await,
        [
            STARTED,
            added(0, 0),
            text(0, 0, "I can't "),
            text(0, 0, "do that."),
            whole(0, 0, "I can't do that."),
            done(0, &["I can't do that."]),
            COMPLETED,
        ]
    );

    let answer = chunks([content("Well. "), refusal("No."), finish("stop")]).bytes(DONE);
    assert_eq!(
        events(answer).await,
        [
            STARTED,
            added(0, 0),
            text(0, 0, "Well. "),
            added(0, 1),
            text(0, 1, "No."),
            whole(0, 0, "Well. "),
            whole(0, 1, "No."),
            done(0, &["Well. ", "No."]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn citations_become_annotations() {
    let annotation =
        json!({"type": "url_citation", "url_citation": url_citation("https://example.com/", "Page", 0, 5)});
    let others = json!([annotation, {"type": "url_citation", "url_citation": {"url": ""}}, {"type": "file"}, 1]);
    let answer = chunks([
        content("Hello"),
        delta(&json!({"annotations": [annotation]})),
        delta(&json!({"annotations": others})),
        finish("stop"),
    ]);
    let source = Source::Url {
        title: "Page".to_owned(),
        description: None,
        timestamp: None,
        group: None,
        url: "https://example.com/".to_owned(),
        attribution: None,
    };
    let annotation = Annotation { source, index: Some(5) };
    let content = AssistantContent { annotations: vec![annotation.clone()], text: "Hello".to_owned() };
    assert_eq!(
        events(answer.bytes(DONE)).await,
        [
            STARTED,
            added(0, 0),
            text(0, 0, "Hello"),
            ModelEvent::AnnotationAdded { message: 0, index: 0, annotation: Box::new(annotation) },
            whole(0, 0, "Hello"),
            ModelEvent::MessageDone { message: 0, content: vec![content] },
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn chunks_without_meaning_are_ignored() {
    let other_choice = |text: &str| content(text).choice("index", json!(1));
    let two = json!([{"index": 1, "delta": {"content": "second"}}, {"index": 0, "delta": {"content": "lo"}}]);
    let answer = chunks([
        Chunk::new(json!({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]})),
        Chunk::new(json!({"choices": null, "usage": null, "error": null})),
        Chunk::new(json!({"object": "ping"})),
        Chunk::new(json!("a mere text")),
        Chunk::new(json!(null)),
        role().set("id", json!("__fake_id__")),
        other_choice("another answer"),
        delta(&json!({"content": {"of": "a strange form"}, "reasoning": ["of", "a", "strange", "form"]})),
        delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}, 1], "function_call": "f"})),
        delta(&json!(null)),
        content("Hel").set("id", json!("")).choice("finish_reason", json!("")),
        Chunk::new(json!({"choices": two, "usage": "of a strange form", "id": 7})),
        other_choice("").choice("finish_reason", json!("length")),
        finish("stop").set("usage", json!({"prompt_tokens": -1})),
        content("too late"),
        finish("length"),
    ])
    .bytes("event: ping\ndata: {}\n\n")
    .bytes(DONE);
    assert_eq!(
        events(answer).await,
        [
            STARTED,
            added(0, 0),
            text(0, 0, "Hel"),
            text(0, 0, "lo"),
            whole(0, 0, "Hello"),
            done(0, &["Hello"]),
            COMPLETED
        ]
    );
}

#[tokio::test]
async fn minimal_chunks_are_read() {
    let chunk = |choice: serde_json::Value| Chunk::new(json!({"choices": [choice]}));
    let answer = chunks([chunk(json!({"delta": {"content": "Hello"}})), chunk(json!({"finish_reason": "stop"}))]);
    assert_eq!(events(answer).await, hello());
    let answer = chunks([chunk(json!({"delta": {"content": "Hello"}, "finish_reason": "stop"}))]);
    assert_eq!(events(answer).await, hello());
    assert_eq!(events(chunks([finish("stop")])).await, [COMPLETED]);
}

#[tokio::test]
async fn thought_in_tags_is_no_text() {
    for pieces in [
        &["<think>Hm</think>\n\nHello"][..],
        &["\n", "<thi", "nk>\n", "Hm", "\n</", "think>", "\n\n", "Hello"],
        &["<think>", "Hm", "</think>Hello"],
    ] {
        let answer =
            chunks([role()].into_iter().chain(pieces.iter().map(|piece| content(piece))).chain([finish("stop")]));
        assert_eq!(events(answer.bytes(DONE)).await, [thought(&["Hm"]), hello()].concat(), "{pieces:?}");
    }
    let endless = chunks([content("<think>Hm"), content("\n"), finish("stop")]).bytes(DONE);
    assert_eq!(events(endless).await, [thought(&["Hm"]), vec![COMPLETED]].concat());
}
