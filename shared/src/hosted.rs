//! OpenAI's own ChatKit sessions, for sites that still run a workflow there (`CHATKIT_MODE=hosted`).

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::env::{Env, EnvError};
use crate::identity::Owner;
use crate::model::ModelConfig;

/// Brokers sessions of one workflow. Cheap to clone.
#[derive(Clone)]
pub struct HostedSessions {
    client: Client,
    url: Url,
    key: SecretString,
    workflow_id: String,
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
    /// OpenAI cannot be reached, or its answer is no session.
    #[error("the sessions API did not answer with a session")]
    Broken(#[source] reqwest::Error),
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
    ///
    /// # Errors
    /// When the workflow or the key is missing.
    pub fn from_env(env: &Env, key: Option<SecretString>) -> Result<Self, EnvError> {
        let workflow_id = env.required("CHATKIT_WORKFLOW_ID", "the workflow of `CHATKIT_MODE=hosted`, `wf_…`")?;
        let key = key.ok_or_else(|| {
            EnvError::new("OPENAI_API_KEY", "or `OPENAI_SECRET_ARN` must be set, because `CHATKIT_MODE` is `hosted`")
        })?;
        let mut url = ModelConfig::from_env(env)?.base_url;
        let path = format!("{}/chatkit/sessions", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let client = Client::builder().connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(20)).build();
        let client = client.map_err(|_| EnvError::new("OPENAI_BASE_URL", "cannot be used: no HTTP client"))?;
        Ok(Self { client, url, key, workflow_id })
    }

    /// A new session for a user. There is no refresh at OpenAI: a new session for the same user continues the old one.
    ///
    /// # Errors
    /// [`HostedError`].
    pub async fn create(&self, owner: &Owner) -> Result<HostedSession, HostedError> {
        let response = self
            .client
            .post(self.url.clone())
            .bearer_auth(self.key.expose_secret())
            .header("openai-beta", "chatkit_beta=v1")
            .json(&json!({ "user": user(owner), "workflow": { "id": self.workflow_id } }))
            .send()
            .await
            .map_err(broken)?;
        if !response.status().is_success() {
            return Err(HostedError::Refused(response.status().as_u16()));
        }
        let session: ChatSession = response.json().await.map_err(broken)?;
        let expires_at = Timestamp::from_second(session.expires_at).unwrap_or_default();
        Ok(HostedSession { id: session.id, client_secret: session.client_secret, expires_at })
    }
}

/// The user as OpenAI knows them. Without tenants it is the site's own id, so that a site which used another broker
/// before keeps its users' history.
fn user(owner: &Owner) -> String {
    match owner.tenant() {
        Owner::DEFAULT_TENANT => owner.user().to_owned(),
        tenant => format!("{tenant}/{}", owner.user()),
    }
}

fn broken(error: reqwest::Error) -> HostedError {
    let error = error.without_url();
    if error.is_timeout() { HostedError::TimedOut(error) } else { HostedError::Broken(error) }
}
