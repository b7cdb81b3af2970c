//! The test gateway and the way a router runs on Lambda, with the smallest function.

use futures_util::StreamExt;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{Function, Gateway, TRACE_ID, Transfer};

const ROUTES: &[&str] = &[
    "GET /hello",
    "POST /echo/{word}",
    "GET /headers",
    "GET /relay",
    "GET /context",
    "GET /broken",
    "GET /panic",
    "GET /panic/later",
    "GET /exit",
];

/// The function behind methods of a transfer mode; it answers in `answers`.
fn hello(transfer: Transfer, answers: &str) -> Function {
    Function::new("hello", transfer, ROUTES).variables([("HELLO_ANSWERS", answers)])
}

async fn start(transfer: Transfer, answers: &str) -> Gateway {
    Gateway::start([hello(transfer, answers)]).await
}

async fn start_streamed() -> Gateway {
    start(Transfer::Streamed, "streamed").await
}

async fn start_buffered() -> Gateway {
    start(Transfer::Buffered, "buffered").await
}

async fn get(gateway: &Gateway, path: &str) -> Response {
    Client::new().get(gateway.url(path)).send().await.unwrap()
}

async fn status_and_text(response: Response) -> (u16, String) {
    (response.status().as_u16(), response.text().await.unwrap())
}

/// What a client is told when the function did not answer.
fn internal_server_error() -> (u16, String) {
    (502, r#"{"message":"Internal server error"}"#.to_owned())
}

/// An answer that is being relayed from the test: what is written into the socket comes out of the response.
async fn relay(gateway: &Gateway) -> (Response, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = format!("/relay?port={}", listener.local_addr().unwrap().port());
    let (response, upstream) = tokio::join!(get(gateway, &path), async { listener.accept().await.unwrap().0 });
    (response, upstream)
}

#[tokio::test]
async fn buffered_function_answers_with_one_document() {
    let gateway = start_buffered().await;

    let response = get(&gateway, "/hello").await;

    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(status_and_text(response).await, (200, "hello".to_owned()));
    let posted: Value = serde_json::from_slice(&gateway.invocations("hello")[0].chunks[0]).unwrap();
    let expected = json!({
        "statusCode": 200,
        "headers": {},
        "multiValueHeaders": { "content-type": ["text/plain; charset=utf-8"], "content-length": ["5"] },
        "body": "hello",
        "isBase64Encoded": false,
    });
    assert_eq!(posted, expected);
}

#[tokio::test]
async fn streamed_function_answers_with_a_prelude_and_the_body() {
    let gateway = start_streamed().await;

    let response = get(&gateway, "/hello").await;

    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(status_and_text(response).await, (200, "hello".to_owned()));
    let chunks = &gateway.invocations("hello")[0].chunks;
    let prelude: Value = serde_json::from_slice(&chunks[0]).unwrap();
    let expected = json!({
        "statusCode": 200,
        "headers": { "content-type": "text/plain; charset=utf-8", "content-length": "5" },
        "cookies": [],
    });
    assert_eq!(prelude, expected);
    assert_eq!(chunks[1..], [&b"\0\0\0\0\0\0\0\0"[..], b"hello"]);
}

#[tokio::test]
async fn streamed_function_sends_chunks_while_it_works() {
    let gateway = start_streamed().await;
    let (response, mut upstream) = relay(&gateway).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let mut body = response.bytes_stream();

    for event in ["data: 1\n\n", "data: 2\n\n", ": ping\n", "data: 3\n\n"] {
        upstream.write_all(event.as_bytes()).await.unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), event);
    }
    drop(upstream);

    assert!(body.next().await.is_none());
    let chunks = &gateway.invocations("hello")[0].chunks;
    assert_eq!(chunks[2..], [&b"data: 1\n\n"[..], b"data: 2\n\n", b": ping\n", b"data: 3\n\n"]);
}

#[tokio::test]
async fn function_sees_the_clients_request() {
    for gateway in [start_buffered().await, start_streamed().await] {
        let response = Client::new()
            .post(gateway.url("/echo/yes?tag=a&tag=b%20c"))
            .header("x-word", "first")
            .header("x-word", "last")
            .header("x-forwarded-for", "198.51.100.1")
            .body(&[0x00, 0xff][..])
            .send()
            .await
            .unwrap();

        let expected = json!({
            "method": "POST",
            "path": "/echo/yes",
            "query": "tag=a&tag=b+c",
            "address": "127.0.0.1",
            "x-word": ["last"],
            "body": [0x00, 0xff],
        });
        assert_eq!(response.json::<Value>().await.unwrap(), expected);
        assert_eq!(gateway.invocations("hello")[0].event["requestContext"]["path"], "/prod/echo/yes");
    }
}

