//! Which pages may call.

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::{Env, EnvError};
use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::SigningKeys;
use chatkit_shared::ids::Ids;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::json;

use super::ROUTES;
use crate::harness::app::{Answer, App, create};
use crate::harness::outside::outside;
use crate::harness::requests::{Carrying, bare, get, headers, post};
use crate::harness::responses::answer;
use crate::harness::sessions::START;

const ORIGIN: &str = "https://www.example.com";
const ORIGINS: (&str, &str) = ("ALLOWED_ORIGINS", "https://www.example.com, http://localhost:5173,");
const FOREIGN: [&str; 9] = [
    "https://evil.example",
    "https://www.example.com.evil.example",
    "https://evil.example/https://www.example.com",
    "https://example.com",
    "https://www.example.com:8443",
    "http://www.example.com",
    "https://WWW.example.com",
    "null",
    "*",
];

fn preflight(path: &str, method: &str, origin: &str) -> Request<Body> {
    bare(Method::OPTIONS, path, Body::empty())
        .with("origin", origin)
        .with("access-control-request-method", method)
        .with("access-control-request-headers", "authorization,content-type,x-anything")
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.headers.get("access-control-allow-origin").map(|origin| origin.to_str().unwrap())
}

#[tokio::test]
async fn preflight_on_every_route_is_answered() {
    let app = App::with([ORIGINS]).await;
    for (method, path, _) in ROUTES {
        for origin in [ORIGIN, "http://localhost:5173"] {
            let answer = app.send(preflight(path, method, origin)).await;
            let expected = [
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-headers", "authorization,content-type,x-anything"),
                ("access-control-allow-methods", "GET,POST,DELETE"),
                ("access-control-allow-origin", origin),
                ("access-control-max-age", "7200"),
                (
                    "allow",
                    if path.ends_with("/run") {
                        "GET,HEAD,DELETE"
                    } else if method == "GET" {
                        "GET,HEAD"
                    } else {
                        method
                    },
                ),
                ("cache-control", "no-store"),
                ("content-length", "0"),
                ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
                ("referrer-policy", "no-referrer"),
                ("vary", "origin, access-control-request-headers"),
                ("x-content-type-options", "nosniff"),
            ];
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{path}");
            assert_eq!(headers(&answer), expected, "{path}");
        }
    }
    assert_eq!(app.dynamo.reset().calls, []);
}

#[tokio::test]
async fn request_from_another_origin_is_not_allowed_and_not_echoed() {
    let app = App::with([ORIGINS]).await;
    for (method, path, _) in ROUTES {
        for origin in FOREIGN {
            let answer = app.send(preflight(path, method, origin)).await;
            assert_eq!((answer.status.as_u16(), allowed(&answer)), (200, None), "{path} {origin}");
            let request = bare(method.parse().unwrap(), path, Body::from("{}")).with("origin", origin);
            assert_eq!(allowed(&app.send(request).await), None, "{path} {origin}");
        }
    }
}

#[tokio::test]
async fn request_when_no_origins_are_configured_is_allowed_from_the_same_origin_only() {
    let app = App::start().await;
    for origin in FOREIGN.into_iter().chain([ORIGIN]) {
        assert_eq!(allowed(&app.send(preflight("/chatkit", "POST", origin)).await), None);
        assert_eq!(allowed(&app.send(get("/health").with("origin", origin)).await), None);
    }
    // Such a page sends no origin on reads, and one that need not be allowed on the rest.
    assert_eq!(app.send(get("/health")).await.status, 200);
    let own = post(START, &json!({})).with("origin", ORIGIN).with("host", "www.example.com");
    assert_eq!(app.send(own).await.status, 200);
}

#[tokio::test]
async fn start_for_a_page_of_another_origin_is_refused_before_the_bucket() {
    let app = App::with([ORIGINS]).await;
    for path in [START, "/api/chatkit/session"] {
        for origin in FOREIGN {
            // As a form or `fetch` in the mode `no-cors` sends it, which asks for no preflight.
            for request in [bare(Method::POST, path, Body::empty()), post(path, &json!({}))] {
                let request = request.with("origin", origin).with("host", "chat.example.com");
                let answer = app.send(request).await;
                let message = "pages of this origin may not do this: it is not in `ALLOWED_ORIGINS`";
                assert_eq!(answer.error(403, "forbidden"), message, "{origin}");
                assert_eq!(answer.headers.get("set-cookie"), None);
            }
        }
    }
    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(app.dynamo.reset().calls, [], "nothing was counted");
    assert_eq!(app.send(post("/chatkit", &list).bearer(&app.user_token("ada"))).await.status, 200);

    for request in [
        post(START, &json!({})).with("origin", ORIGIN),
        post(START, &json!({})).with("origin", "https://chat.example.com").with("host", "chat.example.com"),
        // Behind a proxy that rewrites the host, the browser's own word counts. No page can write this header.
        post(START, &json!({})).with("origin", "https://site.example").with("sec-fetch-site", "same-origin"),
        // No browser.
        bare(Method::POST, START, Body::empty()),
    ] {
        assert_eq!(app.send(request).await.status, 200);
    }
    let same_site = post(START, &json!({})).with("origin", "https://a.example.com").with("sec-fetch-site", "same-site");
    app.send(same_site).await.error(403, "forbidden");
    let unnamed = post(START, &json!({})).with("sec-fetch-site", "cross-site");
    app.send(unnamed).await.error(403, "forbidden");
}

