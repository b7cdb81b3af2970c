//! User tokens that are verified against what an identity provider publishes (`JWKS_URL`).

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::modes::fault;
use crate::harness::app::App;
use crate::harness::keys::Key;
use crate::harness::log::Log;
use crate::harness::requests::{Carrying, post};
use crate::harness::sessions::START;
use crate::harness::tokens::sign;

const ISSUER: &str = "https://login.example.com/pool";
const AUDIENCE: &str = "the-site";

/// A provider that answers what the test says, and counts how often. Stops when dropped.
struct Provider {
    url: String,
    state: Arc<Mutex<(u16, String, usize)>>,
    _server: JoinSet<()>,
}

impl Provider {
    async fn start() -> Self {
        let state = Arc::new(Mutex::new((200, json!({ "keys": [] }).to_string(), 0)));
        let shared = Arc::clone(&state);
        let answer = async move || {
            let mut state = shared.lock().unwrap();
            state.2 += 1;
            Response::builder().status(state.0).body(Body::from(state.1.clone())).unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys.json", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        let router = Router::new().route("/keys.json", get(answer));
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, _server: server }
    }

    fn answer(&self, status: u16, body: &str) {
        let mut state = self.state.lock().unwrap();
        (state.0, state.1) = (status, body.to_owned());
    }

