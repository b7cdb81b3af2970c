//! `POST /api/chatkit/refresh` `{"currentClientSecret"}`: the next client secret for the same person.
//!
//! Answers 200 as `start` does. A secret can be exchanged once, until some time after its end; a known user's secret only
//! with that user's own token beside it. Errors: `bad_request`, `unauthorized`, `rate_limit_exceeded`,
//! `unavailable`; `upstream_error` and `upstream_timeout` in hosted mode.

mod config;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::post;
use chatkit_shared::http::{Authenticator, ClientAddress, Error, HttpLayer, JsonBody, SiteUser, json};
use chatkit_shared::secrets::Secrets;
use chatkit_shared::sessions::{AddressLimit, Sessions};
use chatkit_shared::store::Budgets;
use serde::Deserialize;

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    limit: AddressLimit,
    sessions: Sessions,
    budgets: Budgets,
    secrets: Secrets,
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    http.wrap(Router::new().route("/api/chatkit/refresh", post(refresh)).with_state(app))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    current_client_secret: Option<String>,
}

async fn refresh(
    State(app): State<App>,
    SiteUser(user): SiteUser,
    address: ClientAddress,
    body: JsonBody,
) -> Result<Response, Error> {
    let Refresh { current_client_secret } = body.parse()?;
    let secret = current_client_secret.filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| Error::bad_request("currentClientSecret is required"))?;
    app.limit.admit(address.0).await?;
    Ok(json(&app.sessions.refresh(&secret, user.as_ref()).await?))
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
