//! Usage by request and by day.

use chatkit_shared::model::HostedCalls;
use chatkit_shared::store::{DailyUsage, Outcome, UsageRecord};
use jiff::civil::{Date, date};
use serde_json::json;

use super::id;
use crate::harness::dynamodb::{Dynamo, Fault};

fn usage(number: usize, day: i8, model: &str, outcome: Outcome) -> UsageRecord {
    UsageRecord {
        id: id("req", number),
        at: format!("2026-11-{day:02}T23:59:59.5Z").parse().unwrap(),
        tenant: "ac#me".to_owned(),
        user: "ada".to_owned(),
        thread_id: None,
        operation: "threads.create".to_owned(),
        model: model.to_owned(),
        outcome,
        input_tokens: 100,
        cached_tokens: 40,
        output_tokens: 10,
        reasoning_tokens: 5,
        cache_write_tokens: 0,
        calls: HostedCalls::default(),
        picodollars: 0,
        is_priced: false,
        duration_ms: 1000,
        first_token_ms: None,
    }
}

fn daily(date: Date, model: &str, requests: u64, errors: u64) -> DailyUsage {
    DailyUsage {
        date,
        model: model.to_owned(),
        requests,
        errors,
        input_tokens: 100 * requests,
        cached_tokens: 40 * requests,
        output_tokens: 10 * requests,
        reasoning_tokens: 5 * requests,
        duration_ms: 1000 * requests,
        cache_write_tokens: 0,
        priced_requests: 0,
        picodollars: 0,
        positive_feedback: 0,
        negative_feedback: 0,
    }
}

#[tokio::test]
async fn record_costs_two_writes_in_one_round_trip() {
    let dynamo = Dynamo::start().await;
    let usage = UsageRecord {
        thread_id: Some("thr_1".to_owned()),
        first_token_ms: Some(20),
        ..usage(1, 20, "gpt#6%", Outcome::Incomplete)
    };
    dynamo.lockstep(true);
    dynamo.store().usage.record(&usage, 30).await.unwrap();
    let meter = dynamo.reset();
    assert_eq!((meter.units(), meter.round_trips()), ((0.0, 2.0), 1));
    let mut records = dynamo.records("usage");
    records.sort_by_key(|record| record["sk"]["S"].to_string());
    let expected = [
        json!({
            "pk": {"S": "ac%23me"}, "sk": {"S": "D#2026-11-20#gpt%236%25#0"},
            "requests": {"N": "1"}, "errors": {"N": "0"}, "input_tokens": {"N": "100"}, "cached_tokens": {"N": "40"},
            "output_tokens": {"N": "10"}, "reasoning_tokens": {"N": "5"}, "duration_ms": {"N": "1000"},
            "last": {"S": usage.id},
        }),
        json!({
            "pk": {"S": "ac%23me#2026-11-20"}, "sk": {"S": format!("R#{:026}", 1)},
            "at": {"S": "2026-11-20T23:59:59.5Z"}, "user": {"S": "ada"}, "thread_id": {"S": "thr_1"},
            "operation": {"S": "threads.create"}, "model": {"S": "gpt#6%"}, "outcome": {"S": "incomplete"},
            "input_tokens": {"N": "100"}, "cached_tokens": {"N": "40"}, "output_tokens": {"N": "10"},
            "reasoning_tokens": {"N": "5"}, "duration_ms": {"N": "1000"}, "first_token_ms": {"N": "20"},
            "expires_at": {"N": (usage.at.as_second() + 30 * 86_400).to_string()},
        }),
    ];
    assert_eq!(records, expected);
}

#[tokio::test]
async fn record_sums_up_days_by_model() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store().usage;
    for number in 1..=10 {
        store.record(&usage(number, 20, "b#", Outcome::Ok), 0).await.unwrap();
    }
    store.record(&usage(11, 20, "b#", Outcome::Error), 0).await.unwrap();
    store.record(&usage(12, 20, "a", Outcome::Incomplete), 0).await.unwrap();
    store.record(&usage(13, 21, "b#", Outcome::Ok), 0).await.unwrap();
    let other = UsageRecord { tenant: "ac".to_owned(), ..usage(14, 20, "a", Outcome::Ok) };
    store.record(&other, 0).await.unwrap();
    assert!(dynamo.records("usage").iter().all(|record| record["sk"]["S"].as_str().unwrap().starts_with("D#")));

    let (first, second) = (date(2026, 11, 20), date(2026, 11, 21));
    let days = [daily(first, "a", 1, 0), daily(first, "b#", 11, 1), daily(second, "b#", 1, 0)];
    assert_eq!(store.daily("ac#me", first, second).await.unwrap(), days);
    assert_eq!(store.daily("ac#me", first, first).await.unwrap(), days[..2]);
    assert_eq!(store.daily("ac#me", second, date(9999, 12, 31)).await.unwrap(), days[2..]);
    assert_eq!(store.daily("ac#me", second, first).await.unwrap(), []);
    assert_eq!(store.daily("nobody", first, second).await.unwrap(), []);
}

#[tokio::test]
async fn record_when_the_response_is_lost_counts_once() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store().usage;
    for number in 1..=5 {
        dynamo.fail("UpdateItem", "", Fault::CutAfter, 2);
        dynamo.fail("PutItem", "", Fault::CutAfter, 2);
        store.record(&usage(number, 20, "a", Outcome::Ok), 30).await.unwrap();
    }
    let day = date(2026, 11, 20);
    assert_eq!(store.daily("ac#me", day, day).await.unwrap(), [daily(day, "a", 5, 0)]);
    assert_eq!(dynamo.records("usage").iter().filter(|record| record["at"]["S"].is_string()).count(), 5);
}
