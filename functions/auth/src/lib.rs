//! Sign-in for sites that have none, where `AUTH_MODE` has `login`.
//!
//! - `POST /api/auth/chat-token`: a user's identity for an hour at most, whatever says who they are
//! - `POST /auth/logout`: signs out, everywhere; answers 200 with where the browser should go next, if anywhere
//!
//! Errors: `bad_request` where nobody signs in here, `forbidden` for a page of another origin, `rate_limit_exceeded`,
//! `unavailable`.

mod chat_token;
mod config;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chatkit_shared::clock::Clock;
use chatkit_shared::http::{Authenticator, ClientAddress, Error, HttpLayer, json};
use chatkit_shared::identity::ChatTokens;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::sessions::{AddressLimit, Logins};
use chatkit_shared::store::Budgets;
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::Serialize;

use crate::chat_token::chat_token;

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    chat_tokens: ChatTokens,
    logins: Option<Logins>,
    limit: AddressLimit,
    budgets: Budgets,
    secrets: Secrets,
    clock: Clock,
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    let routes = Router::new().route("/auth/logout", post(logout)).route("/api/auth/chat-token", post(chat_token));
    http.wrap(routes.with_state(app))
}

/// The answer of `logout`.
#[derive(Serialize)]
struct SignedOut {
    /// Where the identity provider signs the browser out.
    end_session_url: Option<String>,
}

async fn logout(State(app): State<App>, address: ClientAddress, headers: HeaderMap) -> Result<Response, Error> {
    let logins = app.logins()?;
    app.http.origins().admit(&headers)?;
    app.limit.admit(address.0).await?;
    if let Some(identity) = logins.recognise(&headers).await? {
        logins.end_all(&identity.owner).await?;
    }
    let cookie = [(SET_COOKIE, logins.remove_cookie())];
    Ok((cookie, json(&SignedOut { end_session_url: None })).into_response())
}

impl App {
    fn logins(&self) -> Result<&Logins, Error> {
        let missing = || Error::bad_request("nobody signs in at this server: `AUTH_MODE` does not have `login`");
        self.logins.as_ref().ok_or_else(missing)
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
