//! What a model is paid for stays within the budget, whatever is asked: it counts with a real tokenizer, says as much
//! as it may, breaks off, and sometimes does not count at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Request;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tiktoken_rs::{CoreBPE, o200k_base_singleton};

use super::race;
use super::tokens::used;
use crate::harness::app::{Answer, App, add, chatkit, create};
use crate::harness::model::{self, ModelRequest};
use crate::harness::responses::{
    call_events, completed, created, delta, incomplete, message_added, message_done, part_added, sse, usage,
};

const BUDGETS: [u64; 4] = [2_500, 9_000, 30_000, 100_000];
const MAX_OUTPUT_TOKENS: usize = 400;

/// Texts of which a tokenizer makes few or many tokens.
const TEXTS: [&str; 6] = ["hello world and so on ", "𒀀𒁀𒂀", "q7#Zx!9_", "\u{1}\u{2}\u{7f}", "㐀㐁𠀀", "👩‍👩‍👧‍👦é"];

/// What OpenAI's models add to each entry of a conversation, about.
const OVERHEAD_TOKENS: u64 = 4;

fn count(tokenizer: &CoreBPE, value: &Value) -> u64 {
    match value {
        Value::String(text) => tokenizer.encode_ordinary(text).len() as u64,
        Value::Array(values) => values.iter().map(|value| count(tokenizer, value) + OVERHEAD_TOKENS).sum(),
        Value::Object(entry) => {
            let said = ["content", "text", "name", "arguments", "output"];
            said.iter().filter_map(|key| entry.get(*key)).map(|value| count(tokenizer, value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Answers, and adds what it bills.
fn answer(tokenizer: &CoreBPE, dice: &mut StdRng, billed: &AtomicU64, request: &ModelRequest) -> model::Answer {
    let body = &request.body;
    let tools: u64 =
        body["tools"].as_array().into_iter().flatten().map(|tool| count(tokenizer, &json!(tool.to_string()))).sum();
    let input = count(tokenizer, &body["input"]) + count(tokenizer, &body["instructions"]) + tools + OVERHEAD_TOKENS;
    let most = usize::try_from(body["max_output_tokens"].as_u64().unwrap()).unwrap();
    let text = TEXTS[dice.random_range(0..TEXTS.len())].repeat(most);
    let tokens = tokenizer.encode_ordinary(&text);
    let wanted = dice.random_range(1..=most + most / 4);
    let said = &tokens[..tokens.len().min(wanted).min(most)];
    let text = String::from_utf8_lossy(&tokenizer.decode_bytes(said).unwrap()).into_owned();
    let output = said.len() as u64;
    billed.fetch_add(input + output, Ordering::Relaxed);
    let reported = if dice.random_bool(0.2) { json!(null) } else { usage(input, 0, output, 0) };
    let begin = [created("resp_1"), message_added("msg_1"), part_added(), delta(&text)];
    if dice.random_bool(0.1) {
        return sse(begin).abort();
    }
    if body["tools"].is_array() && dice.random_bool(0.3) {
        let call = call_events("call_1", "pick", &json!({ "text": "x" }).to_string());
        return sse([created("resp_1")].into_iter().chain(call).chain([completed(reported)]));
    }
    let end = if wanted > most { incomplete("max_output_tokens", reported) } else { completed(reported) };
    sse(begin.into_iter().chain([message_done("msg_1", &text), end]))
}

fn text(dice: &mut StdRng) -> String {
    let length = [1, 20, 400, 3_000][dice.random_range(0..4)];
    TEXTS[dice.random_range(0..TEXTS.len())].chars().cycle().take(length).collect()
}

/// What the user does next: begins a thread, goes on in one, answers a tool, has an answer made again.
fn request(dice: &mut StdRng, threads: &[String], questions: &[(String, String)]) -> Request<axum::body::Body> {
    let thread = (!threads.is_empty()).then(|| threads[dice.random_range(0..threads.len())].clone());
    match (dice.random_range(0..10), thread) {
        (0..2, _) | (_, None) => chatkit("ada", &create(&text(dice))),
        (2..4, Some(thread)) => {
            let output = json!({ "thread_id": thread, "result": { "text": text(dice) } });
            chatkit("ada", &json!({ "type": "threads.add_client_tool_output", "params": output }))
        }
        (4..6, Some(_)) if !questions.is_empty() => {
            let (thread, item) = &questions[dice.random_range(0..questions.len())];
            let params = json!({ "thread_id": thread, "item_id": item });
            chatkit("ada", &json!({ "type": "threads.retry_after_item", "params": params }))
        }
        (_, Some(thread)) => chatkit("ada", &add(&thread, &text(dice))),
    }
}

async fn play(seed: u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let budget = BUDGETS[dice.random_range(0..BUDGETS.len())];
    let tool = json!({ "type": "function", "name": "pick", "parameters": { "type": "object" }, "run": "client" });
    let document = json!({ "instructions": TEXTS[1].repeat(10), "tools": [tool] }).to_string();
    let app = App::with([
        ("LIMIT_USER_TOKENS_PER_HOUR", &*budget.to_string()),
        ("LIMIT_USER_TURNS_PER_MINUTE", "0"),
        ("MAX_OUTPUT_TOKENS", &MAX_OUTPUT_TOKENS.to_string()),
        ("MAX_CONTEXT_TOKENS", "1500"),
        ("ASSISTANT", &document),
    ])
    .await;
    let billed = Arc::new(AtomicU64::new(0));
    let (mut answers, bill) = (StdRng::seed_from_u64(!seed), Arc::clone(&billed));
    app.model.by(move |request| answer(o200k_base_singleton(), &mut answers, &bill, request));
    let (mut threads, mut questions) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        app.clock.advance(1_000);
        let at_once = dice.random_range(1..=3);
        let requests = (0..at_once).map(|_| request(&mut dice, &threads, &questions)).collect();
        for response in race(std::slice::from_ref(&app.router), requests).await {
            let answer = Answer::of(response).await;
            if answer.status != 200 {
                continue;
            }
            for event in answer.events() {
                if event["type"] == "thread.created" {
                    threads.push(event["thread"]["id"].as_str().unwrap().to_owned());
                }
                let item = &event["item"];
                if event["type"] == "thread.item.done" && item["type"] == "user_message" {
                    let id = |key: &str| item[key].as_str().unwrap().to_owned();
                    questions.push((id("thread_id"), id("id")));
                }
            }
        }
        let (billed, used) = (billed.load(Ordering::Relaxed), used(&app, "ada").await.as_u64().unwrap());
        assert!(billed <= used, "seed {seed}: {billed} were billed, and {used} are counted");
        assert!(billed <= budget, "seed {seed}: {billed} were billed, of {budget}");
    }
    assert!(billed.load(Ordering::Relaxed) > 0, "seed {seed}: nothing was asked");
}

#[tokio::test]
async fn spending_stays_within_the_budget_whatever_is_asked() {
    for seed in 0..24 {
        play(seed).await;
    }
}

proptest! {
    /// What the bound rests on.
    #[test]
    fn tokenizer_makes_at_most_one_token_of_a_byte(text in any::<String>()) {
        prop_assert!(o200k_base_singleton().encode_ordinary(&text).len() <= text.len());
    }
}
