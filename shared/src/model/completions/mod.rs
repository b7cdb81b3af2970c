//! The Chat Completions API: OpenAI's older one, which nearly every other server speaks, each in its own way.

mod function_calls;
mod messages;
mod request;
mod think_tags;
mod translator;
mod wire;

pub(super) use request::CreateCompletion;
pub(super) use translator::{DONE, Translator, only_chunk};
