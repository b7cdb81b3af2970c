//! OpenAI's own ChatKit sessions, for sites that still run a workflow there (`CHATKIT_MODE=hosted`).

use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::env::{Env, EnvError};
use crate::https::{OPEN_TIMEOUT, read_at_most};
use crate::identity::Owner;
use crate::model::{ModelKey, base_url};
use crate::secrets::{Secret, SecretError, Secrets};

/// For one session.
const SESSION_TIMEOUT: Duration = Duration::from_secs(20);
/// A session has some 2 KB.
const MAX_SESSION_BYTES: usize = 1 << 20;

/// Creates sessions of one workflow. Cheap to clone.
#[derive(Clone)]
pub struct HostedSessions {
    client: Client,
    url: Url,
    key: Secret<ModelKey>,
    workflow_id: String,
    timeout: Duration,
}

/// A session at OpenAI.
#[derive(Debug)]
pub struct HostedSession {
    /// `cksess_…`.
    pub id: String,
    /// What the widget authenticates with.
    pub client_secret: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum HostedError {
    /// OpenAI took too long.
    #[error("the sessions API took too long")]
    TimedOut(#[source] reqwest::Error),
    /// OpenAI cannot be reached, or the connection broke.
    #[error("the sessions API cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// OpenAI's answer is no session. What it is instead is not logged: it may quote anything.
    #[error("the sessions API did not answer with a session")]
    Broken,
    /// There is no key at the moment.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// OpenAI refused: the key or the workflow is wrong, or a limit is reached.
    #[error("the sessions API answered with status {0}")]
    Refused(u16),
}

/// The fields of OpenAI's `ChatSession` that matter here.
#[derive(Deserialize)]
struct ChatSession {
    id: String,
    client_secret: SecretString,
    expires_at: i64,
}

impl HostedSessions {
    /// Sessions of `CHATKIT_WORKFLOW_ID` at `OPENAI_BASE_URL`, `/chatkit/sessions` appended.
    pub fn from_env(env: &Env, secrets: &Secrets, client: Client) -> Result<Self, EnvError> {
        let workflow_id = env.required("CHATKIT_WORKFLOW_ID", "the workflow of `CHATKIT_MODE=hosted`, `wf_…`")?;
        let key = secrets.secret(env, ModelKey::SECRET)?.ok_or_else(|| {
            EnvError::new("OPENAI_API_KEY", "or `OPENAI_SECRET_ARN` must be set, because `CHATKIT_MODE` is `hosted`")
        })?;
        let mut url = base_url(env)?;
        let path = format!("{}/chatkit/sessions", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self { client, url, key, workflow_id, timeout: SESSION_TIMEOUT })
    }

    /// Connects, so that no request waits for the connection later. Whatever the answer is, it does not matter.
    pub async fn open(&self) {
        let _ = self.client.head(self.url.clone()).timeout(OPEN_TIMEOUT).send().await;
    }

    /// The same with another timeout for one session.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// A new session for a user. There is no refresh at OpenAI: a new session for the same user continues the old one.
    pub async fn create(&self, owner: &Owner) -> Result<HostedSession, HostedError> {
        let key = self.key.get().await?;
        let mut response = self.send(&key, owner).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(newer) = self.key.newer_than(&key).await
        {
            response = self.send(&newer, owner).await?;
        }
        if !response.status().is_success() {
            return Err(HostedError::Refused(response.status().as_u16()));
        }
        let body = response.bytes_stream().map_err(failed);
        let body = read_at_most(body, MAX_SESSION_BYTES, || HostedError::Broken).await?;
        let session: ChatSession = serde_json::from_slice(&body).map_err(|_| HostedError::Broken)?;
        let expires_at = Timestamp::from_second(session.expires_at).map_err(|_| HostedError::Broken)?;
        if session.client_secret.expose_secret().is_empty() {
            return Err(HostedError::Broken);
        }
        Ok(HostedSession { id: session.id, client_secret: session.client_secret, expires_at })
    }

    async fn send(&self, key: &ModelKey, owner: &Owner) -> Result<Response, HostedError> {
        let request = self.client.post(self.url.clone()).timeout(self.timeout);
        let request = request.header(AUTHORIZATION, key.bearer()).header("openai-beta", "chatkit_beta=v1");
        let body = json!({ "user": user(owner), "workflow": { "id": self.workflow_id } });
        request.json(&body).send().await.map_err(failed)
    }
}

/// The user as OpenAI knows them. Without tenants it is the site's own id, so that a site which used another broker
/// before keeps its users' history; only an id that looks like one of a tenant's has the tenant in front, too.
fn user(owner: &Owner) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');
    match owner.tenant() {
        Owner::DEFAULT_TENANT if !owner.user().contains('/') => owner.user().to_owned(),
        tenant => format!("{}/{}", utf8_percent_encode(tenant, ESCAPED), owner.user()),
    }
}

fn failed(error: reqwest::Error) -> HostedError {
    let error = error.without_url();
    if error.is_timeout() { HostedError::TimedOut(error) } else { HostedError::Unreachable(error) }
}
