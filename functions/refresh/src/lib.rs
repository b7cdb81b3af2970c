//! `POST /api/chatkit/refresh` `{"currentClientSecret"}`: the next client secret for the same person. `POST
//! /api/chatkit/logout` `{"currentClientSecret", "everywhere"?}`: no next one any more.
//!
//! `refresh` answers 200 as `start` does, `logout` 204. A secret can be exchanged once, until some time after its end;
//! a known user's secret only with that user's own token beside it. Errors: `bad_request`, `unauthorized`,
//! `rate_limit_exceeded`, `unavailable`; `upstream_error` and `upstream_timeout` in hosted mode.

mod config;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chatkit_shared::http::{Authenticator, ClientAddress, Error, HttpLayer, JsonBody, SiteUser, json};
use chatkit_shared::identity::Visitors;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::sessions::{AddressLimit, Sessions};
use chatkit_shared::store::Budgets;
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Deserialize;

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    visitors: Visitors,
    limit: AddressLimit,
    sessions: Sessions,
    budgets: Budgets,
    secrets: Secrets,
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    let routes = Router::new().route("/api/chatkit/refresh", post(refresh)).route("/api/chatkit/logout", post(logout));
    http.wrap(routes.with_state(app))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    current_client_secret: Option<String>,
    /// Whether the person's other sessions end, too; for `logout`.
    #[serde(default)]
    everywhere: bool,
}

impl Secret {
    fn take(&mut self) -> Option<String> {
        self.current_client_secret.take().filter(|secret| !secret.is_empty())
    }
}

fn missing() -> Error {
    Error::bad_request("currentClientSecret is required")
}

async fn refresh(
    State(app): State<App>,
    SiteUser(user): SiteUser,
    address: ClientAddress,
    body: JsonBody,
) -> Result<Response, Error> {
    let secret = body.parse::<Secret>()?.take().ok_or_else(missing)?;
    app.limit.admit(address.0).await?;
    Ok(json(&app.sessions.refresh(&secret, user.as_ref()).await?))
}

/// Ends the session and those that come from it; a visitor is forgotten by the browser, too. A user token alone is
/// enough to end all of the user's.
async fn logout(
    State(app): State<App>,
    SiteUser(user): SiteUser,
    address: ClientAddress,
    body: JsonBody,
) -> Result<Response, Error> {
    let mut body = body.parse::<Secret>()?;
    let secret = body.take();
    app.limit.admit(address.0).await?;
    let ended = match (&secret, &user) {
        (Some(secret), user) => app.sessions.end(secret, user.as_ref(), body.everywhere).await?,
        (None, Some(user)) if body.everywhere => {
            app.sessions.end_all(&user.owner).await?;
            None
        }
        (None, _) => return Err(missing()),
    };
    let answer = StatusCode::NO_CONTENT.into_response();
    if ended.is_some_and(|identity| identity.anonymous) {
        return Ok(([(SET_COOKIE, app.visitors.remove_cookie())], answer).into_response());
    }
    Ok(answer)
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
