//! The Chat Completions API: OpenAI's older one, which nearly every other server speaks, each in its own way.

mod calls;
mod content;
mod messages;
mod request;
mod tools;
mod translate;
mod wire;

pub(super) use request::CreateCompletion;
pub(super) use translate::Translator;
