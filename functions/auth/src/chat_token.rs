//! `POST /api/auth/chat-token`: a user's identity for an hour at most, for a page or program of the site.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use chatkit_shared::http::{ClientAddress, Code, Error, JsonBody, SiteUser, json};
use chatkit_shared::identity::ChatTokens;
use serde::{Deserialize, Serialize};

use crate::App;

#[derive(Deserialize)]
struct Wanted {
    /// Those of the user's permissions that the token has, too.
    #[serde(default)]
    permissions: Vec<String>,
    /// Seconds.
    expires_in: Option<u64>,
}

#[derive(Serialize)]
struct ChatToken {
    token: String,
    /// Unix seconds.
    expires_at: i64,
    expires_in: u64,
    permissions: Vec<String>,
}

pub(crate) async fn chat_token(
    State(app): State<App>,
    SiteUser(user): SiteUser,
    address: ClientAddress,
    body: JsonBody,
) -> Result<Response, Error> {
    let user = user.ok_or_else(|| Error::unauthorized("this route needs the user's own token or session"))?;
    app.limit.admit(address.0).await?;
    let Wanted { permissions, expires_in } = body.parse()?;
    let lifetime = Duration::from_secs(expires_in.unwrap_or(ChatTokens::MAX_LIFETIME.as_secs()));
    if lifetime.is_zero() || lifetime > ChatTokens::MAX_LIFETIME {
        return Err(Error::bad_request("`expires_in` must be from 1 to 3600 seconds"));
    }
    if let Some(missing) = permissions.iter().find(|permission| !user.may(permission)) {
        return Err(Error::new(Code::Forbidden, format!("the user does not have the permission `{missing}`")));
    }
    let (token, expires_at) = app.chat_tokens.mint(&user, permissions.clone(), app.clock.now(), lifetime).await?;
    Ok(json(&ChatToken { token, expires_at: expires_at.as_second(), expires_in: lifetime.as_secs(), permissions }))
}
