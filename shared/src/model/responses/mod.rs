//! The OpenAI Responses API. Servers that leave out the events around the deltas are completed here.

mod function_calls;
mod hosted_tools;
mod request;
mod translator;
mod wire;

pub(super) use request::{CreateResponse, ShownPrompt};
pub(super) use translator::{Translator, last_event};
