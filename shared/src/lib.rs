//! What the four functions share.
//!
//! ```text
//! protocol/      the ChatKit wire types: serde only
//! conversation/  the engine: operation + store + model → events; knows no HTTP, SSE, DynamoDB or OpenAI types
//! model/         the OpenAI Responses API: request, stream, neutral model events
//! store/         DynamoDB: threads, items, counters, sessions, usage; the only user of `aws_sdk_dynamodb`
//! identity/      who is asking: session tokens, user tokens, visitors
//! limits.rs      token buckets as integer arithmetic
//! http/          what every route needs: errors, request ids, log line, CORS, client address, SSE
//! lambda.rs      how a router runs on Lambda
//! env.rs         the only file that reads the environment
//! ```

pub mod clock;
pub mod env;
pub mod identity;
pub mod ids;
pub mod limits;
pub mod model;
pub mod protocol;
pub mod store;
