//! Who is asking, and how that is configured.

mod development;
mod modes;
mod secrets;
mod user_tokens;
