//! Sessions that somebody ends.

use http::Method;
use serde_json::{Value, json};

use crate::harness::app::{Answer, App};
use crate::harness::hosted::{ScriptedSessions, session};
use crate::harness::requests::{Carrying, bare, post};
use crate::harness::sessions::{START, secret};
use crate::harness::tokens::{read, user_token};

const LOGOUT: &str = "/api/chatkit/logout";
const ENDED: &str = "the session has ended, please start a new one";

impl App {
    /// Ends a session; for a known user their token goes beside it.
    async fn logout(&self, body: &Value, user: Option<&str>) -> Answer {
        let request = post(LOGOUT, body);
        match user {
            Some(user) => self.send(request.bearer(&self.user_token(user))).await,
            None => self.send(request).await,
        }
    }
}

fn of(token: &str) -> Value {
    json!({ "currentClientSecret": token })
}

fn everywhere(token: &str) -> Value {
    json!({ "currentClientSecret": token, "everywhere": true })
}

fn ended(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
}

/// In how many days the records whose keys begin so expire.
fn kept_days(app: &App, partition: &str, sort: &str) -> Vec<i64> {
    let records = app.dynamo.records("counters").into_iter();
    let of_key = records
        .filter(|record| record["pk"]["S"].as_str().unwrap().starts_with(partition) && record["sk"]["S"] == sort);
    let expires_at = of_key.map(|record| record["expires_at"]["N"].as_str().unwrap().parse::<i64>().unwrap());
    expires_at.map(|expires_at| (expires_at - App::began()) / (24 * 3_600)).collect()
}

#[tokio::test]
async fn logout_ends_the_family_at_once() {
    let app = App::start().await;
    let (first, other) = (app.session("ada").await, app.session("ada").await);
    let second = secret(&app.refresh(&first, Some("ada")).await);
    // The secret is proof enough, and one of the family as good as another.
    let answer = app.logout(&of(&first), None).await;
    ended(&answer);
    assert_eq!(answer.headers.get("set-cookie"), None);
    // Longer than a session of it could be exchanged.
    assert_eq!(kept_days(&app, "S#", "family"), [31]);
    for token in [&first, &second] {
        assert_eq!(app.refresh(token, Some("ada")).await.error(401, "unauthorized"), ENDED);
    }
    // Tokens are not looked up: the newest one is good for chatting until its end.
    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(app.send(post("/chatkit", &list).bearer(&second)).await.status, 200);
    secret(&app.refresh(&other, Some("ada")).await);
    // A second time, and when it is over anyway, there is nothing left to do.
    ended(&app.logout(&of(&second), Some("ada")).await);
    app.clock.advance(40 * 24 * 3_600_000);
    ended(&app.logout(&of(&second), None).await);
}

#[tokio::test]
async fn logout_costs_two_writes() {
    let app = App::start().await;
    let token = secret(&app.refresh(&app.session("ada").await, Some("ada")).await);
    app.dynamo.reset();
    ended(&app.logout(&of(&token), None).await);
    assert_eq!(app.dynamo.reset().units(), (0.0, 2.0));
}

#[tokio::test]
async fn logout_of_a_visitor_removes_the_cookie() {
    let app = App::start().await;
    let (token, _) = app.visit().await;
    let answer = app.logout(&of(&token), None).await;
    ended(&answer);
    let cookie = "__Host-chatkit_visitor=; HttpOnly; SameSite=None; Secure; Path=/; Partitioned; Max-Age=0";
    let mut attributes: Vec<_> = answer.headers["set-cookie"].to_str().unwrap().split("; ").collect();
    attributes.sort_unstable();
    let mut expected: Vec<_> = cookie.split("; ").collect();
    expected.sort_unstable();
    assert_eq!(attributes, expected);
    assert_eq!(app.refresh(&token, None).await.error(401, "unauthorized"), ENDED);
}

