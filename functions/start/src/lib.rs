//! `POST /api/chatkit/start`, alias `/api/chatkit/session`: a client secret for the user for whom the site vouches, or
//! for an anonymous visitor where that is allowed.
//!
//! Answers 200 with [`chatkit_shared::sessions::ClientSecret`]; a visitor's answer sets the cookie by which they are
//! recognised. Errors: `unauthorized`, `forbidden` for a page of another origin, `unsupported_media_type`,
//! `rate_limit_exceeded`, `unavailable`; `upstream_error` and `upstream_timeout` in hosted mode. The body is ignored:
//! nothing in it could be trusted.
//!
//! With `Idempotency-Key` a repetition gets the same session. The key is the user's, or the visitor's whom the cookie
//! names. Of somebody new it is ignored: nothing tells two of them apart but the key itself, which others may have
//! chosen, too, and the first of two sessions that nobody has used is worth nothing.

mod config;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chatkit_shared::clock::Clock;
use chatkit_shared::http::{
    Authenticator, ClientAddress, Error, HttpLayer, IdempotencyKey, SiteUser, expect_json, json, read_body,
};
use chatkit_shared::identity::{Identity, Visitor, Visitors};
use chatkit_shared::ids::Ids;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::sessions::{AddressLimit, ClientSecret, Sessions};
use chatkit_shared::store::Budgets;
use http::HeaderMap;
use http::header::{ORIGIN, SET_COOKIE};

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    visitors: Option<Visitors>,
    limit: AddressLimit,
    sessions: Sessions,
    budgets: Budgets,
    secrets: Secrets,
    clock: Clock,
    ids: Ids,
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    let routes = Router::new().route("/api/chatkit/start", post(start)).route("/api/chatkit/session", post(start));
    http.wrap(routes.with_state(app))
}

async fn start(
    State(app): State<App>,
    SiteUser(user): SiteUser,
    address: ClientAddress,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    app.http.origins().admit(&headers)?;
    if headers.contains_key(ORIGIN) {
        expect_json(&headers)?;
    }
    let once = match key {
        Some(key) => Some(IdempotencyKey::hashes(&key, "start", &read_body(body).await?)),
        None => None,
    };
    let missing = || Error::unauthorized("this route needs `Authorization: Bearer <token>`");
    match user {
        Some(identity) => {
            app.limit.admit(address.0).await?;
            Ok(json(&app.session(&identity, once).await?))
        }
        None => start_visitor(&app, app.visitors.as_ref().ok_or_else(missing)?, address, &headers, once).await,
    }
}

async fn start_visitor(
    app: &App,
    visitors: &Visitors,
    address: ClientAddress,
    headers: &HeaderMap,
    once: Option<(String, String)>,
) -> Result<Response, Error> {
    app.limit.admit(address.0).await?;
    let now = app.clock.now();
    let mut visitor = visitors.recognise(headers, now, &app.ids).await?;
    let mut identity = Visitors::identity(&visitor.id).map_err(Error::internal)?;
    if let Some(since) = visitor.since
        && app.sessions.has_ended(&identity.owner, since).await?
    {
        visitor = Visitor::new(&app.ids);
        identity = Visitors::identity(&visitor.id).map_err(Error::internal)?;
    }
    let secret = app.session(&identity, once.filter(|_| visitor.since.is_some())).await?;
    let cookie = visitors.set_cookie(&visitor.id, now).await?;
    Ok(([(SET_COOKIE, cookie)], json(&secret)).into_response())
}

impl App {
    /// A first session, or the one that a request with the same key and body has got before.
    async fn session(&self, identity: &Identity, once: Option<(String, String)>) -> Result<ClientSecret, Error> {
        Ok(match once {
            Some((key, fingerprint)) => self.sessions.start_once(identity, &key, &fingerprint).await?,
            None => self.sessions.start(identity).await?,
        })
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
