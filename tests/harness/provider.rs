//! An identity provider that speaks OIDC, and lies where a test tells it to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::keys::Key;
use super::model::Answer;

pub(crate) const CLIENT_ID: &str = "the chat: a client";
pub(crate) const CLIENT_SECRET: &str = "canary of a client's secret: +/&=";
pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const KEYS: &str = "/keys";
pub(crate) const TOKEN: &str = "/token";

/// A server on loopback. Stops when dropped.
pub(crate) struct ScriptedProvider {
    pub(crate) issuer: String,
    script: Arc<Mutex<Script>>,
    _server: JoinSet<()>,
}

pub(crate) struct Script {
    /// What it says of itself.
    pub(crate) discovery: Value,
    /// What it publishes.
    pub(crate) keys: Vec<Value>,
    /// What it signs with.
    pub(crate) key: Arc<Key>,
    /// Of its ID tokens, in place of the right ones; null leaves one out.
    pub(crate) claims: Value,
    /// Makes an ID token of the claims, in place of the key.
    pub(crate) forge: Option<Forge>,
    /// By path, in place of the right answers.
    pub(crate) answers: HashMap<&'static str, Answer>,
    /// Whether a code may be used again.
    pub(crate) forgets_codes: bool,
    codes: HashMap<String, Issued>,
    asked: Vec<(String, BTreeMap<String, String>)>,
}

/// Makes an ID token of its claims.
pub(crate) type Forge = Box<dyn Fn(&Value) -> String + Send>;

/// What a code was given out for.
#[derive(Clone)]
struct Issued {
    challenge: String,
    redirect_uri: String,
    nonce: String,
}

impl ScriptedProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Arc::new(Key::new("one", Algorithm::ES256));
        let script = Script {
            discovery: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize?kept=1"),
                "token_endpoint": format!("{issuer}{TOKEN}"),
                "jwks_uri": format!("{issuer}{KEYS}"),
                "end_session_endpoint": format!("{issuer}/end"),
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "authorization_response_iss_parameter_supported": true,
            }),
            keys: vec![key.public.clone()],
            key,
            claims: json!({}),
            forge: None,
            answers: HashMap::new(),
            forgets_codes: false,
            codes: HashMap::new(),
            asked: Vec::new(),
        };
        let script = Arc::new(Mutex::new(script));
        let router = Router::new().fallback(respond).with_state(Arc::clone(&script));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, script, _server: server }
    }

    /// What it says from now on.
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// The paths that were asked since the last call of this, each with its form.
    pub(crate) fn asked(&self) -> Vec<(String, BTreeMap<String, String>)> {
        std::mem::take(&mut self.script().asked)
    }

    /// Somebody signs in at the address to which the browser was sent. Returns the parameters with which it is sent
    /// back.
    pub(crate) fn authorize(&self, location: &str) -> BTreeMap<String, String> {
        let url = Url::parse(location).unwrap();
        let asked: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(asked.len(), url.query_pairs().count(), "no parameter comes twice: {location}");
        assert!(location.starts_with(&format!("{}/authorize?", self.issuer)), "{location}");
        assert_eq!(
            asked.keys().collect::<Vec<_>>(),
            [
                "client_id",
                "code_challenge",
                "code_challenge_method",
                "kept",
                "nonce",
                "redirect_uri",
                "response_type",
                "scope",
                "state"
            ]
        );
        for (name, value) in [("response_type", "code"), ("code_challenge_method", "S256"), ("client_id", CLIENT_ID)] {
            assert_eq!(asked[name], value);
        }
        let mut script = self.script();
        let code = format!("canary-code-{}", script.codes.len());
        let issued = Issued {
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
            nonce: asked["nonce"].clone(),
        };
        script.codes.insert(code.clone(), issued);
        let answer = [("code", code), ("state", asked["state"].clone()), ("iss", self.issuer.clone())];
        answer.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

async fn respond(State(script): State<Arc<Mutex<Script>>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut form: BTreeMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
    if let Some(value) = parts.headers.get("authorization") {
        form.insert("authorization".to_owned(), value.to_str().unwrap().to_owned());
    }
    let mut script = script.lock().unwrap();
    let path = parts.uri.path().to_owned();
    script.asked.push((path.clone(), form.clone()));
    if let Some(answer) = script.answers.get(path.as_str()) {
        return answer.clone().into_response();
    }
    let answer = match path.as_str() {
        DISCOVERY => script.discovery.clone(),
        KEYS => json!({ "keys": script.keys }),
        TOKEN => match script.tokens(&form) {
            Ok(tokens) => tokens,
            Err(error) => return Answer::with(400, "application/json", error.to_string()).into_response(),
        },
        _ => return Answer::with(404, "application/json", "{}").into_response(),
    };
    Answer::with(200, "application/json", answer.to_string()).into_response()
}

impl Script {
    fn tokens(&mut self, form: &BTreeMap<String, String>) -> Result<Value, Value> {
        let refused = |error: &str| json!({ "error": error, "error_description": "canary of a description" });
        if form.get("client_id").map(String::as_str) != Some(CLIENT_ID) {
            return Err(refused("invalid_client"));
        }
        let code = &form["code"];
        let known = if self.forgets_codes { self.codes.get(code).cloned() } else { self.codes.remove(code) };
        let Issued { challenge, redirect_uri, nonce } = known.ok_or_else(|| refused("invalid_grant"))?;
        let verifier = &form["code_verifier"];
        assert!((43..=128).contains(&verifier.len()), "{verifier}");
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        if hash != challenge || redirect_uri != form["redirect_uri"] || form["grant_type"] != "authorization_code" {
            return Err(refused("invalid_grant"));
        }
        let mut claims = json!({
            "iss": self.discovery["issuer"], "aud": CLIENT_ID, "nonce": nonce, "sub": "ada", "exp": 2_000_000_000,
        });
        for (name, value) in self.claims.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let id_token = self.forge.as_ref().map_or_else(|| self.key.sign(&claims), |forge| forge(&claims));
        Ok(json!({ "access_token": "canary-access", "token_type": "Bearer", "id_token": id_token }))
    }
}
