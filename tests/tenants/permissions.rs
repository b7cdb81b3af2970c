//! Tools that ask for a permission.

use serde_json::{Value, json};

use super::{tools, with};
use crate::harness::app::App;
use crate::harness::requests::{Carrying, get, post};
use crate::harness::responses::{answer, function_call};
use crate::harness::sessions::{REFRESH, START, secret};
use crate::harness::site::{SIGNING_SECRET, Site};
use crate::harness::tokens::read;

fn assistant(url: &str) -> Value {
    json!({ "tools": [
        { "type": "function", "name": "find_order", "run": { "url": url } },
        { "type": "function", "name": "refund", "run": { "url": url }, "permission": "orders:refund" },
        { "type": "web_search", "permission": "search" },
    ], "composer": { "tools": [{ "id": "r", "label": "Refund", "tool": "refund" }] } })
}

async fn shop() -> (App, Site) {
    let site = Site::new([]).await;
    let document = assistant(&site.url).to_string();
    (with([("ASSISTANT", &document), ("TOOL_SIGNING_SECRET", SIGNING_SECRET)]).await, site)
}

#[tokio::test]
async fn tool_with_a_permission_is_shown_to_who_has_it() {
    let (app, _site) = shop().await;
    for (claims, expected) in [
        (json!({}), &["find_order"][..]),
        (json!({ "permissions": ["orders:read", "orders"] }), &["find_order"]),
        (json!({ "permissions": ["orders:refund"] }), &["find_order", "refund"]),
        (json!({ "scope": "search orders:refund" }), &["find_order", "refund", "web_search"]),
    ] {
        let prompt = app.prompt(&claims).await;
        assert_eq!(tools(&prompt), expected, "{claims}");
        assert!(!prompt.to_string().contains("permission"), "{prompt}");
    }
}

#[tokio::test]
async fn call_of_a_tool_that_the_user_may_not_use_is_refused() {
    let (app, site) = shop().await;
    let mut calls = vec![answer("No"), function_call("call_1", "refund", "{}")];
    app.model.by(move |_| calls.pop().unwrap());
    app.ask(&json!({})).await.events();
    assert!(site.asked().is_empty());
    let asked = app.model.requests().into_iter().rfind(|request| !request.is_title()).unwrap();
    let output = asked.conversation().pop().unwrap();
    assert_eq!(output, r#"output: {"error":"there is no function of this name"}"#);
}

#[tokio::test]
async fn session_carries_permissions_of_tools_and_none_of_routes() {
    let (app, _site) = shop().await;
    let all = ["analytics:read", "orders:refund", "conversations:read", "search"];
    let token = app.token_with(&json!({ "permissions": all }));
    let session = secret(&app.send(post(START, &json!({})).bearer(&token)).await);
    assert_eq!(read(&session).1["permissions"], json!(["orders:refund", "search"]));
    let create = crate::harness::app::create("Hi");
    app.send(post("/chatkit", &create).bearer(&session)).await.events();
    assert_eq!(tools(&app.last_prompt()), ["find_order", "refund", "web_search"]);
    // The site's own token reads analytics; the page's never does.
    let analytics = |token: &str| get("/api/analytics?startDate=2026-11-19&endDate=2026-11-20").bearer(token);
    assert_eq!(app.send(analytics(&token)).await.status, 200);
    app.send(analytics(&session)).await.error(403, "forbidden");

    // What the site says at a refresh counts, not what it said before.
    let fewer = app.token_with(&json!({ "permissions": ["search", "analytics:read"] }));
    let body = json!({ "currentClientSecret": session });
    let next = secret(&app.send(post(REFRESH, &body).bearer(&fewer)).await);
    assert_eq!(read(&next).1["permissions"], json!(["search"]));
    app.send(analytics(&next)).await.error(403, "forbidden");
}

#[tokio::test]
async fn session_without_permissions_or_with_too_many_has_those_that_fit() {
    let (app, _site) = shop().await;
    let permissions = async |permissions: Vec<String>| {
        let token = app.token_with(&json!({ "permissions": permissions }));
        read(&secret(&app.send(post(START, &json!({})).bearer(&token)).await)).1["permissions"].clone()
    };
    assert_eq!(permissions(Vec::new()).await, Value::Null);
    let long: Vec<_> = (0..20).map(|number| format!("{number:03}{}", "x".repeat(94))).collect();
    assert_eq!(permissions(long.clone()).await, json!(long[..10]));
    assert_eq!(permissions(vec!["x".repeat(2_000), "search".to_owned()]).await, json!(["search"]));
}