    fn publish(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public.clone()).collect();
        self.answer(200, &json!({ "keys": keys }).to_string());
    }

    /// How often it was asked since the last look.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().2)
    }

    /// The functions, with this provider.
    async fn app(&self) -> App {
        let variables =
            [("JWT_SECRET", ""), ("JWKS_URL", &self.url), ("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE)];
        let unlimited = [("AUTH_MODE", "jwt"), ("LIMIT_ADDRESS_BURST", "0")];
        let variables: Vec<_> = variables.into_iter().chain(unlimited).collect();
        App::with(<[_; 6]>::try_from(variables).unwrap()).await
    }
}

fn claims() -> Value {
    json!({ "sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "exp": App::began() + 31_536_000 })
}

async fn status(app: &App, token: &str) -> u16 {
    app.send(post(START, &json!({})).bearer(token)).await.status.as_u16()
}

#[tokio::test]
async fn published_keys_of_each_kind_verify_their_tokens() {
    let provider = Provider::start().await;
    let keys =
        [Key::new("one", Algorithm::RS256), Key::new("two", Algorithm::ES256), Key::new("three", Algorithm::EdDSA)];
    provider.publish(&[&keys[0], &keys[1], &keys[2]]);
    let app = provider.app().await;
    for key in &keys {
        assert_eq!(status(&app, &key.sign(&claims())).await, 200, "{}", key.id);
        for (name, value) in [
            ("iss", json!("https://login.example.com/other")),
            ("aud", json!("another-site")),
            ("exp", json!(App::began() - 60)),
            ("iss", Value::Null),
            ("aud", Value::Null),
        ] {
            let mut changed = claims();
            changed[name] = value;
            assert_eq!(status(&app, &key.sign(&changed)).await, 401, "{} {name}", key.id);
        }
    }
    assert_eq!(provider.asked(), 1);

    // A key is good for its own algorithm, and what is public is no secret.
    let [one, two, _] = &keys;
    let header = |algorithm: &str| json!({ "alg": algorithm, "kid": "one", "typ": "JWT" });
    let public = one.public["n"].as_str().unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(public).unwrap();
    let modulus = String::from_utf8_lossy(&modulus);
    let genuine = one.sign(&claims());
    let (_, signature) = genuine.rsplit_once('.').unwrap();
    let unsigned = sign(&header("none"), &claims(), "", Algorithm::HS256);
    for forged in [
        sign(&header("HS256"), &claims(), public, Algorithm::HS256),
        sign(&header("HS256"), &claims(), &modulus, Algorithm::HS256),
        sign(&header("HS256"), &claims(), &one.public.to_string(), Algorithm::HS256),
        format!("{}.", unsigned.rsplit_once('.').unwrap().0),
        format!("{}.{signature}", two.sign(&claims()).rsplit_once('.').unwrap().0),
        Key { id: "one".to_owned(), ..Key::new("", Algorithm::ES256) }.sign(&claims()),
        Key { id: "one".to_owned(), ..Key::new("", Algorithm::RS256) }.sign(&claims()),
        app.env.get("JWKS_URL").unwrap().to_owned(),
    ] {
        assert_eq!(status(&app, &forged).await, 401, "{forged}");
    }
}

#[tokio::test]
async fn published_keys_for_other_purposes_do_not_verify() {
    let provider = Provider::start().await;
    let key = Key::new("one", Algorithm::RS256);
    for (name, value) in [("use", "enc"), ("alg", "RSA-OAEP"), ("alg", "RS512"), ("kty", "oct"), ("n", "!")] {
        let mut other = key.public.clone();
        other[name] = value.into();
        let good = Key::new("two", Algorithm::ES256);
        provider.answer(200, &json!({ "keys": [other, "canary", {}, good.public] }).to_string());
        let app = provider.app().await;
        assert_eq!(status(&app, &key.sign(&claims())).await, 401, "{name} {value}");
        assert_eq!(status(&app, &good.sign(&claims())).await, 200, "{name} {value}");
    }
}

#[tokio::test]
async fn published_keys_are_read_again_for_an_unknown_key_once_a_minute() {
    let provider = Provider::start().await;
    let (old, new) = (Key::new("old", Algorithm::ES256), Key::new("new", Algorithm::ES256));
    provider.publish(&[&old]);
    let app = provider.app().await;
    assert_eq!(status(&app, &old.sign(&claims())).await, 200);
    provider.publish(&[&old, &new]);
    for key in [&new, &old] {
        assert_eq!(status(&app, &key.sign(&claims())).await, 200);
    }
    assert_eq!(provider.asked(), 2);
    let forged = Key::new("nobody's", Algorithm::ES256).sign(&claims());
    for _ in 0..3 {
        assert_eq!(status(&app, &forged).await, 401);
    }
    assert_eq!(provider.asked(), 0);
    app.clock.advance(60_000);
    assert_eq!(status(&app, &forged).await, 401);
    assert_eq!(provider.asked(), 1);

    // Without a new key in sight they are read every hour, and stay good while that fails.
    for (code, body) in [(500, ""), (200, "{\"keys\":[]}")] {
        provider.answer(code, body);
        app.clock.advance(3_600_000);
        assert_eq!(status(&app, &old.sign(&claims())).await, 200);
        assert_eq!(provider.asked(), 1);
    }
    provider.publish(&[&new]);
    app.clock.advance(3_600_000);
    assert_eq!(status(&app, &new.sign(&claims())).await, 200);
    assert_eq!(status(&app, &old.sign(&claims())).await, 401, "what is withdrawn is not good any more");
}

#[tokio::test]
async fn published_keys_are_read_while_a_function_starts() {
    let provider = Provider::start().await;
    provider.publish(&[&Key::new("one", Algorithm::ES256)]);
    let app = provider.app().await;
    chatkit_start::App::from_setup(&App::setup(&app.env, &app.clock, 2)).unwrap().open().await;
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn published_keys_when_unreadable_answer_unavailable_and_are_read_again() {
    let (log, provider) = (Log::start(), Provider::start().await);
    let key = Key::new("one", Algorithm::EdDSA);
    let app = provider.app().await;
    let large = format!("{{\"keys\":[{{\"canary\":\"{}\"}}]}}", "x".repeat(128 * 1024));
    let unusable = "its answer is no JWK set with a key for RS256, ES256 or EdDSA";
    // An RSA key of 2047 bits; and one of 1024 that a leading zero makes look larger.
    let short = [vec![0x7f; 256], [vec![0; 200], vec![0xff; 128]].concat()]
        .map(|modulus| json!({ "kty": "RSA", "kid": "one", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" }));
    let short = json!({ "keys": short }).to_string();
    let curves = [
        json!({ "kty": "EC", "kid": "one", "crv": "P-384", "x": "A".repeat(64), "y": "A".repeat(64) }),
        json!({ "kty": "OKP", "kid": "one", "crv": "P-256", "x": "A".repeat(43) }),
    ];
    let curves = json!({ "keys": curves }).to_string();
    let mut pause = 1;
    for (code, body, problem) in [
        (503, "", "it answered with the status 503"),
        (301, "", "it answered with the status 301"),
        (200, "canary", unusable),
        (200, "{\"keys\":[]}", unusable),
        (200, &short, unusable),
        (200, &curves, unusable),
        (200, large.as_str(), "its answer is larger than 131072 bytes"),
    ] {
        provider.answer(code, body);
        for _ in 0..2 {
            app.send(post(START, &json!({})).bearer(&key.sign(&claims()))).await.error(503, "unavailable");
        }
        assert_eq!(provider.asked(), 1, "{problem}");
        let cause = log.requests().pop().unwrap()["cause"].as_str().unwrap().to_owned();
        assert!(cause.ends_with(&format!("there are no keys of `JWKS_URL`: {problem}")), "{cause}");
        app.clock.advance(pause * 1_000 - 1);
        assert_eq!((status(&app, &key.sign(&claims())).await, provider.asked()), (503, 0), "before {pause} s");
        app.clock.advance(1);
        pause = 60.min(pause * 2);
    }
    assert!(!log.text().contains("canary"));
    provider.publish(&[&key]);
    assert_eq!(status(&app, &key.sign(&claims())).await, 200);
}

#[tokio::test]
async fn published_keys_need_issuer_and_audience_and_no_secret_beside_them() {
    const URL: (&str, &str) = ("JWKS_URL", "https://login.example.com/keys.json");
    let whole = [URL, ("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE)];
    assert_eq!(fault(&whole).await, None);
    let message = fault(&[URL, ("JWT_AUDIENCE", AUDIENCE)]).await;
    assert_eq!(
        message.as_deref(),
        Some("`JWT_ISSUER` must be set to the `iss` of user tokens, because `JWKS_URL` is set")
    );
    let message = fault(&[URL, ("JWT_ISSUER", ISSUER)]).await;
    assert_eq!(
        message.as_deref(),
        Some("`JWT_AUDIENCE` must be set to the `aud` of user tokens, because `JWKS_URL` is set")
    );
    let secret = [("JWT_SECRET", "another secret of more than thirty-two bytes"), ("JWT_SECRET_ARN", "arn:jwt")];
    for secret in secret {
        let message = fault(&[whole[0], whole[1], whole[2], secret]).await;
        let expected =
            "`JWT_SECRET` cannot be set beside `JWKS_URL`: user tokens are verified against one or the other";
        assert_eq!(message.as_deref(), Some(expected));
    }
    for url in
        ["login.example.com", "http://login.example.com/keys", "https://me:canary@login.example.com/", "ftp://x/"]
    {
        let message = fault(&[("JWKS_URL", url), whole[1], whole[2]]).await;
        let expected = "`JWKS_URL` must be an `https` URL without credentials and fragment, or `http` to this machine";
        assert_eq!(message.as_deref(), Some(expected), "{url}");
    }
}