#[tokio::test]
async fn start_for_a_page_that_sends_no_json_is_refused_before_the_bucket() {
    let app = App::with([ORIGINS]).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "json"] {
        let request = bare(Method::POST, START, Body::from("{}")).with("content-type", content_type);
        app.send(request.with("origin", ORIGIN)).await.error(415, "unsupported_media_type");
    }
    app.send(bare(Method::POST, START, Body::empty()).with("origin", ORIGIN))
        .await
        .error(415, "unsupported_media_type");
    assert_eq!(app.dynamo.reset().calls, []);
}

#[tokio::test]
async fn answers_and_errors_to_an_allowed_origin_are_readable() {
    let app = App::with([ORIGINS]).await;
    let token = app.user_token("ada");
    app.model.then(answer("Hello"));
    let large = json!({ "currentClientSecret": "x".repeat(1 << 20) });
    let refused = |status: u16, request: Request<Body>| (status, request.with("origin", ORIGIN));
    let requests = [
        refused(200, get("/health")),
        refused(200, post(START, &json!({}))),
        refused(200, post("/chatkit", &create("Hi")).bearer(&token)),
        refused(400, post("/chatkit", &json!({})).bearer(&token)),
        refused(401, post("/chatkit", &json!({}))),
        refused(403, get("/api/analytics").bearer(&token)),
        refused(404, get("/nowhere")),
        refused(405, get("/chatkit")),
        refused(413, post("/api/chatkit/refresh", &large)),
        refused(415, bare(Method::POST, "/chatkit", Body::empty()).bearer(&token)),
    ];
    for (status, request) in requests {
        let path = request.uri().path().to_owned();
        let answer = app.send(request).await;
        assert_eq!((answer.status.as_u16(), allowed(&answer)), (status, Some(ORIGIN)), "{path} {}", answer.text);
        assert_eq!(answer.headers["access-control-allow-credentials"], "true");
        assert_eq!(answer.headers["access-control-expose-headers"], "x-request-id,retry-after");
        assert_eq!(answer.headers["vary"], "origin, access-control-request-headers");
    }
}

/// What a router is wrapped in that answers pages of these origins.
fn layer(origins: &str) -> Result<HttpLayer, EnvError> {
    let env = Env::from_iter([
        ("ALLOWED_ORIGINS", origins),
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
    let keys = SigningKeys::required(&env, &outside(&env, &clock).secrets)?;
    HttpLayer::from_env(&env, keys, clock.clone(), Ids::seeded(clock, 1))
}

#[tokio::test]
async fn panic_answer_to_an_allowed_origin_is_readable() {
    let layer = layer(ORIGINS.1).unwrap();
    let router: Router = layer.wrap(Router::new().route("/panic", on_get(async || -> () { panic!("canary") })));
    for _ in 0..2 {
        let request = get("/panic").with("origin", ORIGIN);
        let answer = Answer::of(tower::ServiceExt::oneshot(router.clone(), request).await.unwrap()).await;
        assert_eq!(answer.error(500, "internal_error"), "something went wrong on our side");
        assert_eq!(allowed(&answer), Some(ORIGIN));
    }
}

#[tokio::test]
async fn start_when_an_origin_can_never_match_fails() {
    let fault = |origins: &str| layer(origins).err().map(|error| error.to_string());
    for origins in [
        "",
        " , ",
        "https://www.example.com",
        "http://localhost:3000,http://127.0.0.1:8080,http://[::1]:8080",
        "https://xn--bcher-kva.example",
        "capacitor://localhost",
        "chrome-extension://abcdefghijklmnop",
    ] {
        assert_eq!(fault(origins), None, "{origins}");
    }
    let message = "`ALLOWED_ORIGINS` must be a comma-separated list of origins like `https://www.example.com`; \
                   `http` only of this machine";
    for origins in [
        "*",
        "null",
        "www.example.com",
        "example.com:443",
        "https://",
        "//www.example.com",
        "https://www.example.com/",
        "https://www.example.com/chat",
        "https://www.example.com?x",
        "https://*.example.com",
        "https://canary:secret@www.example.com",
        "https://www.example.com https://other.example",
        "https://www.example.com;https://other.example",
        "https://www.example.com,*",
        "HTTPS://www.example.com",
        // Browsers write neither of these, so nothing would ever be let in.
        "https://WWW.example.com",
        "https://www.example.com:443",
        "http://www.example.com:80",
        "https://www.exämple.com",
        // Whoever is on the way can be this page, and would get its tokens.
        "http://www.example.com",
        "http://localhost.example.com:3000",
        "http://192.168.0.2:3000",
    ] {
        assert_eq!(fault(origins).as_deref(), Some(message), "{origins}");
    }
}
