//! Reports usage.
//!
//! - `GET /api/analytics?startDate&endDate&groupBy`: daily rows of the caller's tenant; needs `analytics:read`
//! - `GET /api/usage/me`: the caller's own limits
//! - `GET /health`: whether the function runs
//!
//! Errors: `bad_request` (dates), `unauthorized`, `forbidden`, `rate_limit_exceeded`, `unavailable`.

mod config;
mod daily;
mod me;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::response::Response;
use axum::routing::get;
use chatkit_shared::clock::Clock;
use chatkit_shared::engine::{Limits, Tenants};
use chatkit_shared::http::{Authenticator, Caller, Code, Error, HttpLayer, json};
use chatkit_shared::identity::Identity;
use chatkit_shared::secrets::Secrets;
use chatkit_shared::store::{Budgets, Usage};
use serde_json::json as object;

use crate::daily::{Range, rows};
use crate::me::OwnUsage;

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    budgets: Budgets,
    usage: Usage,
    tenants: Tenants,
    secrets: Secrets,
    clock: Clock,
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    let routes = Router::new()
        .route("/api/analytics", get(analytics))
        .route("/api/usage/me", get(own_usage))
        .route("/health", get(health));
    http.wrap(routes.with_state(app))
}

async fn analytics(
    State(app): State<App>,
    Caller(identity): Caller,
    query: Result<Query<daily::RangeQuery>, QueryRejection>,
) -> Result<Response, Error> {
    if !identity.may(Identity::ANALYTICS_READ) {
        return Err(Error::new(Code::Forbidden, "this route needs the permission `analytics:read`"));
    }
    let Query(query) = query.map_err(|_| Error::bad_request("the query has a field twice"))?;
    let range = Range::parse(&query, app.clock.now())?;
    app.admit(&identity, &app.tenants.limits(&identity).await?).await?;
    let usage = app.usage.daily(identity.owner.tenant(), range.from, range.to).await?;
    Ok(json(&rows(&range, &usage)))
}

async fn own_usage(State(app): State<App>, Caller(identity): Caller) -> Result<Response, Error> {
    let limits = app.tenants.limits(&identity).await?;
    app.admit(&identity, &limits).await?;
    let now = app.clock.now();
    let used = app.budgets.used(&identity.owner, &limits.turns, now).await?;
    Ok(json(&OwnUsage::new(&limits, &used, now)))
}

impl App {
    /// Counts a request against the same limit as the user's operations of ChatKit that do not call the model.
    async fn admit(&self, identity: &Identity, limits: &Limits) -> Result<(), Error> {
        limits.admit_request(&self.budgets, identity, self.clock.now()).await?.or(Error::rate_limited)
    }
}

async fn health() -> Response {
    json(&object!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
