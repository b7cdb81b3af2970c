//! People nobody knows.

use chatkit_local::server::functions;
use chatkit_shared::identity::VisitorCookie;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Setup;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::app::{Answer, App, create, thread_id};
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::answer;
use crate::harness::sessions::{START, cookie, secret};
use crate::harness::tokens::{read, sign};

const YEAR: i64 = 365 * 24 * 3_600;

fn subject(token: &str) -> Value {
    read(token).1["sub"].clone()
}

/// The cookie of an answer: its name, its token, its attributes in order.
fn parts(answer: &Answer) -> (String, String, Vec<String>) {
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let mut attributes: Vec<_> = cookie.split("; ").map(ToOwned::to_owned).collect();
    let (name, token) = attributes.remove(0).split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    attributes.sort_unstable();
    (name, token, attributes)
}

#[tokio::test]
async fn start_without_a_token_makes_a_visitor_with_a_cookie() {
    let app = App::start().await;
    let started = app.send(post(START, &json!({}))).await;
    let token = secret(&started);
    let body = json!({ "client_secret": token, "expires_at": App::began() + 600, "expires_in": 600 });
    assert_eq!(started.json(), body);
    let (_, claims) = read(&token);
    let id = claims["sub"].as_str().unwrap();
    assert!(id.starts_with("vis_") && id.len() == 30, "{id}");
    let expected = json!({
        "iss": "chatkit", "aud": "chatkit-session", "sub": id, "tenant": "default", "jti": claims["jti"],
        "iat": App::began(), "exp": App::began() + 600, "auth_time": App::began(), "anonymous": true,
    });
    assert_eq!(claims, expected);

    let (name, cookie, attributes) = parts(&started);
    assert_eq!(name, "__Host-chatkit_visitor");
    let expected = ["HttpOnly", "Max-Age=31536000", "Partitioned", "Path=/", "SameSite=None", "Secure"];
    assert_eq!(attributes, expected);
    let (header, claims) = read(&cookie);
    assert_eq!(header, json!({ "typ": "chatkit-visitor+jwt", "alg": "HS256", "kid": read(&token).0["kid"] }));
    assert_eq!(claims, json!({ "aud": "chatkit-visitor", "sub": id, "exp": App::began() + YEAR }));
}

#[tokio::test]
async fn start_of_a_user_sets_no_cookie() {
    let app = App::start().await;
    let started = app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await;
    assert_eq!((started.status.as_u16(), started.headers.get("set-cookie")), (200, None));
}

