use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use chatkit_shared::env::{Env, EnvError};
use chatkit_shared::http::{ClientAddress, Code, Error, RequestLog, json};
use chatkit_shared::identity::{Identity, PendingLogin, PendingLogins, Provider, ProviderError};
use chatkit_shared::sessions::Logins;
use chatkit_shared::store::Claims;
use http::header::{ACCEPT, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::pages::Pages;

/// What signing in needs, where `AUTH_MODE` has `login`.
#[derive(Clone)]
pub(crate) struct SignIn {
    pub(crate) provider: Provider,
    pub(crate) pending: PendingLogins,
    pub(crate) logins: Logins,
    pub(crate) answers: Claims,
    pub(crate) pages: Pages,
    pub(crate) lifetime: Duration,
}

/// How long somebody who has signed in stays so: `LOGIN_HOURS` (8).
pub(crate) fn lifetime(env: &Env) -> Result<Duration, EnvError> {
    const NAME: &str = "LOGIN_HOURS";
    const WANTS: &str = "a whole number of hours from 1 to 720";
    match env.parsed(NAME, 8, WANTS)? {
        hours @ 1..=720 => Ok(Duration::from_hours(hours)),
        _ => Err(EnvError::new(NAME, format!("must be {WANTS}"))),
    }
}

#[derive(Deserialize)]
pub(crate) struct Return {
    return_to: Option<String>,
}

/// The provider's answer. A code comes once, and an error in its place.
#[derive(Deserialize)]
pub(crate) struct Answer {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// The answer of `logout`.
#[derive(Serialize)]
struct SignedOut {
    /// Where the identity provider signs the browser out.
    end_session_url: Option<String>,
}

type Parsed<T> = Result<Query<T>, QueryRejection>;

fn parsed<T>(query: Parsed<T>) -> Result<T, Error> {
    query.map(|Query(query)| query).map_err(|_| Error::bad_request("the query has a field twice"))
}

/// To the identity provider.
pub(crate) async fn login(State(app): State<App>, query: Parsed<Return>) -> Result<Response, Error> {
    let sign_in = app.sign_in()?;
    let page = sign_in.pages.page(parsed(query)?.return_to.as_deref())?;
    let (login, cookie) = sign_in.pending.begin(page.as_str(), &app.ids, app.clock.now()).await?;
    let url = sign_in.provider.authorization_url(&sign_in.pages.redirect_uri(), &login).await?;
    see(&url, [cookie])
}

/// Back from the identity provider.
pub(crate) async fn callback(
    State(app): State<App>,
    address: ClientAddress,
    Extension(log): Extension<RequestLog>,
    headers: HeaderMap,
    query: Parsed<Answer>,
) -> Result<Response, Error> {
    let sign_in = app.sign_in()?;
    let answer = parsed(query)?;
    app.limit.admit(address.0).await?;
    let login = sign_in.pending.recognise(&headers, app.clock.now()).await?;
    // Another tab may have begun another one since: the browser keeps that.
    let login = login.filter(|login| answer.state.as_deref() == Some(login.state())).ok_or_else(stale)?;
    let mut response = sign_in.finish(&app, &login, answer, &log).await.into_response();
    let removal = HeaderValue::try_from(sign_in.pending.remove_cookie()).map_err(Error::internal)?;
    response.headers_mut().append(SET_COOKIE, removal);
    Ok(response)
}

/// Signs out everywhere, and tells the browser where the provider does so. A form is sent there.
pub(crate) async fn logout(
    State(app): State<App>,
    address: ClientAddress,
    headers: HeaderMap,
    query: Parsed<Return>,
) -> Result<Response, Error> {
    let sign_in = app.sign_in()?;
    app.http.origins().admit(&headers)?;
    let page = sign_in.pages.page(parsed(query)?.return_to.as_deref())?;
    app.limit.admit(address.0).await?;
    if let Some(identity) = sign_in.logins.recognise(&headers).await? {
        sign_in.logins.end_all(&identity.owner).await?;
    }
    let end_session_url = sign_in.provider.end_session_url(&page).await;
    let cookie = sign_in.logins.remove_cookie();
    let is_form =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|it| it.contains("text/html"));
    if is_form {
        return see(&end_session_url.unwrap_or(page), [cookie]);
    }
    Ok(([(SET_COOKIE, cookie)], json(&SignedOut { end_session_url: end_session_url.map(String::from) }))
        .into_response())
}

impl SignIn {
    /// Signs in whom the provider vouches for, and sends the browser back to its page.
    async fn finish(
        &self,
        app: &App,
        login: &PendingLogin,
        answer: Answer,
        log: &RequestLog,
    ) -> Result<Response, Error> {
        // Before the code is sent anywhere: it may be another provider's (RFC 9207).
        if !self.provider.is_of(answer.iss.as_deref()).await? {
            return Err(Error::bad_request("the answer comes from another identity provider than this server's"));
        }
        let mut page = Url::parse(&login.return_to).map_err(Error::internal)?;
        match (answer.error.as_deref(), answer.code) {
            // The person does not want to, or may not. The page can say so.
            (Some("access_denied"), _) => {
                page.query_pairs_mut().append_pair("sign_in_error", "access_denied");
                see(&page, [])
            }
            (Some(error), _) => Err(ProviderError::refused(StatusCode::SEE_OTHER.as_u16(), error).into()),
            (None, None) => Err(Error::bad_request("the identity provider's answer has no code")),
            (None, Some(code)) => {
                let until = app.clock.now() + 2 * PendingLogin::LIFETIME;
                if !self.answers.claim(&format!("sign-in {}", login.state()), until).await? {
                    return Err(stale());
                }
                let identity: Identity = self.provider.exchange(&code, &self.pages.redirect_uri(), login).await?;
                log.owner(&identity.owner);
                see(&page, [self.logins.begin(&identity, self.lifetime).await?])
            }
        }
    }
}

fn stale() -> Error {
    Error::bad_request(
        "this sign-in was begun in another browser, or too long ago, or has ended: please go back to the page and sign \
         in again",
    )
}

/// Sends the browser to an address, with cookies.
fn see<const N: usize>(url: &Url, cookies: [String; N]) -> Result<Response, Error> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let location = [(LOCATION, url.to_string())];
    for (name, value) in location.into_iter().chain(cookies.map(|cookie| (SET_COOKIE, cookie))) {
        response.headers_mut().append(name, HeaderValue::try_from(value).map_err(Error::internal)?);
    }
    Ok(response)
}

/// Nobody signs in here.
pub(crate) fn missing() -> Error {
    Error::new(Code::BadRequest, "nobody signs in at this server: `AUTH_MODE` does not have `login`")
}
