//! The model: the OpenAI Responses API on one side, neutral events on the other.
//!
//! ```text
//! prompt.rs      what is asked                    config.rs   where, with which key, how patiently
//! client.rs      the request, one retry           wire.rs     the API's JSON, private to this module
//! stream.rs      bytes → server-sent events       translate.rs, message.rs, reasoning.rs  wire events → model events
//! event.rs       what the rest of the crate sees  error.rs    failures, one kind per reaction
//! ```
//!
//! Any server that speaks the Responses API will do. Those that leave out the events around the deltas are completed
//! here, so that the reader of a [`ModelStream`] always gets each start, each part and each end exactly once.
//!
//! Architecture invariant: no wire type leaves this module, and nothing the upstream says about an error does either,
//! except its codes.

mod client;
mod config;
mod error;
mod event;
mod message;
mod prompt;
mod reasoning;
mod stream;
mod translate;
mod wire;

pub use client::{Model, ModelSetupError};
pub use config::ModelConfig;
pub use error::{ModelError, ModelErrorKind, Upstream};
pub use event::{IncompleteReason, ModelEvent, TokenUsage};
pub use prompt::{Input, InputPart, Prompt};
pub use stream::ModelStream;
