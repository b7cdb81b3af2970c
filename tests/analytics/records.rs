//! The record of each turn.

use serde_json::{Value, json};

use super::{ask, costing};
use crate::harness::app::{App, create, thread_id};
use crate::harness::model::Gate;
use crate::harness::responses::{answer, upstream_error};

/// The records of single turns, without their ids, which must differ.
fn records(app: &App) -> Vec<Value> {
    let mut records = app.dynamo.records("usage");
    records.retain(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#"));
    records.sort_by_key(|record| record["sk"]["S"].to_string());
    let mut ids: Vec<_> = records.iter().map(|record| record["sk"]["S"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), records.len());
    for record in &mut records {
        record.as_object_mut().unwrap().remove("sk");
    }
    records
}

#[tokio::test]
async fn usage_record_is_written_for_each_turn() {
    let app = App::start().await;
    let gate = Gate::closed();
    app.model.then(answer("Hello there").stepwise(&gate));
    let turn = async { thread_id(&app.create("ada", "Hi").await) };
    let steps = async {
        app.model.asked(1).await;
        app.clock.advance(1_500);
        (0..16).for_each(|_| gate.open());
    };
    let (thread, ()) = tokio::join!(turn, steps);
    app.clock.advance(1);
    app.model.then(upstream_error(500, "server_error", "server_error"));
    app.send(ask("grace")).await.error(502, "upstream_error");
    app.clock.advance(1);
    app.model.then(costing(3, 2, 1, 0));
    assert_eq!(app.send(ask("grace")).await.status, 200);
    app.chatkit("ada", &json!({ "type": "threads.list", "params": {} })).await.json();
    app.chatkit("ada", &create(" ")).await.error(400, "bad_request");

    let retention = 90 * 86_400;
    let number = |value: i64| json!({ "N": value.to_string() });
    let expected = [
        json!({
            "pk": { "S": "default#2026-11-20" }, "at": { "S": "2026-11-20T12:00:00Z" }, "user": { "S": "ada" },
            "thread_id": { "S": thread }, "operation": { "S": "threads.create" }, "model": { "S": "test-model" },
            "outcome": { "S": "ok" }, "input_tokens": number(24), "cached_tokens": number(10),
            "output_tokens": number(4), "reasoning_tokens": number(0), "duration_ms": number(1_500),
            "first_token_ms": number(1_500), "expires_at": number(App::began() + retention),
        }),
        json!({
            "pk": { "S": "default#2026-11-20" }, "at": { "S": "2026-11-20T12:00:01.501Z" }, "user": { "S": "grace" },
            "operation": { "S": "chat" }, "model": { "S": "test-model" }, "outcome": { "S": "error" },
            "input_tokens": number(0), "cached_tokens": number(0), "output_tokens": number(0),
            "reasoning_tokens": number(0), "duration_ms": number(0), "expires_at": number(App::began() + retention + 1),
        }),
        json!({
            "pk": { "S": "default#2026-11-20" }, "at": { "S": "2026-11-20T12:00:01.502Z" }, "user": { "S": "grace" },
            "operation": { "S": "chat" }, "model": { "S": "test-model" }, "outcome": { "S": "ok" },
            "input_tokens": number(3), "cached_tokens": number(2), "output_tokens": number(1),
            "reasoning_tokens": number(0), "duration_ms": number(0), "first_token_ms": number(0),
            "expires_at": number(App::began() + retention + 1),
        }),
    ];
    assert_eq!(records(&app), expected);
    assert_eq!(
        app.dynamo.time_to_live("usage"),
        json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at" })
    );
}

#[tokio::test]
async fn usage_records_expire_as_configured() {
    for (days, seconds) in [("1", Some(86_400)), ("0", None)] {
        let app = App::with([("USAGE_RETENTION_DAYS", days)]).await;
        app.model.then(costing(3, 2, 1, 0));
        assert_eq!(app.send(ask("ada")).await.status, 200);
        let ends: Vec<_> = records(&app).iter().map(|record| record["expires_at"]["N"].clone()).collect();
        let expected: Vec<_> = seconds.iter().map(|seconds| json!((App::began() + seconds).to_string())).collect();
        assert_eq!(ends, expected);
        // The day's sums are kept either way.
        assert_eq!(super::rows(&app, "?startDate=2026-11-20").await[0]["total_requests"], 1);
    }
}
