//! Reads from Secrets Manager.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Builder, IdentityCache, StalledStreamProtectionConfig};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::Problem;
use crate::aws::{Aws, endpoint};
use crate::env::Env;
use crate::telemetry::chain;

/// For one read. A function that starts waits as long for secrets that it may not need.
const READ_TIMEOUT: Duration = Duration::from_millis(1_500);

/// In the message for a secret that was created without a value; the code is that of one that does not exist.
const NO_VALUE: &str = "can't find the specified secret value";

type Found<'a> = HashMap<&'a str, Result<SecretString, Problem>>;

pub(super) struct Manager(Client);

impl Manager {
    /// Reads `AWS_ENDPOINT_URL_SECRETS_MANAGER`, else `AWS_ENDPOINT_URL`, for another URL than the service's.
    pub(super) fn new(aws: &Aws, env: &Env) -> Self {
        let retries = RetryConfig::standard()
            .with_max_attempts(2)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(200));
        let mut config = Builder::from(&aws.sdk_config())
            .behavior_version(BehaviorVersion::v2026_01_12())
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(READ_TIMEOUT).build())
            .retry_config(retries);
        config.set_endpoint_url(endpoint(env, "AWS_ENDPOINT_URL_SECRETS_MANAGER").map(|(_, url)| url.to_owned()));
        Self(Client::from_conf(config.build()))
    }

    /// The current versions. Several are read in one round trip, where the role has that right
    /// (`secretsmanager:BatchGetSecretValue`, which is on all secrets and returns none by itself), else in parallel.
    pub(super) async fn current<'a>(&self, ids: &[&'a str]) -> Found<'a> {
        let mut found = if ids.len() > 1 { self.batch(ids).await } else { Found::new() };
        let others: Vec<_> = ids.iter().filter(|id| !found.contains_key(*id)).collect();
        found.extend(join_all(others.into_iter().map(async |id| (*id, self.get(id, "AWSCURRENT").await))).await);
        found
    }

    /// The previous versions, of the secrets that were rotated. After a failure only the current version is accepted.
    pub(super) async fn previous<'a>(&self, ids: &[&'a str]) -> HashMap<&'a str, SecretString> {
        let found = ids.iter().map(async |id| (*id, self.get(id, "AWSPREVIOUS").await.ok()));
        join_all(found).await.into_iter().filter_map(|(id, secret)| Some((id, secret?))).collect()
    }

    /// None of them if the role may not read in batches. Whether a secret without a value is among the errors is not
    /// documented, so the answer may be silent about one.
    async fn batch<'a>(&self, ids: &[&'a str]) -> Found<'a> {
        let ids_owned = ids.iter().map(|id| (*id).to_owned()).collect();
        let answer = match self.0.batch_get_secret_value().set_secret_id_list(Some(ids_owned)).send().await {
            Ok(answer) => answer,
            Err(error) => {
                return match problem(&error) {
                    Problem::Denied => Found::new(),
                    problem => ids.iter().map(|id| (*id, Err(problem.clone()))).collect(),
                };
            }
        };
        let (values, errors) = (answer.secret_values.unwrap_or_default(), answer.errors.unwrap_or_default());
        let one = |id: &str| {
            let value = values.iter().find(|value| names(id, value.arn(), value.name()));
            if let Some(value) = value {
                return Some(text(value.secret_string()));
            }
            let error = errors.iter().find(|error| error.secret_id() == Some(id))?;
            Some(Err(coded(error.error_code().unwrap_or_default(), error.message())))
        };
        ids.iter().filter_map(|id| Some((*id, one(id)?))).collect()
    }

    async fn get(&self, id: &str, stage: &str) -> Result<SecretString, Problem> {
        let answer = self.0.get_secret_value().secret_id(id).version_stage(stage).send().await;
        text(answer.map_err(|error| problem(&error))?.secret_string())
    }
}

/// Whether a secret is the one that was asked for: by its ARN, by its name, or by its ARN without the six random
/// characters at its end.
fn names(id: &str, arn: Option<&str>, name: Option<&str>) -> bool {
    let rest = arn.and_then(|arn| arn.strip_prefix(id));
    name == Some(id) || rest.is_some_and(|rest| rest.is_empty() || (rest.len() == 7 && rest.starts_with('-')))
}

fn problem<E, R>(error: &SdkError<E, R>) -> Problem
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug + 'static,
{
    let error_of_service = error.as_service_error().map(ProvideErrorMetadata::meta);
    match error_of_service.and_then(|error| Some((error.code()?, error.message()))) {
        Some((code, message)) => coded(code, message),
        // An error of the transport quotes nothing of a secret.
        None => Problem::Unavailable(chain(error)),
    }
}

fn coded(code: &str, message: Option<&str>) -> Problem {
    match code {
        "ResourceNotFoundException" if message.is_some_and(|message| message.contains(NO_VALUE)) => Problem::Empty,
        "ResourceNotFoundException" => Problem::NotFound,
        "AccessDeniedException" | "DecryptionFailure" => Problem::Denied,
        code => Problem::Unavailable(format!("`{code}`")),
    }
}

/// The value of a secret. The console saves a value as a JSON object with one field.
fn text(value: Option<&str>) -> Result<SecretString, Problem> {
    let text = value.unwrap_or_default().trim();
    let inner = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) if fields.len() == 1 => fields.into_iter().next().map(|(_, value)| value),
        Ok(_) | Err(_) => None,
    };
    let value = match inner {
        Some(Value::String(value)) => SecretString::from(value.trim()),
        _ => SecretString::from(text),
    };
    if value.expose_secret().is_empty() { Err(Problem::Empty) } else { Ok(value) }
}
