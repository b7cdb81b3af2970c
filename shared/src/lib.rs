//! What the functions share.
//!
//! The modules from the ground up; each imports only modules above it in this list (`infra/check_module_order.py`).
//!
//! ```text
//! protocol/      the ChatKit wire types: serde only
//! clock.rs, ids.rs, hash.rs   time and ids as injected values; hashes
//! env.rs         the only file that reads the environment
//! limits.rs      token buckets as integer arithmetic
//! json.rs        JSON that others write: how deep it may be nested where it is stored; no key twice
//! telemetry.rs   logging
//! https.rs       requests to other servers: the one HTTP client, retries, bounded reads; aws/ lends it to the AWS SDK
//! reload.rs      when secrets and published keys are read again
//! widgets.rs     how a widget that changes is sent
//! webhooks.rs    how what the site is asked is signed
//! secrets/       secrets: from variables, or from Secrets Manager, read again after they have changed
//! identity/      whose request it is: session tokens, user tokens, visitors
//! model/         the model, through the Responses or the Chat Completions API: request, stream, neutral model events
//! endpoints/     the site's own endpoints, where server tools run and actions go
//! files/         a private bucket: attachments and pictures
//! assistant/     who answers, as its owner configures it
//! store/         DynamoDB: threads, items, runs, budgets, sessions, usage; the only user of `aws_sdk_dynamodb`
//! engine/        operation + store + model → events; knows no HTTP, SSE, DynamoDB or OpenAI types
//! setup.rs       what a function is built from
//! sessions/      what `start` and `refresh` hand out, in both modes
//! http/          for every route: authentication, errors, request ids, log line, CORS, client address, SSE
//! lambda/        how a router runs on Lambda
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
mod json;
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
pub mod webhooks;
pub mod widgets;
