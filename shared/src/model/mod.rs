//! The model: one of OpenAI's two APIs on one side, neutral events on the other.
//!
//! ```text
//! prompt.rs      what is asked                    config.rs, api.rs, key.rs  where, through which API, with which key
//! client.rs      the request, one retry           stream.rs  bytes → server-sent events
//! responses/     the Responses API's JSON         completions/       the Chat Completions API's JSON
//! translator.rs  wire events → model events, with what they need for it: message.rs, reasoning.rs, annotation.rs,
//!                call_ids.rs, tasks.rs, images.rs, items.rs, lenient.rs
//! event.rs       what the rest of the crate sees  error.rs           failures, one kind per reaction
//! reported.rs    errors as upstreams report them  transcription.rs, audio.rs  speech → text
//! tokens.rs      about how many tokens a text has
//! ```
//!
//! Any server that speaks one of the two will do. What one leaves out around the deltas is completed here, so that the
//! reader of a [`ModelStream`] always gets each start, each part and each end exactly once.
//!
//! Architecture invariant: no wire type leaves this module, and nothing the upstream says about an error does either,
//! except its codes.

mod annotation;
mod api;
mod audio;
mod call_ids;
mod client;
mod completions;
mod config;
mod error;
mod event;
mod images;
mod items;
mod key;
mod lenient;
mod message;
mod prompt;
mod reasoning;
mod reported;
mod responses;
mod stream;
mod tasks;
mod tokens;
mod transcription;
mod translator;

pub use api::Api;
pub use audio::AudioType;
pub use client::Model;
pub use config::{ModelConfig, base_url};
pub use error::{ModelError, ModelErrorKind, Upstream};
pub use event::{IncompleteReason, ModelEvent, Picture, TokenUsage};
pub use key::ModelKey;
pub use prompt::{FileSource, FunctionCall, Input, InputFile, InputPart, Prompt};
pub use stream::ModelStream;
pub use tokens::estimate_tokens;
pub use transcription::Transcription;
