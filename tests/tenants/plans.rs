//! What the plan of a user decides.

use serde_json::{Value, json};

use super::{tools, with};
use crate::harness::app::{create, input};
use crate::harness::requests::{Carrying, get, post};

fn settings() -> Value {
    json!({
        "assistant": {
            "model": "basic",
            "composer": { "models": [{ "id": "fast", "label": "Fast", "model": "quick" }, { "id": "best", "label": "Best", "model": "large" }] },
            "tools": [
                { "type": "web_search" },
                { "type": "function", "name": "open_page", "run": "client" },
            ],
        },
        "limits": { "user_turns_per_minute": 3 },
        "plans": {
            "free": { "model": "small", "tools": [], "limits": { "user_turns_per_minute": 1, "message_chars": 20 } },
            "pro": { "models": ["best"], "tools": ["web_search"], "limits": { "user_tokens_per_hour": 500_000 } },
        },
    })
}

#[tokio::test]
async fn plan_selects_model_tools_and_limits() {
    let app = with([]).await;
    app.put_settings("acme", &settings()).await;
    for (plan, model, expected) in [
        (json!("free"), "small", &[][..]),
        (json!("pro"), "basic", &["web_search"]),
        (json!("gold"), "basic", &["web_search", "open_page"]),
        (Value::Null, "basic", &["web_search", "open_page"]),
        (json!(["free"]), "basic", &["web_search", "open_page"]),
    ] {
        app.clock.advance(60_000);
        let prompt = app.prompt(&json!({ "tenant": "acme", "plan": plan })).await;
        assert_eq!((prompt["model"].as_str().unwrap(), tools(&prompt)), (model, expected.to_vec()), "{plan}");
    }
    // A plan is one of the tenant's own.
    assert_eq!(app.prompt(&json!({ "plan": "free" })).await["model"], "test-model");
}

#[tokio::test]
async fn plan_limits_what_the_page_may_choose() {
    let app = with([]).await;
    app.put_settings("acme", &settings()).await;
    for (plan, choice, expected) in [
        ("gold", "fast", Ok("quick")),
        ("gold", "best", Ok("large")),
        ("pro", "best", Ok("large")),
        ("pro", "fast", Err(400)),
        // Nothing can be chosen, so a choice does not matter.
        ("free", "best", Ok("small")),
    ] {
        app.clock.advance(60_000);
        let mut operation = create("Hi");
        operation["params"]["input"]["inference_options"] = json!({ "model": choice });
        let claims = json!({ "tenant": "acme", "plan": plan });
        let answer = app.send(post("/chatkit", &operation).bearer(&app.token_with(&claims))).await;
        match expected {
            Ok(model) => {
                assert!(answer.events().iter().all(|event| event["type"] != "error"), "{plan}: {}", answer.text);
                assert_eq!(app.last_prompt()["model"], model, "{plan} {choice}");
            }
            Err(status) => assert_eq!(answer.status, status, "{plan} {choice}"),
        }
    }
}

#[tokio::test]
async fn plan_limits_turns_and_the_usage_says_so() {
    let app = with([]).await;
    app.put_settings("acme", &settings()).await;
    for (user, plan, turns, tokens) in [("a", "free", 1, 100_000), ("b", "pro", 3, 500_000), ("c", "", 3, 100_000)] {
        let claims = json!({ "sub": user, "tenant": "acme", "plan": plan });
        for _ in 0..turns {
            app.ask(&claims).await.events();
        }
        app.ask(&claims).await.error(429, "rate_limit_exceeded");
        let usage = app.send(get("/api/usage/me").bearer(&app.token_with(&claims))).await.json();
        assert_eq!((&usage["turns"]["limit"], &usage["tokens"]["limit"]), (&json!(turns), &json!(tokens)), "{plan}");
    }
    app.clock.advance(60_000);
    let long = json!({ "type": "threads.create", "params": { "input": input(&"x".repeat(21)) } });
    let free = app.token_with(&json!({ "tenant": "acme", "plan": "free" }));
    let told = app.send(post("/chatkit", &long).bearer(&free)).await.error(400, "bad_request");
    assert!(told.contains("20"), "{told}");
}

#[tokio::test]
async fn plan_counts_in_a_session_and_over_plain_chat_too() {
    let app = with([]).await;
    app.put_settings("acme", &settings()).await;
    let token = app.token_with(&json!({ "tenant": "acme", "plan": "free" }));
    let session = crate::harness::sessions::secret(
        &app.send(post(crate::harness::sessions::START, &json!({})).bearer(&token)).await,
    );
    let body = json!({ "message": "Hi", "stream": true });
    let answer = app.send(post("/api/chat", &body).bearer(&session)).await;
    assert!(answer.text.contains(r#""model":"small""#), "{}", answer.text);
    assert_eq!(app.last_prompt()["model"], "small");
}
