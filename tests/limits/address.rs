//! The bucket of a client address on `start` and `refresh`.

use serde_json::json;

use super::{count, race};
use crate::harness::app::{Answer, App};
use crate::harness::requests::{Carrying, post};
use crate::harness::sessions::START;

const REFUSAL: &str = "too many requests, please try again later";

async fn start(app: &App, address: &str) -> Answer {
    app.send(post(START, &json!({})).coming_from(address)).await
}

/// Empties the bucket of an address.
async fn exhaust(app: &App, address: &str) {
    for number in 0..10 {
        assert_eq!(start(app, address).await.status, 200, "{address} {number}");
    }
    assert_eq!(start(app, address).await.error(429, "rate_limit_exceeded"), REFUSAL);
}

#[tokio::test]
async fn start_by_default_admits_ten_at_once_and_one_a_second() {
    let app = App::start().await;
    let mut statuses = Vec::new();
    for _ in 0..15 {
        let answer = start(&app, "192.0.2.1").await;
        statuses.push(answer.status.as_u16());
        if answer.status != 200 {
            assert_eq!(answer.error(429, "rate_limit_exceeded"), REFUSAL);
            assert_eq!(answer.headers["retry-after"], "1");
            assert_eq!(answer.headers.get("set-cookie"), None);
        }
    }
    assert_eq!(statuses, [[200; 10].as_slice(), &[429; 5]].concat());
    // What the header says is true to the microsecond.
    app.clock.advance(999);
    assert_eq!(start(&app, "192.0.2.1").await.status, 429);
    app.clock.advance(1);
    assert_eq!(start(&app, "192.0.2.1").await.status, 200);
    assert_eq!(start(&app, "192.0.2.1").await.status, 429);
    app.clock.advance(3_600_000);
    exhaust(&app, "192.0.2.1").await;
}

#[tokio::test]
async fn start_its_alias_and_refresh_share_one_limit() {
    let app = App::start().await;
    let ada = app.user_token("ada");
    let secret = app.session("ada").await;
    for number in 0..3 {
        assert_eq!(app.send(post("/api/chatkit/session", &json!({}))).await.status, 200, "{number}");
        assert_eq!(app.send(post(START, &json!({})).bearer(&ada)).await.status, 200, "{number}");
        assert_eq!(app.refresh(&secret, Some("ada")).await.status, 200, "{number}");
    }
    for path in [START, "/api/chatkit/session"] {
        app.send(post(path, &json!({})).bearer(&ada)).await.error(429, "rate_limit_exceeded");
    }
    app.refresh(&secret, Some("ada")).await.error(429, "rate_limit_exceeded");
    // A forged secret costs as much as a good one.
    app.refresh("forged", None).await.error(429, "rate_limit_exceeded");
    // The other routes have nothing to do with it.
    assert_eq!(
        app.send(post("/chatkit", &json!({ "type": "threads.list", "params": {} })).bearer(&ada)).await.status,
        200
    );
}

#[tokio::test]
async fn refresh_with_guessed_secrets_uses_up_the_limit() {
    let app = App::start().await;
    for _ in 0..10 {
        app.refresh("guessed", None).await.error(401, "unauthorized");
    }
    app.refresh("guessed", None).await.error(429, "rate_limit_exceeded");
}

