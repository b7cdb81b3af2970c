//! What turns cost.

use axum::Router;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{ask, rows};
use crate::harness::app::{Answer, App};
use crate::harness::model;
use crate::harness::responses::{
    completed, created, delta, message_added, message_done, part_added, sse, text_done, web_search,
};

const DAY: i64 = 86_400_000;

/// What the scripted model charges, in picodollars a token, by its own list: input, cached, written, output.
const LUNA: [u128; 4] = [100_000, 10_000, 125_000, 500_000];
const SOL: [u128; 4] = [2_000_000, 200_000, 2_500_000, 10_000_000];

fn costing(input: u64, cached: u64, written: u64, output: u64) -> model::Answer {
    let usage = json!({
        "input_tokens": input, "output_tokens": output,
        "input_tokens_details": { "cached_tokens": cached, "cache_write_tokens": written },
        "output_tokens_details": { "reasoning_tokens": output / 2 },
    });
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hello"), text_done("Hello")];
    sse(start.into_iter().chain([message_done("msg_1", "Hello"), completed(usage)]))
}

/// Picodollars of an amount in USD.
fn picodollars(usd: &Value) -> u128 {
    let text = usd.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

async fn send(router: &Router, user: &str) {
    let answer = Answer::of(router.clone().oneshot(ask(user)).await.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn month_reconciles_with_the_models_own_account() {
    let app = App::with([("MODEL", "gpt-6-luna"), ("LIMIT_USER_TOKENS_PER_HOUR", "0")]).await;
    let mut env = app.env.clone();
    env.set("MODEL", "gpt-6-sol");
    let other = App::router(&env, &app.clock, 2);
    let mut random = StdRng::seed_from_u64(13);
    let (mut luna, mut sol) = (0, 0);
    for _ in 0..30 {
        for _ in 0..random.random_range(0..12) {
            let input = random.random_range(1..100_000);
            let cached = random.random_range(0..=input);
            let written = random.random_range(0..=input - cached);
            let output = random.random_range(1..10_000);
            app.model.then(costing(input, cached, written, output));
            let is_luna = random.random();
            let (router, prices, account) =
                if is_luna { (&app.router, LUNA, &mut luna) } else { (&other, SOL, &mut sol) };
            let tokens = [input - cached - written, cached, written, output];
            *account += prices.iter().zip(tokens).map(|(price, tokens)| price * u128::from(tokens)).sum::<u128>();
            send(router, "ada").await;
        }
        app.clock.advance(DAY);
    }
    let month = "?startDate=2026-11-20&endDate=2026-12-20";
    let days = rows(&app, month).await;
    let sum = |rows: &Value, model: Option<&str>| {
        let rows = rows.as_array().unwrap().iter();
        rows.filter(|row| row["model"].as_str() == model).map(|row| picodollars(&row["cost_usd"])).sum::<u128>()
    };
    assert_eq!(sum(&days, None), luna + sol);
    assert!(days.as_array().unwrap().iter().all(|row| row["unpriced_requests"] == 0));
    let models = rows(&app, &format!("{month}&groupBy=model")).await;
    assert_eq!((sum(&models, Some("gpt-6-luna")), sum(&models, Some("gpt-6-sol"))), (luna, sol));
    let records = app.dynamo.records("usage");
    let recorded = records.iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#"));
    let recorded = recorded.map(|record| record["picodollars"]["N"].as_str().unwrap().parse::<u128>().unwrap());
    assert_eq!(recorded.sum::<u128>(), luna + sol);
}

#[tokio::test]
async fn title_and_hosted_calls_are_paid_for_with_the_turn() {
    let app = App::with([("MODEL", "gpt-6-luna")]).await;
    app.model.then(web_search("q", &["https://example.com"], "Hello there"));
    app.create("ada", "Hi").await;
    let rows = rows(&app, "?startDate=2026-11-20").await;
    // The answer and the title have 12 tokens of input, of which 5 were cached, and 2 of output; and one search.
    let answer = 7 * 100_000 + 5 * 10_000 + 2 * 500_000;
    assert_eq!(picodollars(&rows[0]["cost_usd"]), 2 * answer + 10_000_000_000, "{rows}");
}
