use super::*;
use crate::identity::Identity;
use futures_util::Stream;
use std::pin::Pin;
pub type EffectStream = Pin<Box<dyn Stream<Item = Result<Effect, EndpointError>> + Send>>;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct EndpointError;
impl EndpointError {
    pub fn public_message(&self) -> &'static str {
        "x"
    }
}
#[derive(Debug, Clone)]
pub struct Endpoints;
impl Endpoints {
    pub fn call_tool(&self, _: &Endpoint, _: &str, _: jiff::Timestamp, _: &serde_json::Value) -> EffectStream {
        Box::pin(futures_util::stream::empty())
    }
    pub fn call_action(&self, _: &Endpoint, _: &str, _: jiff::Timestamp, _: &serde_json::Value) -> EffectStream {
        Box::pin(futures_util::stream::empty())
    }
}
impl Identity {
    pub fn for_endpoints(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}
