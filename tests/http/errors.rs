//! Errors in the documented shape, whatever is sent.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use super::ROUTES;
use crate::harness::app::{Answer, App};
use crate::harness::requests::{Carrying, bare, get, headers, post};
use crate::harness::sessions::START;

#[tokio::test]
async fn request_to_an_unknown_path_answers_not_found() {
    let app = App::start().await;
    let paths = [
        "/nowhere",
        "/api",
        "/api/chatkit",
        "/api/chatkit/start/",
        "/api/chatkit/start/x",
        "/CHATKIT",
        "//chatkit",
        "/chatkit//",
        "/api/../chatkit",
        "/%63hatkit%00",
        "/prod/chatkit",
        "/api/usage",
        "/health/live",
        "/.env",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/*",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = app.send(bare(method, path, Body::from("{}"))).await;
            assert_eq!(answer.error(404, "not_found"), "there is nothing at this path", "{path}");
            let length = answer.text.len().to_string();
            let expected = [
                ("access-control-allow-credentials", "true"),
                ("access-control-expose-headers", "x-request-id,retry-after"),
                ("cache-control", "no-store"),
                ("content-length", &length),
                ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
                ("content-type", "application/json"),
                ("referrer-policy", "no-referrer"),
                ("vary", "origin, access-control-request-headers"),
                ("x-content-type-options", "nosniff"),
            ];
            assert_eq!(headers(&answer), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn answers_over_https_ask_for_https_from_then_on() {
    let app = App::start().await;
    let hsts = |answer: &Answer| {
        answer.headers.get("strict-transport-security").map(|value| value.to_str().unwrap().to_owned())
    };
    for (_, path, _) in ROUTES.into_iter().chain([("GET", "/nowhere", "")]) {
        let answer = app.send(get(path).with("x-forwarded-proto", "https")).await;
        assert_eq!(hsts(&answer).as_deref(), Some("max-age=63072000; includeSubDomains"), "{path}");
        for plain in [get(path), get(path).with("x-forwarded-proto", "http")] {
            assert_eq!(hsts(&app.send(plain).await), None, "{path}");
        }
    }
}

#[tokio::test]
async fn request_with_a_wrong_method_answers_method_not_allowed() {
    let app = App::start().await;
    for (_, path, _) in ROUTES {
        let right: Vec<_> = ROUTES.into_iter().filter(|(_, of, _)| *of == path).map(|(method, _, _)| method).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"] {
            if right.contains(&method) {
                continue;
            }
            let answer = app.send(bare(method.parse().unwrap(), path, Body::from("{}"))).await;
            assert_eq!(answer.error(405, "method_not_allowed"), "this path takes another method", "{method} {path}");
            let allow = answer.headers["allow"].to_str().unwrap();
            let expected = match *right {
                ["GET"] => "GET,HEAD",
                ["GET", "DELETE"] => "GET,HEAD,DELETE",
                _ => "POST",
            };
            assert_eq!(allow, expected, "{method} {path}");
        }
    }
    let head = app.send(bare(Method::HEAD, "/health", Body::empty())).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn request_always_gets_a_new_request_id() {
    let app = App::start().await;
    let mut ids = Vec::new();
    for (method, path, _) in ROUTES {
        for given in ["req_01M7WD7TG0S7D2SWSN2WVP89EK", "canary\u{7f}", ""] {
            let mut request = bare(method.parse().unwrap(), path, Body::from("{}"));
            if let Ok(value) = http::HeaderValue::from_bytes(given.as_bytes()) {
                request.headers_mut().insert("x-request-id", value);
            }
            let answer = app.send(request.with("x-amzn-trace-id", "Root=1-canary")).await;
            assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
            let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
            assert!(id.len() == 30 && id.starts_with("req_") && id != given, "{id}");
            assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
            assert!(!answer.text.contains("canary"));
            ids.push(id);
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// Bodies that are not what any route takes.
fn nonsense() -> Vec<Vec<u8>> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        text(""),
        text(" "),
        text("null"),
        text("true"),
        text("5"),
        text("1e999"),
        text("-0"),
        text("\"text\""),
        text("[]"),
        text("{}"),
        text("{"),
        text("{\"type\":"),
        text("{\"type\":5}"),
        text("{\"type\":\"\"}"),
        text("{\"type\":\"threads.create\"}"),
        text("{\"type\":\"threads.create\",\"params\":[]}"),
        text("{\"type\":\"threads.list\",\"params\":{\"limit\":-1e400}}"),
        text("{\"type\":\"threads.get_by_id\",\"params\":{\"thread_id\":\"\\ud800\"}}"),
        text("{\"message\":\"\\udfff\"}"),
        text("{\"message\":null}"),
        text("{\"message\":{}}"),
        text("{\"message\":\"\\u0000\",\"sessionId\":[]}"),
        text("{\"messages\":[{}]}"),
        text("{\"messages\":5}"),
        text("{\"currentClientSecret\":\"\\ud83d\"}"),
        text("{'message':'Hi'}"),
        text("{\"message\":\"Hi\",}"),
        text("message=Hi"),
        text("<message>Hi</message>"),
        text(&"[".repeat(100_000)),
        text(&"{\"a\":".repeat(100_000)),
        text(&format!("{{\"messages\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000))),
        text(&format!("{{\"message\":{}}}", "9".repeat(100_000))),
        text(&format!("{{{}}}", vec!["\"a\":1"; 50_000].join(","))),
        vec![0],
        vec![0xff, 0xfe, b'{', 0, b'}', 0],
        vec![b'{', b'"', 0xc3, 0x28, b'"', b':', b'1', b'}'],
        b"\xef\xbb\xbf{\"message\":\"Hi\"}".to_vec(),
        vec![b' '; (1 << 20) + 1],
    ]
}

#[tokio::test]
async fn request_with_any_nonsense_body_never_fails_with_5xx() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0"), ("LIMIT_USER_REQUESTS_PER_MINUTE", "0")]).await;
    let token = app.user_token("ada");
    for path in ["/chatkit", "/api/chat", "/api/chatkit/refresh"] {
        for body in nonsense() {
            let excerpt = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            let size = body.len();
            for content_type in ["application/json", "APPLICATION/JSON ; charset=\"utf-8\""] {
                let request = bare(Method::POST, path, Body::from(body.clone())).bearer(&token);
                let answer = app.send(request.with("content-type", content_type)).await;
                if size > 1 << 20 {
                    answer.error(413, "payload_too_large");
                } else {
                    answer.error(400, "bad_request");
                }
                assert!(answer.text.len() < 400, "{path} {excerpt}: {}", answer.text);
            }
            for content_type in ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"] {
                let request = bare(Method::POST, path, Body::from(body.clone())).bearer(&token);
                let answer = app.send(request.with("content-type", content_type)).await;
                answer.error(415, "unsupported_media_type");
            }
        }
        // And the next one is answered.
        assert_eq!(app.send(get("/health")).await.status, 200);
    }
    assert_eq!(app.dynamo.records("threads"), [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn request_body_of_more_than_one_megabyte_is_refused() {
    let app = App::start().await;
    let operation = |padding: &str| {
        let params = json!({ "thread_id": "thr_none" });
        json!({ "type": "threads.get_by_id", "params": params, "metadata": { "padding": padding } })
    };
    let frame = operation("").to_string();
    for (size, status) in [(1 << 20, 404), ((1 << 20) + 1, 413)] {
        let body = operation(&"x".repeat(size - frame.len()));
        assert_eq!(body.to_string().len(), size);
        let answer = app.send(post("/chatkit", &body).bearer(&app.user_token("ada"))).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn request_with_nonsense_headers_never_fails_with_5xx() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0")]).await;
    let values = ["", "\u{1f600}", ";;;=,", "\"", "=", "a=b;c", &"x".repeat(10_000), "chatkit_visitor", "%"];
    for name in ["cookie", "authorization", "origin", "access-control-request-headers", "accept", "x-forwarded-for"] {
        for value in values {
            for request in [post(START, &json!({})), get("/health"), bare(Method::OPTIONS, "/chatkit", Body::empty())] {
                let request: Request<Body> = request.with(name, value);
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let answer = app.send(request).await;
                let expected = match (name, path.as_str()) {
                    ("authorization", START) => 401,
                    ("origin", START) => 403,
                    _ => 200,
                };
                assert_eq!(answer.status, expected, "{name}: {value:.20} {method} {path}");
            }
        }
    }
}
