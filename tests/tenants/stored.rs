//! The stored format of settings, and the document that is checked.

use chatkit_shared::engine::Tenants;
use chatkit_shared::env::Env;
use chatkit_shared::store::{SettingsChange, SettingsVersion};
use serde_json::{Value, json};

use crate::harness::dynamodb::Dynamo;
use crate::store::at;

/// As `infra/operate/assistant.py` writes them, too, whose test reads the same file.
const GOLDEN: &str = include_str!("../store/golden/settings.json");

fn version(version: u64, document: &str, previous: Option<u64>) -> SettingsVersion {
    let stored_at = at(i64::try_from(version).unwrap());
    SettingsVersion { version, document: document.to_owned(), stored_at, previous }
}

#[tokio::test]
async fn settings_keep_their_stored_format() {
    let dynamo = Dynamo::start().await;
    let settings = dynamo.settings();
    for (number, document) in [(1, "{\"limits\":{}}"), (2, "{}"), (4, "{\"plans\":{}}")] {
        if number == 4 {
            assert_eq!(settings.put("ac#me", "{\"broken", at(3)).await.unwrap(), SettingsChange::Counts(Some(3)));
            assert_eq!(settings.undo("ac#me").await.unwrap(), SettingsChange::Counts(Some(2)));
        }
        let put = settings.put("ac#me", document, at(number)).await.unwrap();
        assert_eq!(put, SettingsChange::Counts(Some(number.unsigned_abs())));
    }
    let mut records = dynamo.records("settings");
    records.sort_by_key(|record| record["sk"].to_string());
    assert_eq!(Value::Array(records), serde_json::from_str::<Value>(GOLDEN).unwrap());

    let dynamo = Dynamo::start().await;
    for record in serde_json::from_str::<Vec<Value>>(GOLDEN).unwrap() {
        dynamo.put("settings", &record);
    }
    let settings = dynamo.settings();
    assert_eq!(settings.current("ac#me").await.unwrap(), Some(version(4, "{\"plans\":{}}", None)));
    let versions = settings.versions("ac#me", 3).await.unwrap();
    let expected = [version(4, "{\"plans\":{}}", Some(2)), version(3, "{\"broken", Some(2)), version(2, "{}", Some(1))];
    assert_eq!(versions, expected);
    for expected in [Some(2), Some(1), None] {
        assert_eq!(settings.undo("ac#me").await.unwrap(), SettingsChange::Counts(expected));
        assert_eq!(settings.current("ac#me").await.unwrap().map(|current| current.version), expected);
    }
    assert_eq!(settings.undo("ac#me").await.unwrap(), SettingsChange::Nothing);
    assert_eq!(settings.put("ac#me", "{}", at(5)).await.unwrap(), SettingsChange::Counts(Some(5)));
    assert_eq!(settings.current("ac").await.unwrap(), None);
}

#[tokio::test]
async fn settings_changed_by_two_at_once_are_changed_by_one() {
    let dynamo = Dynamo::start().await;
    let settings = dynamo.settings();
    settings.put("acme", "{}", at(0)).await.unwrap();
    dynamo.lockstep(true);
    let (one, other) = tokio::join!(settings.put("acme", "{\"a\"", at(1)), settings.put("acme", "{\"b\"", at(1)));
    let outcomes = [one.unwrap(), other.unwrap()];
    assert!(outcomes.contains(&SettingsChange::Counts(Some(2))) && outcomes.contains(&SettingsChange::Conflict));
    let (one, other) = tokio::join!(settings.undo("acme"), settings.undo("acme"));
    let outcomes = [one.unwrap(), other.unwrap()];
    assert!(outcomes.contains(&SettingsChange::Counts(Some(1))) && outcomes.contains(&SettingsChange::Conflict));
}

/// What is wrong with settings; nothing if they are good.
fn fault(settings: &Value) -> String {
    let env = Env::from_iter([("MODEL", "m")]);
    Tenants::check(&env, &settings.to_string()).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn settings_are_checked_completely() {
    let tools = json!([{ "type": "web_search" }]);
    for good in [
        json!({}),
        json!({ "$schema": "x", "assistant": {}, "limits": {}, "plans": {}, "allowed_origins": [] }),
        json!({ "assistant": { "model": "own", "tools": tools }, "plans": { "pro": { "tools": ["web_search"] } } }),
        json!({ "limits": { "user_turns_per_minute": 0, "tenant_tokens_per_day": 4_000_000_000_u32 } }),
        json!({ "allowed_origins": ["https://a.example", "http://localhost:5173"] }),
    ] {
        assert_eq!(fault(&good), "", "{good}");
    }
    let endpoint = json!([{ "type": "function", "name": "f", "run": { "url": "https://a.example" } }]);
    for (bad, expected) in [
        (json!([]), "the document must be an object"),
        (json!({ "plan": {} }), "`plan` is not a known field; did you mean `plans`?"),
        (json!({ "assistant": { "modle": "m" } }), "`assistant.modle` is not a known field; did you mean `model`?"),
        (json!({ "assistant": [] }), "`assistant` must be an object"),
        (json!({ "assistant": { "tools": [{ "type": "x" }] } }), "`assistant.tools[0].type` must be"),
        (json!({ "assistant": { "tools": endpoint } }), "`assistant` has endpoints, and `TOOL_SIGNING_SECRET` or"),
        (json!({ "limits": { "turns": 1 } }), "`limits.turns` is not a known field"),
        (
            json!({ "limits": { "message_chars": 65_001 } }),
            "`limits.message_chars` must be a whole number from 0 to 65000",
        ),
        (json!({ "limits": { "message_chars": null } }), "`limits.message_chars` must be a whole number"),
        (
            json!({ "allowed_origins": ["https://a.example", "https://b.example/"] }),
            "`allowed_origins[1]` must be an origin",
        ),
        (json!({ "allowed_origins": ["*"] }), "`allowed_origins[0]` must be an origin"),
        (json!({ "plans": { "pro": { "tools": ["web_search"] } } }), "`plans.pro.tools[0]` must be the name"),
        (json!({ "plans": { "pro": { "models": ["fast"] } } }), "`plans.pro.models[0]` must be the `id`"),
        (json!({ "plans": { "pro": { "model": "" } } }), "`plans.pro.model` must be a text"),
        (
            json!({ "plans": { "pro": { "limits": { "tenant_tokens_per_day": 1 } } } }),
            "`plans.pro.limits.tenant_tokens_per_day` must be in",
        ),
        (
            json!({ "assistant": { "instructions": "x".repeat(100_000), "tools": [{ "type": "file_search",
            "vector_store_ids": ["v".repeat(40_000)] }] } }),
            "the document has more than 128 KB",
        ),
    ] {
        let fault = fault(&bad);
        assert!(fault.starts_with(expected), "{fault}");
    }
}
