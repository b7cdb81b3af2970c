//! The events that the function is invoked with: API Gateway's, and orders of its own.

use std::net::IpAddr;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use chatkit_shared::identity::Languages;
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

/// One event.
#[derive(Debug)]
pub(crate) enum Event {
    /// A client wants to connect.
    Connect {
        /// Of the handshake.
        headers: HeaderMap,
        origin: Origin,
    },
    /// A client has sent a message.
    Message {
        /// None if it is binary.
        text: Option<String>,
        origin: Origin,
    },
    /// A connection is closed.
    Disconnect(Origin),
    /// A turn is to run.
    Turn(Order),
}

/// Where an event comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The connection, as API Gateway names it.
    pub(crate) connection: String,
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
}

/// The order to run the turn that answers a message, from the invocation that received it to the one that runs the
/// turn.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    /// The connection that waits for the answer.
    pub(crate) connection: String,
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
    /// What the person reads.
    #[serde(default)]
    pub(crate) languages: Languages,
    /// The client's id of the message.
    pub(crate) id: Option<String>,
    /// Our id of the request. An order that is delivered twice has the same.
    pub(crate) request_id: String,
    /// In unix seconds.
    pub(crate) ordered_at: i64,
    /// A session token of the user's, minted for this order. Not an `Identity`: a client of Lambda that may invoke the
    /// function could write one, but it cannot sign a token.
    pub(crate) token: SecretString,
    /// The ChatKit request.
    pub(crate) request: String,
    /// Where a client that sends the request again is in its answer.
    #[serde(default)]
    pub(crate) last_event_id: Option<String>,
}

/// An event of another service.
#[derive(Debug, thiserror::Error)]
#[error("the event is neither one of a WebSocket API nor an order of this function")]
pub struct UnknownEvent;

impl Event {
    /// The error leaves the cause out: it may quote a message.
    pub(crate) fn parse(mut event: Value) -> Result<Self, UnknownEvent> {
        if let Some(order) = event.get_mut("turn") {
            return serde_json::from_value(order.take()).map(Self::Turn).map_err(|_| UnknownEvent);
        }
        let event: ApiGatewayWebsocketProxyRequest = serde_json::from_value(event).map_err(|_| UnknownEvent)?;
        let context = event.request_context;
        let origin = Origin {
            connection: context.connection_id.ok_or(UnknownEvent)?,
            address: context.identity.source_ip.and_then(|address| address.parse().ok()),
        };
        match context.event_type.as_deref() {
            Some("CONNECT") => Ok(Self::Connect { headers: event.headers, origin }),
            Some("MESSAGE") => Ok(Self::Message { text: event.body.filter(|_| !event.is_base64_encoded), origin }),
            Some("DISCONNECT") => Ok(Self::Disconnect(origin)),
            Some(_) | None => Err(UnknownEvent),
        }
    }
}

impl Order {
    /// The order as the event of an invocation.
    pub(crate) fn event(&self) -> Vec<u8> {
        let Self { connection, address, languages, id, request_id, ordered_at, token, request, last_event_id } = self;
        let token = token.expose_secret();
        json!({ "turn": {
            "connection": connection, "address": address, "languages": languages, "id": id, "request_id": request_id, "ordered_at": ordered_at,
            "token": token, "request": request, "last_event_id": last_event_id,
        } })
        .to_string()
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event as API Gateway sends it.
    fn event(event_type: &str, rest: &Value) -> Value {
        let mut event = json!({
            "requestContext": {
                "routeKey": "$default",
                "messageId": "L0SM9cOFvHcCIhw=-1",
                "eventType": event_type,
                "extendedRequestId": "L0SM-GFYvHcFYgA=",
                "requestTime": "20/Nov/2026:12:00:00 +0000",
                "messageDirection": "IN",
                "stage": "prod",
                "connectedAt": 1_795_176_000_000_i64,
                "requestTimeEpoch": 1_795_176_000_000_i64,
                "identity": { "userAgent": "a browser", "sourceIp": "192.0.2.1" },
                "requestId": "L0SM-GFYvHcFYgA=",
                "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
                "connectionId": "L0SM9cOFvHcCIhw=",
                "apiId": "a1b2c3d4e5",
            },
            "isBase64Encoded": false,
        });
        for (name, value) in rest.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    }

    fn parse(event_type: &str, rest: &Value) -> Event {
        Event::parse(event(event_type, rest)).unwrap()
    }

    #[test]
    fn events_of_api_gateway() {
        let headers = json!({ "headers": {
            "Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "Sec-WebSocket-Protocol": "chatkit,  a.token ",
        } });
        let Event::Connect { headers, origin } = parse("CONNECT", &headers) else { panic!("another event") };
        assert_eq!(headers["sec-websocket-protocol"], "chatkit,  a.token ");
        assert_eq!(origin.connection, "L0SM9cOFvHcCIhw=");
        assert_eq!(origin.address, Some([192, 0, 2, 1].into()));
        let none = parse("CONNECT", &json!({ "headers": { "Host": "localhost" } }));
        assert!(matches!(none, Event::Connect { headers, .. } if headers.len() == 1));

        let said = |rest: Value| match parse("MESSAGE", &rest) {
            Event::Message { text, .. } => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(json!({ "body": "{}" })).as_deref(), Some("{}"));
        assert_eq!(said(json!({ "body": "e30=", "isBase64Encoded": true })), None);
        assert_eq!(said(json!({})), None);
        let rest = json!({ "headers": { "Host": "localhost" }, "multiValueHeaders": { "Host": ["localhost"] } });
        assert!(matches!(parse("DISCONNECT", &rest), Event::Disconnect(_)));
    }

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        for (id, address) in [(None, None), (Some("\"1\""), Some([192, 0, 2, 1].into()))] {
            let order = Order {
                connection: "L0SM9cOFvHcCIhw=".to_owned(),
                address,
                languages: Languages::accepted("de-AT, en"),
                id: id.map(ToOwned::to_owned),
                request_id: "req_1".to_owned(),
                ordered_at: 1_795_176_000,
                token: "a.token".into(),
                request: r#"{"type": "threads.list" }"#.to_owned(),
                last_event_id: id.map(|_| "thr_1:run_1:2:3".to_owned()),
            };
            let event = serde_json::from_slice(&order.event()).unwrap();
            let Ok(Event::Turn(arrived)) = Event::parse(event) else { panic!("another event") };
            assert_eq!(arrived.event(), order.event());
            assert!(!format!("{arrived:?}").contains("a.token"));
        }
    }
}
