//! What the functions share.
//!
//! ```text
//! protocol/      the ChatKit wire types: serde only
//! engine/        the engine: operation + store + model → events; knows no HTTP, SSE, DynamoDB or OpenAI types
//! assistant/     who answers, as its owner configures it
//! endpoints/     the site's own endpoints, where server tools run and actions go
//! model/         the model, through the Responses or the Chat Completions API: request, stream, neutral model events
//! store/         DynamoDB: threads, items, runs, budgets, sessions, usage; the only user of `aws_sdk_dynamodb`
//! files/         a private bucket: attachments and pictures
//! identity/      who is asking: session tokens, user tokens, visitors
//! sessions/      what `start` and `refresh` hand out, in both modes
//! limits.rs      token buckets as integer arithmetic
//! http/          what every route needs: errors, request ids, log line, CORS, client address, SSE
//! lambda/        how a router runs on Lambda
//! secrets/       secrets that live: from variables, or from Secrets Manager and read again when it is time
//! https.rs       the way out: one HTTP client; aws/ lends it to the AWS SDK
//! reload.rs      when secrets and published keys are read again
//! setup.rs       what a function is built from; telemetry.rs: logging
//! widgets.rs     how a widget that changes is sent
//! clock.rs, ids.rs, hash.rs   time and ids as injected values; hashes
//! json_depth.rs  how deep JSON that others write may be nested where it is stored
//! env.rs         the only file that reads the environment
//! ```

pub mod assistant;
pub mod aws;
pub mod clock;
pub mod endpoints;
pub mod engine;
pub mod env;
pub mod files;
pub mod hash;
pub mod http;
pub mod https;
pub mod identity;
pub mod ids;
mod json_depth;
pub mod lambda;
pub mod limits;
pub mod model;
pub mod protocol;
mod reload;
pub mod secrets;
pub mod sessions;
pub mod setup;
pub mod store;
pub mod telemetry;
pub mod widgets;