#[tokio::test]
async fn function_may_set_a_header_twice() {
    for gateway in [start_buffered().await, start_streamed().await] {
        let response = get(&gateway, "/headers").await;

        let values =
            |name| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(values("vary").join(", "), "origin, accept");
        assert_eq!(values("set-cookie"), ["a=1; Path=/", "b=2"]);
    }
}

#[tokio::test]
async fn environment_serves_one_request_after_the_other() {
    for gateway in [start_buffered().await, start_streamed().await] {
        for _ in 0..3 {
            assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));
        }

        let failure = gateway.invocations("hello")[1].failure.clone();
        assert_eq!(gateway.environments("hello"), [3], "{failure:?}");
    }
}

#[tokio::test]
async fn request_while_every_environment_is_busy_starts_a_new_one() {
    let gateway = start_streamed().await;
    let (first, held) = relay(&gateway).await;

    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));

    assert_eq!(gateway.environments("hello"), [1, 1]);
    drop(held);
    assert_eq!(status_and_text(first).await, (200, String::new()));
}

#[tokio::test]
async fn invocation_continues_when_the_client_leaves() {
    let gateway = start_streamed().await;
    let (response, mut upstream) = relay(&gateway).await;
    drop(response);

    upstream.write_all(b"unseen").await.unwrap();
    drop(upstream);

    // The only environment is free again when the invocation has ended.
    gateway.wait_for_invocations("hello", |invocations| invocations[0].chunks.len() == 3).await;
    assert_eq!(gateway.invocations("hello")[0].chunks[2], "unseen");
}

#[tokio::test]
async fn panic_fails_one_answer_and_keeps_the_environment() {
    for gateway in [start_buffered().await, start_streamed().await] {
        assert_eq!(status_and_text(get(&gateway, "/panic").await).await, internal_server_error());
        assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));

        assert_eq!(gateway.environments("hello"), [2]);
        let report: Value = serde_json::from_str(gateway.invocations("hello")[0].failure.as_ref().unwrap()).unwrap();
        assert_eq!(report["errorMessage"], "Lambda panicked: on purpose");
    }
}

#[tokio::test]
async fn event_that_makes_no_request_fails_alone_and_keeps_the_environment() {
    for gateway in [start_buffered().await, start_streamed().await] {
        assert_eq!(get(&gateway, "/hello").await.status(), 200);
        let mut event = gateway.invocations("hello")[0].event.clone();
        event["headers"]["host"] = json!("no host");
        event["multiValueHeaders"]["host"] = json!(["no host"]);
        let _ = gateway.function("hello")(event).await;
        assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));

        let failure = gateway.invocations("hello")[1].failure.clone();
        assert_eq!(gateway.environments("hello"), [3], "{failure:?}");
        assert!(failure.is_some());
    }
}

#[tokio::test]
async fn process_that_exits_is_replaced() {
    for gateway in [start_buffered().await, start_streamed().await] {
        assert_eq!(status_and_text(get(&gateway, "/exit").await).await, internal_server_error());
        assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));

        assert_eq!(gateway.environments("hello"), [1, 1]);
        assert_eq!(gateway.invocations("hello")[0].failure.as_deref(), Some("the process ended: exit status: 3"));
    }
}

#[tokio::test]
async fn process_that_exits_while_streaming_breaks_the_answer_off() {
    let gateway = start_streamed().await;
    let (response, mut upstream) = relay(&gateway).await;
    let mut body = response.bytes_stream();
    upstream.write_all(b"first").await.unwrap();
    assert_eq!(body.next().await.unwrap().unwrap(), "first");

    upstream.write_all(b"exit").await.unwrap();

    assert!(body.next().await.unwrap().is_err());
    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));
    assert_eq!(gateway.environments("hello"), [1, 1]);
}

#[tokio::test]
async fn start_that_fails_reports_the_error() {
    let gateway = start(Transfer::Streamed, "nothing").await;

    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, internal_server_error());

    let report: Value = serde_json::from_str(gateway.invocations("hello")[0].failure.as_ref().unwrap()).unwrap();
    let message = "`HELLO_ANSWERS` must be `buffered`, `streamed` or `stock`";
    assert_eq!(report, json!({ "errorType": "Runtime.InitError", "errorMessage": message }));
}

#[tokio::test]
async fn process_without_the_runtime_api_exits() {
    for (transfer, answers) in [(Transfer::Buffered, "buffered"), (Transfer::Streamed, "streamed")] {
        let nowhere = [("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")];
        let gateway = Gateway::start([hello(transfer, answers).variables(nowhere)]).await;

        assert_eq!(status_and_text(get(&gateway, "/hello").await).await, internal_server_error());

        assert_eq!(gateway.invocations("hello")[0].failure.as_deref(), Some("the process ended: exit status: 1"));
    }
}

