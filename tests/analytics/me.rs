//! `/api/usage/me` and `/health`.

use axum::body::Body;
use http::Method;
use serde_json::json;

use super::{ask, costing};
use crate::harness::app::App;
use crate::harness::requests::{Carrying, get, headers, post};

#[tokio::test]
async fn usage_shows_the_users_own_limits() {
    let app = App::start().await;
    let (ada, grace) = (app.user_token("ada"), app.session("grace").await);
    let unused = json!({
        "turns": { "limit": 20, "remaining": 20, "window_seconds": 60, "resets_at": App::began() },
        "tokens": {
            "limit": 100_000, "used": 0, "remaining": 100_000, "window_seconds": 3_600,
            "resets_at": App::began() + 3_600,
        },
    });
    assert_eq!(app.send(get("/api/usage/me").bearer(&ada)).await.json(), unused);
    for _ in 0..3 {
        app.model.then(costing(100, 0, 20, 0));
        assert_eq!(app.send(ask("ada")).await.status, 200);
    }
    let used = json!({
        "turns": { "limit": 20, "remaining": 17, "window_seconds": 60, "resets_at": App::began() + 9 },
        "tokens": {
            "limit": 100_000, "used": 360, "remaining": 99_640, "window_seconds": 3_600,
            "resets_at": App::began() + 3_600,
        },
    });
    assert_eq!(app.send(get("/api/usage/me").bearer(&ada)).await.json(), used);
    // To look is not to use, and nobody sees another's.
    assert_eq!(app.send(get("/api/usage/me").bearer(&ada)).await.json(), used);
    assert_eq!(app.send(get("/api/usage/me").bearer(&grace)).await.json(), unused);
    app.clock.advance(3_000);
    let later = app.send(get("/api/usage/me").bearer(&ada)).await.json();
    assert_eq!((&later["turns"]["remaining"], &later["turns"]["resets_at"]), (&json!(18), &json!(App::began() + 9)));
    // When all of them are there again, that is now, not some time ago.
    app.clock.advance(57_000);
    let full = app.send(get("/api/usage/me").bearer(&ada)).await.json();
    let turns = json!({ "limit": 20, "remaining": 20, "window_seconds": 60, "resets_at": App::began() + 60 });
    assert_eq!(full["turns"], turns);
    app.clock.advance(3_600_000);
    let next = app.send(get("/api/usage/me").bearer(&ada)).await.json();
    let tokens = json!({
        "limit": 100_000, "used": 0, "remaining": 100_000, "window_seconds": 3_600, "resets_at": App::began() + 7_200,
    });
    assert_eq!(next["tokens"], tokens);
}

#[tokio::test]
async fn usage_and_analytics_count_as_requests() {
    let app = App::with([("LIMIT_USER_REQUESTS_PER_MINUTE", "2")]).await;
    let (ada, day) = (app.user_token("ada"), "/api/analytics?startDate=2026-11-20&endDate=2026-11-20");
    let of_ada = |path: &str| crate::harness::app::request(Method::GET, path, "ada", Body::empty());
    assert_eq!(app.send(get("/api/usage/me").bearer(&ada)).await.status, 200);
    assert_eq!(app.dynamo.reset().units(), (0.5, 1.0));
    assert_eq!(app.send(of_ada(day)).await.status, 200);
    app.dynamo.reset();
    for path in ["/api/usage/me", day] {
        let refused = app.send(of_ada(path)).await;
        assert_eq!(refused.error(429, "rate_limit_exceeded"), "too many requests, please try again later");
        assert_eq!(refused.headers["retry-after"], "30");
    }
    assert_eq!(app.dynamo.reset().units(), (0.0, 2.0), "what is refused is not read");
    // So do the others of that limit.
    app.chatkit("ada", &json!({ "type": "threads.list", "params": {} })).await.error(429, "rate_limit_exceeded");
    assert_eq!(app.send(get("/api/usage/me").bearer(&app.user_token("grace"))).await.status, 200);
    // What is no request of this route, or nobody's, costs nothing.
    app.dynamo.reset();
    app.send(get(day).bearer(&ada)).await.error(403, "forbidden");
    app.send(of_ada("/api/analytics?startDate=today")).await.error(400, "bad_request");
    app.send(get("/api/usage/me")).await.error(401, "unauthorized");
    assert_eq!(app.dynamo.reset().calls, []);
    app.clock.advance(30_000);
    assert_eq!(app.send(of_ada(day)).await.status, 200);
}

#[tokio::test]
async fn usage_beyond_the_budget_shows_nothing_remaining() {
    let app = App::with([("LIMIT_USER_TOKENS_PER_HOUR", "1000")]).await;
    app.model.then(costing(1300, 0, 20, 0));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    let answer = app.send(get("/api/usage/me").bearer(&app.user_token("ada"))).await.json();
    assert_eq!((&answer["tokens"]["used"], &answer["tokens"]["remaining"]), (&json!(1320), &json!(0)));
}

#[tokio::test]
async fn usage_leaves_out_limits_that_are_off() {
    let app = App::with([("LIMIT_USER_TURNS_PER_MINUTE", "0"), ("LIMIT_USER_TOKENS_PER_HOUR", "0")]).await;
    assert_eq!(app.send(get("/api/usage/me").bearer(&app.user_token("ada"))).await.json(), json!({}));
}

#[tokio::test]
async fn usage_of_a_visitor_shows_their_own() {
    let app = App::start().await;
    let (visitor, _) = app.visit().await;
    app.model.then(costing(1, 0, 1, 0));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    assert_eq!(app.send(post("/api/chat", &body).bearer(&visitor)).await.status, 200);
    let answer = app.send(get("/api/usage/me").bearer(&visitor)).await.json();
    assert_eq!((&answer["turns"]["remaining"], &answer["tokens"]["used"]), (&json!(19), &json!(2)));
    app.send(get("/api/usage/me")).await.error(401, "unauthorized");
}

#[tokio::test]
async fn health_needs_no_token_and_no_store() {
    let app = App::start().await;
    app.dynamo.fail("GetItem", "", crate::harness::dynamodb::Fault::Throttle, 10);
    for request in [get("/health"), get("/health?x=1").bearer("nonsense")] {
        let answer = app.send(request).await;
        let body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
        assert_eq!((answer.status.as_u16(), answer.json()), (200, body));
        assert!(headers(&answer).contains(&("cache-control", "no-store")));
    }
    assert_eq!(app.dynamo.reset().calls, []);
}
