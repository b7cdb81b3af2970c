//! The OpenAI Responses API. Servers that leave out the events around the deltas are completed here.

mod calls;
mod content;
mod hosted;
mod input;
mod item;
mod request;
mod translate;
mod wire;

pub(super) use request::CreateResponse;
pub(super) use translate::Translator;
