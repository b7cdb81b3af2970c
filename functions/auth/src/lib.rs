//! Sign-in for sites that have none, where `AUTH_MODE` has `login`: OIDC's authorization code flow with PKCE.
//!
//! - `POST /api/auth/chat-token`: a user's identity for an hour at most, whatever says who they are
//! - `GET /auth/login?return_to`: to the identity provider
//! - `GET /auth/callback`: back from it, signed in, to the page
//! - `POST /auth/logout?return_to`: signs out, everywhere, and says where the provider does so
//!
//! Errors: `bad_request` where nobody signs in here, for a page that is not allowed, for an answer that this browser
//! has not asked for or that came before; `forbidden` for a page of another origin; `rate_limit_exceeded`; `upstream_error`
//! and `upstream_timeout` of the provider; `unavailable`.

mod chat_token;
mod config;
mod pages;
mod sign_in;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use chatkit_shared::clock::Clock;
use chatkit_shared::http::{Authenticator, Error, HttpLayer};
use chatkit_shared::identity::ChatTokens;
use chatkit_shared::ids::Ids;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::sessions::AddressLimit;
use chatkit_shared::store::Budgets;

use crate::chat_token::chat_token;
use crate::sign_in::{SignIn, callback, login, logout, missing};

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    chat_tokens: ChatTokens,
    sign_in: Option<SignIn>,
    limit: AddressLimit,
    budgets: Budgets,
    secrets: Secrets,
    clock: Clock,
    ids: Ids,
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    let routes = Router::new()
        .route("/api/auth/chat-token", post(chat_token))
        .route("/auth/login", get(login))
        .route("/auth/callback", get(callback))
        .route("/auth/logout", post(logout));
    http.wrap(routes.with_state(app))
}

impl App {
    fn sign_in(&self) -> Result<&SignIn, Error> {
        self.sign_in.as_ref().ok_or_else(missing)
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
