//! Who is asking, and how that is configured.

mod chat_tokens;
mod claims;
pub(crate) mod development;
pub(crate) mod modes;
mod published_keys;
mod secrets;
mod site_sessions;
mod token_sources;
mod user_tokens;
