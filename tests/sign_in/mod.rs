//! Sign-in at this server, for sites that have none.

mod answers;
mod cookie;
mod failures;
mod flow;
mod id_tokens;
mod sign_out;
mod variables;

use std::collections::BTreeMap;

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::harness::app::{Answer, App};
use crate::harness::provider::{CLIENT_ID, CLIENT_SECRET, ScriptedProvider};
use crate::harness::requests::{Carrying, get};

pub(crate) const LOGIN: &str = "/auth/login";
pub(crate) const CALLBACK: &str = "/auth/callback";
pub(crate) const LOGOUT: &str = "/auth/logout";
pub(crate) const API: &str = "https://chat.example.com";
pub(crate) const SITE: &str = "https://www.example.com";

/// The functions, with people who sign in at a provider.
pub(crate) async fn app(provider: &ScriptedProvider) -> App {
    with(provider, []).await
}

/// As [`app`], with these variables.
pub(crate) async fn with<const N: usize>(provider: &ScriptedProvider, variables: [(&str, &str); N]) -> App {
    let usual = [
        ("AUTH_MODE", "login"),
        ("AUTH_URL", API),
        ("ALLOWED_ORIGINS", SITE),
        ("OIDC_ISSUER", &provider.issuer),
        ("OIDC_CLIENT_ID", CLIENT_ID),
        ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
        ("LIMIT_ADDRESS_BURST", "0"),
    ];
    let variables: Vec<_> = usual.into_iter().chain(variables).collect();
    let clock = chatkit_shared::clock::Clock::fixed(crate::harness::app::NOW.parse().unwrap());
    Box::pin(App::at(clock, &variables)).await
}

/// One browser: it keeps its cookies.
#[derive(Default)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn send(&mut self, app: &App, request: Request<Body>) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.with("cookie", &cookies.join("; ")) };
        let answer = app.send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            // A browser refuses the prefix without these.
            assert!(name.starts_with("__Host-"), "{name}");
            assert!(attributes.starts_with("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age="), "{attributes}");
            match attributes.ends_with("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    /// Begins to sign in; returns with what the provider sends the browser back.
    pub(crate) async fn begin(&mut self, app: &App, provider: &ScriptedProvider) -> BTreeMap<String, String> {
        let answer = self.send(app, get(&format!("{LOGIN}?return_to=/chat"))).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        provider.authorize(location(&answer))
    }

    /// Comes back from the provider with these parameters.
    pub(crate) async fn come_back(&mut self, app: &App, answer: &BTreeMap<String, String>) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
        self.send(app, get(&format!("{CALLBACK}?{query}"))).await
    }

    /// Signs in.
    pub(crate) async fn sign_in(&mut self, app: &App, provider: &ScriptedProvider) -> Answer {
        let back = self.begin(app, provider).await;
        self.come_back(app, &back).await
    }

    /// Who is signed in here, as `/api/usage/me` sees it.
    pub(crate) async fn is_signed_in(&mut self, app: &App) -> bool {
        self.send(app, get("/api/usage/me")).await.status == 200
    }

    /// What the cookie of somebody who is signed in says.
    pub(crate) fn claims(&self) -> Value {
        crate::harness::tokens::read(&self.cookies["__Host-chatkit_login"]).1
    }
}

/// Where an answer sends the browser.
pub(crate) fn location(answer: &Answer) -> &str {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (303, ""));
    answer.headers["location"].to_str().unwrap()
}
