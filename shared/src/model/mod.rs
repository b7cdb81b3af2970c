//! The model: one of OpenAI's two APIs on one side, neutral events on the other.
//!
//! ```text
//! config.rs      where the model is, through which API, with which key
//! prompt.rs      a request, in neutral form     event.rs          what an answer consists of, in neutral form
//! client.rs      sends a request, one retry     stream.rs         bytes → server-sent events → model events
//! responses/     the Responses API              completions/      the Chat Completions API
//!                request.rs: prompt → JSON      wire.rs: JSON → types      translator.rs: these types → model events
//! wire.rs        what their JSON has in common  builders/         complete what servers leave out
//! error.rs       failures, one kind per reaction                  tokens.rs         counted or estimated
//! transcription.rs  speech → text                             prices.rs         what tokens and calls cost, from prices.json
//! ```
//!
//! Any server that speaks one of the two APIs will do. Servers leave out events around the deltas: the builders add
//! them, so that the reader of a [`ModelStream`] always gets each start, each part and each end exactly once.
//!
//! Architecture invariant: no wire type leaves this module, and nothing the upstream says about an error does either,
//! except its codes.

mod builders;
mod client;
mod completions;
mod config;
mod error;
mod event;
pub(crate) mod prices;
mod prompt;
mod responses;
mod stream;
mod tokens;
mod transcription;
mod wire;

pub use client::Model;
pub use config::{Api, ModelConfig, ModelKey, base_url};
pub use error::{ModelError, ModelErrorKind, Upstream};
pub use event::{IncompleteReason, ModelEvent, Picture};
pub use prices::{Prices, usd};
pub(crate) use prompt::is_text;
pub use prompt::{CountedPart, FileSource, FunctionCall, Input, InputFile, InputPart, Prompt};
pub use stream::ModelStream;
pub use tokens::{HostedCalls, TokenUsage};
pub(crate) use tokens::{estimate_tokens, max_tokens};
pub use transcription::{AudioType, Transcription};