#[tokio::test]
async fn start_from_another_address_has_its_own_limit() {
    let app = App::start().await;
    exhaust(&app, "192.0.2.1").await;
    for address in ["192.0.2.2", "192.0.2.10", "2001:db8::1"] {
        assert_eq!(start(&app, address).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn start_from_the_same_ipv6_network_shares_one_limit() {
    let app = App::start().await;
    exhaust(&app, "2001:db8:1:2::1").await;
    for address in ["2001:db8:1:2::2", "2001:db8:1:2:ffff:ffff:ffff:ffff"] {
        start(&app, address).await.error(429, "rate_limit_exceeded");
    }
    for address in ["2001:db8:1:3::1", "2001:db8:2:2::1", "2001:db8::1"] {
        assert_eq!(start(&app, address).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn start_from_an_ipv4_address_written_as_ipv6_shares_its_limit() {
    let app = App::start().await;
    exhaust(&app, "192.0.2.1").await;
    start(&app, "::ffff:192.0.2.1").await.error(429, "rate_limit_exceeded");
    assert_eq!(start(&app, "::ffff:192.0.2.2").await.status, 200);
}

#[tokio::test]
async fn start_with_forwarding_headers_ignores_them() {
    let app = App::start().await;
    exhaust(&app, "192.0.2.1").await;
    let names = ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip"];
    for name in names {
        let value = if name == "forwarded" { "for=198.51.100.1" } else { "198.51.100.1" };
        let answer = app.send(post(START, &json!({})).with(name, value)).await;
        assert_eq!(answer.error(429, "rate_limit_exceeded"), REFUSAL, "{name}");
    }
    assert_eq!(start(&app, "198.51.100.1").await.status, 200);
}

#[tokio::test]
async fn start_without_an_address_shares_one_limit() {
    let app = App::start().await;
    let nowhere = || {
        let mut request = post(START, &json!({}));
        request.extensions_mut().clear();
        request
    };
    for _ in 0..10 {
        assert_eq!(app.send(nowhere()).await.status, 200);
    }
    app.send(nowhere()).await.error(429, "rate_limit_exceeded");
}

#[tokio::test]
async fn start_raced_from_two_processes_admits_exactly_the_limit() {
    let app = App::start().await;
    let routers = [app.router.clone(), App::router(&app.env, &app.clock, 2)];
    let crowd = || (0..40).map(|_| post(START, &json!({}))).collect();
    let responses = race(&routers, crowd()).await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (10, 30));
    app.clock.advance(3_000);
    let responses = race(&routers, crowd()).await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (3, 37));
}

#[tokio::test]
async fn start_with_a_configured_limit_applies_it() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "2"), ("LIMIT_ADDRESS_PER_SECOND", "4")]).await;
    for expected in [200, 200, 429] {
        assert_eq!(start(&app, "192.0.2.1").await.status, expected);
    }
    app.clock.advance(250);
    for expected in [200, 429] {
        assert_eq!(start(&app, "192.0.2.1").await.status, expected);
    }
}

#[tokio::test]
async fn start_when_the_limit_is_zero_admits_all_and_writes_nothing() {
    for variable in ["LIMIT_ADDRESS_BURST", "LIMIT_ADDRESS_PER_SECOND"] {
        let app = App::with([(variable, "0")]).await;
        for _ in 0..12 {
            assert_eq!(start(&app, "192.0.2.1").await.status, 200);
        }
        assert_eq!(app.dynamo.reset().calls, [], "what is off costs nothing");
    }
}

#[tokio::test]
async fn start_when_the_store_fails_is_unavailable() {
    let app = App::start().await;
    app.dynamo.fail("UpdateItem", "", crate::harness::dynamodb::Fault::Throttle, 10);
    let answer = start(&app, "192.0.2.1").await;
    assert_eq!(answer.error(503, "unavailable"), "the service cannot answer right now, please try again");
    app.dynamo.reset();
    assert_eq!(start(&app, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn start_behind_a_cdn_takes_the_address_from_the_configured_header() {
    let app = App::with([("CLIENT_ADDRESS_HEADER", "x-client-address")]).await;
    let from = |client: &'static str| {
        let mut request = post(START, &json!({})).coming_from("203.0.113.9");
        request.headers_mut().insert("x-client-address", client.parse().unwrap());
        app.send(request)
    };
    for _ in 0..10 {
        assert_eq!(from("192.0.2.1").await.status, 200);
    }
    from("192.0.2.1").await.error(429, "rate_limit_exceeded");
    assert_eq!(from("192.0.2.2").await.status, 200);
    // What is no address is nobody in particular: all of them share one bucket.
    for number in 0..10 {
        assert_eq!(from("nonsense").await.status, 200, "{number}");
    }
    assert_eq!(start(&app, "203.0.113.9").await.status, 429);
}
