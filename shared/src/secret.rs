//! Secrets: from a variable, or from the Secrets Manager secret that another variable names.

use std::time::Duration;

use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::env::{Env, EnvError};
use crate::identity::SigningKeys;

/// A secret cannot be had. The text names the variable, never the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The configuration is wrong.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// Secrets Manager does not give the secret out.
    #[error("the secret that `{variable}` names cannot be read")]
    Unreadable {
        /// The variable with the secret's ARN.
        variable: &'static str,
        /// What Secrets Manager said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The key of the model's API: `OPENAI_API_KEY`, or the secret `OPENAI_SECRET_ARN`. None for models that need none.
///
/// # Errors
/// When the secret cannot be read or is empty.
pub async fn openai_key(env: &Env) -> Result<Option<SecretString>, SecretError> {
    const ARN: &str = "OPENAI_SECRET_ARN";
    if let Some(key) = env.secret("OPENAI_API_KEY") {
        return Ok(Some(key));
    }
    match env.get(ARN) {
        Some(arn) => read(&client(env)?, ARN, arn, "AWSCURRENT").await.map(Some),
        None => Ok(None),
    }
}

/// The keys that session tokens are signed with: `SESSION_SIGNING_SECRET`, or the secret `SESSION_SIGNING_SECRET_ARN`,
/// whose previous version still verifies.
///
/// # Errors
/// When neither is set, or the secret cannot be read or is too short.
pub async fn signing_keys(env: &Env) -> Result<SigningKeys, SecretError> {
    const NAME: &str = "SESSION_SIGNING_SECRET";
    const ARN: &str = "SESSION_SIGNING_SECRET_ARN";
    if let Some(secret) = env.secret(NAME) {
        return Ok(SigningKeys::new(&secret, None)?);
    }
    let arn = env.get(ARN).ok_or_else(|| {
        EnvError::new(NAME, format!("or `{ARN}` must be set to the secret that session tokens are signed with"))
    })?;
    let (current, previous) = both_versions(env, ARN, arn).await?;
    Ok(SigningKeys::new(&current, previous.as_ref())?)
}

/// What calls of the site's endpoints are signed with: `TOOL_SIGNING_SECRET`, or the secret `TOOL_SIGNING_SECRET_ARN` and
/// its previous version, so that an endpoint may know either. None where nothing is called.
///
/// # Errors
/// When the secret cannot be read or is empty.
pub async fn tool_signing_secrets(env: &Env) -> Result<Vec<SecretString>, SecretError> {
    const ARN: &str = "TOOL_SIGNING_SECRET_ARN";
    if let Some(secret) = env.secret("TOOL_SIGNING_SECRET") {
        return Ok(vec![secret]);
    }
    let Some(arn) = env.get(ARN) else { return Ok(Vec::new()) };
    let (current, previous) = both_versions(env, ARN, arn).await?;
    Ok([Some(current), previous].into_iter().flatten().collect())
}

/// A secret, and what it was before it was rotated, if it ever was.
async fn both_versions(
    env: &Env,
    variable: &'static str,
    arn: &str,
) -> Result<(SecretString, Option<SecretString>), SecretError> {
    let client = client(env)?;
    let (current, previous) =
        tokio::join!(read(&client, variable, arn, "AWSCURRENT"), read(&client, variable, arn, "AWSPREVIOUS"));
    Ok((current?, previous.ok()))
}

fn client(env: &Env) -> Result<Client, EnvError> {
    let session_token = env.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
    let credentials = Credentials::new(
        env.required("AWS_ACCESS_KEY_ID", "an access key's id")?,
        env.required("AWS_SECRET_ACCESS_KEY", "the access key's secret")?,
        session_token,
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(6))
        .build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(env.required("AWS_REGION", "an AWS region")?))
        .credentials_provider(credentials)
        .timeout_config(timeouts);
    config.set_endpoint_url(
        env.get("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| env.get("AWS_ENDPOINT_URL")).map(ToOwned::to_owned),
    );
    Ok(Client::from_conf(config.build()))
}

async fn read(client: &Client, variable: &'static str, arn: &str, stage: &str) -> Result<SecretString, SecretError> {
    // Boxed: a start reads up to five secrets at once, and each of these futures has several kilobytes.
    let answer = Box::pin(client.get_secret_value().secret_id(arn).version_stage(stage).send()).await;
    let answer = answer.map_err(|error| SecretError::Unreadable { variable, source: Box::new(error) })?;
    let text = SecretString::from(answer.secret_string.unwrap_or_default());
    let value = unwrapped(&text);
    if value.expose_secret().is_empty() {
        return Err(SecretError::Unreadable { variable, source: "the secret is empty".into() });
    }
    Ok(value)
}

/// The console saves what is typed as a JSON object with one field; its value is what was meant.
fn unwrapped(text: &SecretString) -> SecretString {
    let text = text.expose_secret().trim();
    let inner = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) if fields.len() == 1 => fields.into_iter().next().map(|(_, value)| value),
        Ok(_) | Err(_) => None,
    };
    match inner {
        Some(Value::String(value)) => SecretString::from(value),
        _ => SecretString::from(text),
    }
}
