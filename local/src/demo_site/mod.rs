//! The endpoints of a site: one for server tools, one for the actions of widgets. This shop is the example to copy
//! from. It verifies each call, and answers in two of the three forms: JSON and a stream of effects.
//!
//! ```text
//! mod.rs    verifies calls; the assistant that makes them: `local/assistant.json`
//! tools.rs  the tools       actions.rs  what buttons do       shop.rs  the products, and widgets that show them
//! ```

mod actions;
mod shop;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::routing::post;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use standardwebhooks::{Webhook, WebhookError};

/// The pause before each effect of a tool that streams.
pub const PACE: Duration = Duration::from_millis(600);

#[derive(Clone)]
struct Site {
    /// Verifies who calls.
    webhook: Arc<Webhook>,
    pace: Duration,
}

/// The site's `POST /tools` and `POST /actions`. `secret` is the caller's `TOOL_SIGNING_SECRET`; `pace` is the
/// pause before each effect: [`PACE`], or zero in tests.
pub fn router(secret: &SecretString, pace: Duration) -> Result<Router, WebhookError> {
    let webhook = Arc::new(Webhook::new(secret.expose_secret())?);
    Ok(Router::new()
        .route("/tools", post(tools::run))
        .route("/actions", post(actions::run))
        .with_state(Site { webhook, pace }))
}

/// The `data` of a call whose signature is valid.
pub(super) struct Verified<T>(pub(super) T);

/// The body of a call of a tool or an action.
#[derive(Deserialize)]
struct Call<T> {
    data: T,
}

impl<T: DeserializeOwned> FromRequest<Site> for Verified<T> {
    type Rejection = (StatusCode, &'static str);

    async fn from_request(request: Request, site: &Site) -> Result<Self, Self::Rejection> {
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, site).await;
        let body = body.map_err(|_| (StatusCode::BAD_REQUEST, "the body cannot be read\n"))?;
        // The signature is over the bytes as they came, and over the time: an old call cannot be sent again.
        let verified = site.webhook.verify(&body, &headers);
        verified.map_err(|_| (StatusCode::UNAUTHORIZED, "the signature is not valid\n"))?;
        let Call { data } = serde_json::from_slice(&body)
            .map_err(|_| (StatusCode::BAD_REQUEST, "this is neither a tool's call nor an action\n"))?;
        Ok(Self(data))
    }
}

/// In `local/assistant.json` in place of the URL of this router, whose port changes.
const PLACEHOLDER: &str = "http://127.0.0.1:PORT";

/// The demonstration assistant as a value of `ASSISTANT`, in one line. `site` is the URL of this router.
///
/// `only_functions` leaves out hosted tools, which the Chat Completions API does not have.
pub fn document(site: &str, only_functions: bool) -> serde_json::Result<String> {
    let text = include_str!("../../assistant.json").replace(PLACEHOLDER, site);
    let mut document: Value = serde_json::from_str(&text)?;
    if only_functions {
        let hosted = ["web_search", "image_generation"].map(Value::from);
        for (list, name) in [("/tools", "type"), ("/composer/tools", "tool")] {
            if let Some(Value::Array(entries)) = document.pointer_mut(list) {
                entries.retain(|entry| !hosted.contains(&entry[name]));
            }
        }
    }
    Ok(document.to_string())
}
