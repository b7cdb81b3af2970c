//! Messages that are none.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::harness::app::create;
use crate::harness::socket::Sockets;

#[tokio::test]
async fn message_that_is_no_request_is_refused_and_the_connection_stays() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    let envelope = "a message is a JSON object: a ChatKit request, `{\"id\", \"request\", \"last_event_id\"?}`, `{\"id\", \"token\"}` or \
                    `{\"id\", \"ping\": true}`";
    let one_of = "a message has one of `request`, `token` and `\"ping\": true`";
    let long = "a".repeat(65);
    let create = create("Hi");
    let bad: Vec<(String, Option<&str>, Option<&str>)> = vec![
        (String::new(), None, Some(envelope)),
        ("nonsense".to_owned(), None, Some(envelope)),
        ("[]".to_owned(), None, Some(envelope)),
        ("null".to_owned(), None, Some(envelope)),
        ("{\"id\":1,\"request\":{}}".to_owned(), None, Some(envelope)),
        ("{\"id\":\"1\",\"request\":{}} {}".to_owned(), None, Some(envelope)),
        ("{\"id\":\"1\",\"id\":\"2\",\"request\":{}}".to_owned(), None, Some(envelope)),
        ("{\"id\":\"1\",\"token\":7}".to_owned(), None, Some(envelope)),
        (json!({ "id": "", "request": create }).to_string(), None, Some("`id` must have 1 to 64 bytes")),
        (json!({ "id": long, "request": create }).to_string(), None, Some("`id` must have 1 to 64 bytes")),
        (json!({ "id": "1", "request": create, "token": "a" }).to_string(), Some("1"), Some(one_of)),
        (json!({ "id": "1", "request": create, "ping": true }).to_string(), Some("1"), Some(one_of)),
        (json!({ "id": "1", "token": "a", "ping": true }).to_string(), Some("1"), Some(one_of)),
        (json!({ "id": "1", "ping": false }).to_string(), Some("1"), Some(one_of)),
        (json!({ "id": "1", "ping": 1 }).to_string(), None, Some(envelope)),
        (json!({ "id": "2" }).to_string(), Some("2"), None),
        ("{}".to_owned(), None, None),
        (json!({ "id": "3", "request": "text" }).to_string(), Some("3"), None),
        (json!({ "id": "4", "request": { "type": "threads.steal" } }).to_string(), Some("4"), None),
        (json!({ "id": "5", "request": { "type": "threads.create" } }).to_string(), Some("5"), None),
        (json!({ "type": "threads.get_by_id", "params": { "thread_id": 7 } }).to_string(), None, None),
    ];
    for (text, id, message) in bad {
        client.send(&text).await;
        let error = client.error(id, "bad_request").await;
        assert!(message.is_none_or(|message| error["message"] == message), "{text}: {error}");
        assert_eq!(error.as_object().unwrap().len(), 4, "{error}");
        assert_eq!(error["status"], 400);
    }
    client.send_raw(Message::binary(create.to_string())).await;
    assert_eq!(client.error(None, "bad_request").await["message"], "a message is text");
    let id = "ü".repeat(32);
    client.ask(&id, &json!({ "type": "threads.list", "params": {} })).await;
    client.reply(&id).await;
    assert_eq!(sockets.app.model.requests().len(), 0);
}

#[tokio::test]
async fn message_that_is_too_large_closes_the_connection() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    client.send(&"a".repeat(128 * 1024)).await;
    client.error(None, "bad_request").await;
    client.send(&"a".repeat(128 * 1024 + 1)).await;
    assert_eq!(client.closed().await, CloseCode::Size);
    sockets.wait_for_connections(0).await;
}

#[tokio::test]
async fn event_of_another_service_is_refused() {
    let sockets = Sockets::start().await;
    let connect = {
        let _client = sockets.connect("alice").await;
        sockets.events()[0].clone()
    };
    let with = |key: &str, value: Value| {
        let mut event = connect.clone();
        event["requestContext"][key] = value;
        event
    };
    let events = [
        json!(null),
        json!([]),
        json!({}),
        json!({ "Records": [] }),
        json!({ "turn": {} }),
        json!({ "turn": { "connection": "a", "request_id": "r", "token": "t" } }),
        with("eventType", json!("OTHER")),
        with("eventType", json!(null)),
        with("connectionId", json!(null)),
        json!({ "httpMethod": "POST", "path": "/chatkit", "requestContext": {} }),
    ];
    for event in events {
        let shown = event.to_string();
        let error = chatkit_socket::handle(sockets.function.clone(), event).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the event is neither one of a WebSocket API nor an order of this function",
            "{shown}"
        );
    }
}
