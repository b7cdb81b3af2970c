//! Calls of the site's own endpoints, over a socket.

mod answers;
mod bad_effects;
mod calls;
mod failures;
mod setup;

use std::time::Duration;

use chatkit_shared::endpoints::{Effect, EffectStream, Endpoint, EndpointError, Endpoints, Expects};
use chatkit_shared::secrets::{Secret, Versions};
use chatkit_shared::webhooks::Signer;
use futures_util::StreamExt;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::outside::client;
use crate::harness::site::SIGNING_SECRET;

/// Close before a second ends.
const NOW: &str = "2026-11-20T10:00:00.9Z";
const ID: &str = "call_1";

fn endpoints() -> Endpoints {
    signed_with(SIGNING_SECRET, None)
}

fn signed_with(current: &str, previous: Option<SecretString>) -> Endpoints {
    let signer = Some(Secret::fixed(Signer::parse(&Versions { current: current.into(), previous }).unwrap()));
    Endpoints::new(false, client(), signer).unwrap()
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint { url: url.parse().unwrap(), timeout: Duration::from_secs(20), retries: 0, max_answer_bytes: 4_096 }
}

fn body() -> Value {
    json!({ "type": "tool.call", "data": { "tool": "find_order", "arguments": { "größe": "日本" } } })
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn call(endpoint: &Endpoint, expects: Expects) -> EffectStream {
    endpoints().call(endpoint, expects, ID, now(), &body())
}

/// All effects, and the error at their end if there is one.
async fn collect(mut stream: EffectStream) -> (Vec<Effect>, Option<EndpointError>) {
    let mut effects = Vec::new();
    while let Some(next) = stream.next().await {
        match next {
            Ok(effect) => effects.push(effect),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the end");
                return (effects, Some(error));
            }
        }
    }
    assert!(stream.next().await.is_none());
    (effects, None)
}

/// The effects of an answer that has no error.
async fn effects(endpoint: &Endpoint, expects: Expects) -> Vec<Effect> {
    let (effects, error) = collect(call(endpoint, expects)).await;
    assert_eq!(error, None);
    effects
}

/// The error of an answer that has nothing else.
async fn error(endpoint: &Endpoint, expects: Expects) -> EndpointError {
    let (effects, error) = collect(call(endpoint, expects)).await;
    assert_eq!(effects, []);
    error.unwrap()
}