#[tokio::test]
async fn logout_everywhere_ends_all_sessions_of_a_user_up_to_now() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0")]).await;
    let (one, other, grace) = (app.session("ada").await, app.session("ada").await, app.session("grace").await);
    let acme = user_token(&app.env, &json!({ "sub": "ada", "tenant": "acme", "exp": App::began() + 60 }));
    let in_acme = secret(&app.send(post(START, &json!({})).bearer(&acme)).await);
    // Who holds one session must not be able to end all of them.
    let message = "this session is refreshed with the user's own token beside it";
    assert_eq!(app.logout(&everywhere(&one), None).await.error(401, "unauthorized"), message);
    let message = "the session belongs to another user";
    assert_eq!(app.logout(&everywhere(&one), Some("grace")).await.error(401, "unauthorized"), message);
    app.clock.advance(1_000);
    ended(&app.logout(&everywhere(&one), Some("ada")).await);
    for token in [&one, &other] {
        assert_eq!(app.refresh(token, Some("ada")).await.error(401, "unauthorized"), ENDED);
    }
    secret(&app.refresh(&grace, Some("grace")).await);
    let refresh = post(crate::harness::sessions::REFRESH, &of(&in_acme)).bearer(&acme);
    secret(&app.send(refresh).await);
    app.clock.advance(1_000);
    let later = app.session("ada").await;
    secret(&app.refresh(&later, Some("ada")).await);
    // The site may ask for it without any session, as when a password was changed.
    ended(&app.logout(&json!({ "everywhere": true }), Some("ada")).await);
    assert_eq!(app.refresh(&later, Some("ada")).await.error(401, "unauthorized"), ENDED);
}

#[tokio::test]
async fn logout_everywhere_makes_a_visitor_somebody_new() {
    let app = App::start().await;
    let (token, jar) = app.visit().await;
    app.clock.advance(1_000);
    let again = app.send(post(START, &json!({})).with("cookie", &jar)).await;
    let other = secret(&again);
    assert_eq!(read(&other).1["sub"], read(&token).1["sub"]);
    ended(&app.logout(&everywhere(&token), None).await);
    assert_eq!(app.refresh(&other, None).await.error(401, "unauthorized"), ENDED);
    // A copy of the cookie opens nothing any more, as long as it lasts.
    assert_eq!(kept_days(&app, "U#", "sessions"), [366]);
    app.clock.advance(300 * 24 * 3_600_000);
    let stranger = secret(&app.send(post(START, &json!({})).with("cookie", &jar)).await);
    assert_ne!(read(&stranger).1["sub"], read(&token).1["sub"]);
}

#[tokio::test]
async fn logout_without_a_session_is_refused() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0")]).await;
    let missing = "currentClientSecret is required";
    for (body, user) in [
        (json!({}), None),
        (json!({}), Some("ada")),
        (json!({ "currentClientSecret": "" }), Some("ada")),
        (json!({ "everywhere": true }), None),
    ] {
        assert_eq!(app.logout(&body, user).await.error(400, "bad_request"), missing, "{body}");
    }
    let wrong = app.logout(&json!({ "everywhere": "yes" }), Some("ada")).await;
    assert_eq!(wrong.error(400, "bad_request"), "`everywhere` is missing or has the wrong type");
    let genuine = app.session("ada").await;
    for forged in ["x", &genuine[..genuine.len() - 1], &app.user_token("ada")] {
        let answer = app.logout(&of(forged), Some("ada")).await;
        assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid");
    }
    let form = bare(Method::POST, LOGOUT, "currentClientSecret=x".into());
    app.send(form).await.error(415, "unsupported_media_type");
    secret(&app.refresh(&genuine, Some("ada")).await);
}

#[tokio::test]
async fn hosted_logout_ends_the_family() {
    let api = ScriptedSessions::start().await;
    let app = App::with([
        ("CHATKIT_MODE", "hosted"),
        ("CHATKIT_WORKFLOW_ID", "wf_1"),
        ("OPENAI_API_KEY", "sk-hosted"),
        ("OPENAI_BASE_URL", &api.base_url()),
    ])
    .await;
    api.then(session("ek_1", App::began() + 300));
    secret(&app.send(post(START, &json!({}))).await);
    ended(&app.logout(&of("ek_1"), None).await);
    api.then(session("ek_2", App::began() + 600));
    assert_eq!(app.refresh("ek_1", None).await.error(401, "unauthorized"), ENDED);
}