#[tokio::test]
async fn function_sees_the_invocations_context() {
    for concurrency in [1, 2] {
        for (transfer, answers) in [(Transfer::Buffered, "buffered"), (Transfer::Streamed, "streamed")] {
            let gateway = Gateway::start([hello(transfer, answers).concurrency(concurrency)]).await;

            let told: Value = get(&gateway, "/context").await.json().await.unwrap();

            let invocation = &gateway.invocations("hello")[0];
            let expected = json!({
                "request": invocation.event["requestContext"]["requestId"],
                "deadline": invocation.deadline.as_millisecond(),
                "function": "arn:aws:lambda:us-east-1:123456789012:function:hello",
                "trace": TRACE_ID,
                "header": TRACE_ID,
                // One variable cannot hold the traces of several invocations.
                "variable": (concurrency == 1).then_some(TRACE_ID),
            });
            assert_eq!(told, expected);
        }
    }
}

#[tokio::test]
async fn environment_with_concurrency_streams_several_answers_at_once() {
    let gateway = Gateway::start([hello(Transfer::Streamed, "streamed").concurrency(4)]).await;
    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));
    gateway.wait_for_pollers("hello", 4).await;
    let (first, mut to_first) = relay(&gateway).await;
    let (second, mut to_second) = relay(&gateway).await;
    gateway.wait_for_pollers("hello", 2).await;
    let (mut first, mut second) = (first.bytes_stream(), second.bytes_stream());

    for word in ["one", "two"] {
        to_first.write_all(word.as_bytes()).await.unwrap();
        assert_eq!(first.next().await.unwrap().unwrap(), word);
        to_second.write_all(word.as_bytes()).await.unwrap();
        assert_eq!(second.next().await.unwrap().unwrap(), word);
    }
    assert_eq!(status_and_text(get(&gateway, "/panic").await).await, internal_server_error());
    assert_eq!(status_and_text(get(&gateway, "/panic/later").await).await, (200, "before".to_owned()));
    drop(to_first);
    assert!(first.next().await.is_none());
    to_second.write_all(b"three").await.unwrap();
    assert_eq!(second.next().await.unwrap().unwrap(), "three");

    assert_eq!(gateway.environments("hello"), [5]);
}

#[tokio::test]
async fn environment_with_concurrency_buffers_several_answers_at_once() {
    let gateway = Gateway::start([hello(Transfer::Buffered, "buffered").concurrency(2)]).await;
    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));
    gateway.wait_for_pollers("hello", 2).await;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = format!("/relay?port={}", listener.local_addr().unwrap().port());
    // Neither is answered before both are being worked on.
    let both = async { drop((listener.accept().await.unwrap(), listener.accept().await.unwrap())) };
    let (first, second, ()) = tokio::join!(get(&gateway, &path), get(&gateway, &path), both);

    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(gateway.environments("hello"), [3]);
}

#[tokio::test]
async fn streamed_body_that_fails_ends_and_is_logged() {
    let gateway = start_streamed().await;
    let failures = [
        ("/broken", "a response body failed", Some("the secret of the failure")),
        ("/panic/later", "a response body panicked", None),
    ];
    for (path, message, error) in failures {
        assert_eq!(status_and_text(get(&gateway, path).await).await, (200, "before".to_owned()));

        // The panic itself is text on standard error.
        let output = gateway.output("hello");
        let line: Value = serde_json::from_str(output.lines().rfind(|line| line.starts_with('{')).unwrap()).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&json!("ERROR"), &json!(message)));
        assert_eq!(line.get("error").and_then(Value::as_str), error);
    }

    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));
    assert_eq!(gateway.environments("hello"), [3]);
}

#[tokio::test]
async fn buffered_body_that_fails_answers_500() {
    let gateway = start_buffered().await;
    for path in ["/broken", "/panic/later"] {
        assert_eq!(status_and_text(get(&gateway, path).await).await, internal_server_error());
    }

    assert_eq!(status_and_text(get(&gateway, "/hello").await).await, (200, "hello".to_owned()));
    assert_eq!(gateway.environments("hello"), [3]);
}

#[tokio::test]
async fn function_in_the_wrong_transfer_mode_answers_500() {
    let buffered = start(Transfer::Buffered, "streamed").await;
    let streamed = start(Transfer::Streamed, "buffered").await;

    for gateway in [buffered, streamed] {
        assert_eq!(status_and_text(get(&gateway, "/hello").await).await, internal_server_error());
    }
}

#[tokio::test]
async fn request_to_an_unknown_route_never_reaches_a_function() {
    let gateway = start_buffered().await;

    for path in ["/nothing", "/echo/yes"] {
        let expected = (403, r#"{"message":"Missing Authentication Token"}"#.to_owned());
        assert_eq!(status_and_text(get(&gateway, path).await).await, expected);
    }
    assert_eq!(gateway.environments("hello"), [0; 0]);
}