#[tokio::test]
async fn visitor_cookie_on_loopback_needs_no_https() {
    let app = App::start().await;
    let (env, clock) = (app.env.clone(), app.clock.clone());
    let setup =
        Setup { env, ids: Ids::seeded(clock.clone(), 2), clock, cookie: VisitorCookie::Loopback, dynamodb: None };
    let router = functions(&setup).unwrap();
    let started = Answer::of(router.oneshot(post(START, &json!({}))).await.unwrap()).await;
    let (name, _, attributes) = parts(&started);
    assert_eq!(name, "chatkit_visitor");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn start_with_the_cookie_keeps_the_visitor() {
    let app = App::start().await;
    let (first, jar) = app.visit().await;
    app.clock.advance((YEAR - 1) * 1000);
    let request = post(START, &json!({})).with("cookie", &format!("theme=dark; {jar}; a=b"));
    let reloaded = app.send(request).await;
    assert_eq!(subject(&secret(&reloaded)), subject(&first));
    assert_ne!(secret(&reloaded), first);
    // Each visit is the beginning of another year.
    let (_, renewed, _) = parts(&reloaded);
    assert_eq!(read(&renewed).1["exp"], App::began() + 2 * YEAR - 1);

    // Under another name it may be anybody's: without the prefix, a sibling's page can set it.
    for name in ["chatkit_visitor", "__Host-chatkit_visitor2", "__Secure-chatkit_visitor"] {
        let other = jar.replace("__Host-chatkit_visitor", name);
        let started = app.send(post(START, &json!({})).with("cookie", &other)).await;
        assert_ne!(subject(&secret(&started)), subject(&first), "{name}");
    }

    // The browser would not send the old one any more; whoever does is somebody new.
    app.clock.advance(1000);
    let returned = app.send(post(START, &json!({})).with("cookie", &jar)).await;
    assert_ne!(subject(&secret(&returned)), subject(&first));
    let returned = app.send(post(START, &json!({})).with("cookie", &cookie(&reloaded))).await;
    assert_eq!(subject(&secret(&returned)), subject(&first));
}

#[tokio::test]
async fn start_with_several_cookies_of_the_name_finds_the_valid_one() {
    let app = App::start().await;
    let (first, jar) = app.visit().await;
    for header in [format!("__Host-chatkit_visitor=stale; {jar}"), format!("{jar}; __Host-chatkit_visitor=stale")] {
        let reloaded = app.send(post(START, &json!({})).with("cookie", &header)).await;
        assert_eq!(subject(&secret(&reloaded)), subject(&first), "{header}");
    }
    let request = post(START, &json!({})).with("cookie", "__Host-chatkit_visitor=stale").with("cookie", &jar);
    assert_eq!(subject(&secret(&app.send(request).await)), subject(&first));
}

#[tokio::test]
async fn start_with_a_forged_cookie_makes_a_new_visitor() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0")]).await;
    let (first, jar) = app.visit().await;
    let genuine = jar.split_once('=').unwrap().1;
    let (header, claims) = read(genuine);
    let signing = app.env.get("SESSION_SIGNING_SECRET").unwrap();
    let with = |part: &Value, name: &str, value: Value| {
        let mut part = part.clone();
        part[name] = value;
        part
    };
    let unsigned = format!(
        "{}.{}.",
        crate::harness::tokens::encode(&with(&header, "alg", json!("none"))),
        crate::harness::tokens::encode(&claims)
    );
    let elsewhere = App::with([("SESSION_SIGNING_SECRET", "another site's secret of thirty-two bytes")]).await;
    let (_, foreign) = elsewhere.visit().await;
    let forged = [
        sign(&header, &claims, "a key of thirty-two bytes or more, not ours", Algorithm::HS256),
        sign(&with(&header, "alg", json!("HS512")), &claims, signing, Algorithm::HS512),
        sign(&with(&header, "alg", json!("RS256")), &claims, signing, Algorithm::HS256),
        sign(&with(&header, "typ", json!("JWT")), &claims, signing, Algorithm::HS256),
        sign(&with(&header, "kid", Value::Null), &claims, signing, Algorithm::HS256),
        sign(&header, &with(&claims, "aud", json!("chatkit-session")), signing, Algorithm::HS256),
        sign(&header, &with(&claims, "aud", Value::Null), signing, Algorithm::HS256),
        sign(&header, &with(&claims, "exp", json!(App::began())), signing, Algorithm::HS256),
        foreign.split_once('=').unwrap().1.to_owned(),
        unsigned,
        genuine[..genuine.len() - 1].to_owned(),
        format!("{genuine}x"),
        String::new(),
        "\u{1f600}%00\"".to_owned(),
    ];
    let shorter = sign(&header, &with(&claims, "exp", json!(App::began() + 1)), signing, Algorithm::HS256);
    let request = post(START, &json!({})).with("cookie", &format!("__Host-chatkit_visitor={shorter}"));
    assert_eq!(subject(&secret(&app.send(request).await)), subject(&first), "whoever has the key can make one");
    let mut subjects = vec![subject(&first)];
    for value in forged {
        let started =
            app.send(post(START, &json!({})).with("cookie", &format!("__Host-chatkit_visitor={value}"))).await;
        subjects.push(subject(&secret(&started)));
    }
    let known = subjects.len();
    subjects.sort_unstable_by_key(ToString::to_string);
    subjects.dedup();
    assert_eq!(subjects.len(), known, "each one is somebody new");
}

#[tokio::test]
async fn visitors_do_not_see_each_others_threads() {
    let app = App::start().await;
    let ((first, _), (second, _)) = (app.visit().await, app.visit().await);
    app.model.then(answer("Hello"));
    let events = app.send(post("/chatkit", &create("Hi")).bearer(&first)).await.events();
    let thread = thread_id(&events);
    let list = json!({ "type": "threads.list", "params": {} });
    let get = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } });
    let own = app.send(post("/chatkit", &list).bearer(&first)).await.json();
    assert_eq!(own["data"][0]["id"], thread);
    let other = app.send(post("/chatkit", &list).bearer(&second)).await.json();
    assert_eq!(other, json!({ "data": [], "has_more": false }));
    app.send(post("/chatkit", &get).bearer(&second)).await.error(404, "not_found");
    let message = json!({ "message": "And me?", "sessionId": thread });
    app.send(post("/api/chat", &message).bearer(&second)).await.error(404, "not_found");
    // A refreshed visitor is the same visitor.
    let next = secret(&app.refresh(&first, None).await);
    assert_eq!(app.send(post("/chatkit", &get).bearer(&next)).await.json()["id"], thread);
}

#[tokio::test]
async fn start_without_anonymous_mode_needs_a_user_token() {
    let app = App::with([("AUTH_MODE", "jwt")]).await;
    for path in [START, "/api/chatkit/session"] {
        let refused = app.send(post(path, &json!({}))).await;
        let message = "this route needs `Authorization: Bearer <token>`";
        assert_eq!(refused.error(401, "unauthorized"), message);
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
        assert_eq!(refused.headers.get("set-cookie"), None);
    }
    assert_eq!(app.dynamo.reset().calls, []);
}
