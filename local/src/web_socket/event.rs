//! An event of a WebSocket API (API Gateway developer guide, "Set up a WebSocket API integration request": proxy
//! integrations).

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What all events of a connection have.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) connection: String,
    pub(super) address: Option<IpAddr>,
    pub(super) connected_at: Timestamp,
}

/// The three kinds of event.
pub(super) enum Kind<'a> {
    /// With the headers of the handshake.
    Connect(&'a HeaderMap),
    /// With a message; one that is not text as Base64.
    Message {
        body: &'a str,
        is_base64: bool,
    },
    Disconnect,
}

impl Origin {
    /// The event; `request_id` is its own.
    pub(super) fn event(&self, kind: &Kind<'_>, request_id: &str, now: Timestamp) -> Value {
        let (event_type, route) = match kind {
            Kind::Connect(_) => ("CONNECT", "$connect"),
            Kind::Message { .. } => ("MESSAGE", "$default"),
            Kind::Disconnect => ("DISCONNECT", "$disconnect"),
        };
        let mut event = json!({
            "requestContext": {
                "routeKey": route,
                "eventType": event_type,
                "extendedRequestId": request_id,
                "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "messageDirection": "IN",
                "stage": "local",
                "connectedAt": self.connected_at.as_millisecond(),
                "requestTimeEpoch": now.as_millisecond(),
                "identity": { "sourceIp": self.address },
                "requestId": request_id,
                "domainName": "localhost",
                "connectionId": self.connection,
                "apiId": "local",
            },
            "isBase64Encoded": false,
        });
        match kind {
            Kind::Connect(headers) => {
                let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
                for (name, value) in *headers {
                    all.entry(name.as_str()).or_default().push(value.to_str().unwrap_or_default());
                }
                let last: BTreeMap<_, _> = all.iter().map(|(name, values)| (name, values.last())).collect();
                event["headers"] = json!(last);
                event["multiValueHeaders"] = json!(all);
            }
            Kind::Message { body, is_base64 } => {
                event["body"] = json!(body);
                event["isBase64Encoded"] = json!(is_base64);
                event["requestContext"]["messageId"] = json!(request_id);
            }
            Kind::Disconnect => event["requestContext"]["disconnectStatusCode"] = json!(1005),
        }
        event
    }
}
