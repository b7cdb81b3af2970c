//! How answers end, and where their count comes.

use std::time::Duration;

use chatkit_shared::model::{Api, IncompleteReason, Model, ModelConfig, ModelEvent, TokenUsage};
use futures_util::TryStreamExt;
use serde_json::json;

use super::super::prompt;
use super::super::translation::{COMPLETED, added, done, text, whole};
use super::{STARTED, events};
use crate::harness::completions::{Chunk, DONE, chunks, content, counted, finish, role, usage};
use crate::harness::model::{Answer, Gate, ScriptedModel};
use crate::harness::outside::client;
use crate::harness::responses::LEAK;

fn whole_count() -> ModelEvent {
    ModelEvent::Completed(Some(TokenUsage { input: 9, cached: 4, output: 3, reasoning: 2, ..TokenUsage::default() }))
}

/// The events of an answer that says "Hi", without the message's.
async fn ending(answer: Answer) -> Vec<ModelEvent> {
    let mut events = events(answer).await;
    let message: Vec<_> = events.drain(..5).collect();
    assert_eq!(message, [STARTED, added(0, 0), text(0, 0, "Hi"), whole(0, 0, "Hi"), done(0, &["Hi"])]);
    events
}

#[tokio::test]
async fn finish_reason_of_each_kind_has_its_ending() {
    let cut = |reason| ModelEvent::Incomplete { reason, usage: None };
    for (reason, end) in [
        ("stop", COMPLETED),
        ("tool_calls", COMPLETED),
        ("end_turn", COMPLETED),
        ("eos_token", COMPLETED),
        ("length", cut(IncompleteReason::MaxOutputTokens)),
        ("model_length", cut(IncompleteReason::MaxOutputTokens)),
        ("content_filter", cut(IncompleteReason::ContentFilter)),
        ("abort", cut(IncompleteReason::Other)),
        ("something_new", cut(IncompleteReason::Other)),
    ] {
        assert_eq!(ending(chunks([role(), content("Hi"), finish(reason)]).bytes(DONE)).await, [end], "{reason}");
    }
    assert_eq!(ending(chunks([content("Hi")]).bytes(DONE)).await, [cut(IncompleteReason::Other)]);
}

#[tokio::test]
async fn usage_is_read_wherever_a_server_sends_it() {
    let last = || usage(9, 4, 3, 2);
    let nothing = || usage(0, 0, 0, 0);
    for answer in [
        chunks([content("Hi"), finish("stop"), counted(last())]),
        chunks([content("Hi"), finish("stop"), finish("stop").set("usage", last())]),
        chunks([content("Hi"), finish("stop").set("usage", last())]),
        chunks([content("Hi"), finish("stop").choice("usage", last())]),
        chunks([content("Hi").set("usage", usage(9, 4, 1, 0)), finish("stop").set("usage", last())]),
        chunks([content("Hi").set("usage", last()), finish("stop")]),
        chunks([content("Hi").set("usage", last()), finish("stop"), counted(nothing())]),
        chunks([content("Hi").set("usage", nothing()), finish("stop"), counted(json!(null)), counted(last())]),
    ] {
        assert_eq!(ending(answer.clone()).await, [whole_count()], "{answer:?}");
        assert_eq!(ending(answer.clone().bytes(DONE)).await, [whole_count()], "{answer:?}");
    }
}

#[tokio::test]
async fn usage_without_details_is_read() {
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": null});
    let usage_of = TokenUsage { input: 9, cached: 0, output: 3, reasoning: 0, ..TokenUsage::default() };
    let answer = chunks([content("Hi"), finish("stop"), counted(usage)]);
    assert_eq!(ending(answer).await, [ModelEvent::Completed(Some(usage_of))]);
}

#[tokio::test]
async fn usage_of_impossible_size_is_capped() {
    let count = json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX});
    let answer = chunks([content("Hi"), finish("stop"), counted(count)]);
    let most = TokenUsage { input: 1 << 32, cached: 0, output: 1 << 32, reasoning: 0, ..TokenUsage::default() };
    assert_eq!(ending(answer).await, [ModelEvent::Completed(Some(most))]);
}

#[tokio::test]
async fn complete_answer_stays_complete_whatever_follows() {
    let whole = || chunks([content("Hi"), finish("stop")]);
    for answer in [
        whole(),
        whole().bytes(DONE),
        whole().bytes(": a comment\n\n"),
        whole().bytes("data: {\"cho"),
        whole().bytes("data: no JSON\n\n"),
        whole().bytes(&b"data: \xff\xff\n\n"[..]),
        whole().bytes(Chunk::new(json!({"error": {"message": LEAK}})).encode()),
        whole().abort(),
        whole().hang(),
    ] {
        assert_eq!(ending(answer.clone()).await, [COMPLETED], "{answer:?}");
    }
}

#[tokio::test]
async fn answer_is_not_read_beyond_its_usage() {
    let upstream = ScriptedModel::start().await;
    let never = Gate::closed();
    upstream.then(chunks([content("Hi"), finish("stop"), counted(usage(9, 4, 3, 2))]).wait(&never).bytes(DONE));
    let config = ModelConfig { api: Api::ChatCompletions, ..upstream.config() };
    let stream = Model::new(&config, client()).stream(&prompt()).await.unwrap();
    let events = tokio::time::timeout(Duration::from_secs(10), stream.try_collect::<Vec<_>>()).await.unwrap();
    assert_eq!(events.unwrap().last(), Some(&whole_count()));
}
