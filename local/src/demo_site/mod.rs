//! What a site gives the assistant: an endpoint where server tools run, and one where actions go. This shop is the
//! example to copy from. It verifies each call, and answers in each of the three ways: text, JSON, a stream of effects.
//!
//! ```text
//! call.rs   what is asked: the body of a call, verified     tools.rs  the tools
//! shop.rs   the products, and widgets that show them        actions.rs  what buttons do
//! document.rs  the assistant that uses all this: `local/assistant.json`
//! ```

mod actions;
mod call;
mod document;
mod shop;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
pub use document::document;
use secrecy::{ExposeSecret, SecretString};
use standardwebhooks::{Webhook, WebhookError};

/// The pause before each effect of a tool that streams.
pub const PACE: Duration = Duration::from_millis(600);

#[derive(Clone)]
struct Site {
    /// Verifies who calls.
    webhook: Arc<Webhook>,
    pace: Duration,
}

/// The site's `POST /tools` and `POST /actions`. `secret` is the `TOOL_SIGNING_SECRET` of whoever calls; `pace` is the
/// pause before each effect: [`PACE`], or zero in tests.
pub fn router(secret: &SecretString, pace: Duration) -> Result<Router, WebhookError> {
    let webhook = Arc::new(Webhook::new(secret.expose_secret())?);
    Ok(Router::new()
        .route("/tools", post(tools::run))
        .route("/actions", post(actions::run))
        .with_state(Site { webhook, pace }))
}
