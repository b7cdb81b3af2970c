//! Sessions as a page starts and refreshes them.

use jiff::Timestamp;
use serde_json::json;

use super::app::{Answer, App, NOW};
use super::requests::{Carrying, post};
use super::tokens::user_token;

pub(crate) const START: &str = "/api/chatkit/start";
pub(crate) const REFRESH: &str = "/api/chatkit/refresh";

impl App {
    /// The second in which the test began.
    pub(crate) fn began() -> i64 {
        NOW.parse::<Timestamp>().unwrap().as_second()
    }

    /// The site's token for a user, good for a year.
    pub(crate) fn user_token(&self, user: &str) -> String {
        user_token(&self.env, &json!({ "sub": user, "exp": Self::began() + 31_536_000 }))
    }

    /// A user's first session.
    pub(crate) async fn session(&self, user: &str) -> String {
        secret(&self.send(post(START, &json!({})).bearer(&self.user_token(user))).await)
    }

    /// A visitor's first session, and their cookie as the browser sends it.
    pub(crate) async fn visit(&self) -> (String, String) {
        let answer = self.send(post(START, &json!({}))).await;
        (secret(&answer), cookie(&answer))
    }

    /// Exchanges a secret; for a known user their token goes beside it.
    pub(crate) async fn refresh(&self, secret: &str, user: Option<&str>) -> Answer {
        let request = post(REFRESH, &json!({ "currentClientSecret": secret }));
        match user {
            Some(user) => self.send(request.bearer(&self.user_token(user))).await,
            None => self.send(request).await,
        }
    }
}

/// The secret of an answer.
pub(crate) fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["client_secret"].as_str().unwrap().to_owned()
}

/// The cookie that an answer sets, as it is sent back.
pub(crate) fn cookie(answer: &Answer) -> String {
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}
