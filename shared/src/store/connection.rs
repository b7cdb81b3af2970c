use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::{Client, Config};
use secrecy::ExposeSecret;

use crate::env::{Env, EnvError};

/// The way to DynamoDB, shared by the handles of a process. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Connection(pub(super) Client);

impl Connection {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` (set by Lambda), and
    /// `AWS_ENDPOINT_URL_DYNAMODB`, else `AWS_ENDPOINT_URL`, for another place than the service. Connects when first
    /// used.
    ///
    /// # Errors
    /// When the region or the credentials are missing.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let region = env.required("AWS_REGION", "an AWS region")?;
        let access_key = env.required("AWS_ACCESS_KEY_ID", "an access key's id")?;
        let secret_key = env
            .secret("AWS_SECRET_ACCESS_KEY")
            .ok_or_else(|| EnvError::new("AWS_SECRET_ACCESS_KEY", "must be set to the access key's secret"))?;
        let session_token = env.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
        let credentials = Credentials::new(access_key, secret_key.expose_secret(), session_token, None, "environment");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build();
        // The SDK's first pause is up to a second; DynamoDB answers in milliseconds.
        let retries = RetryConfig::standard()
            .with_max_attempts(3)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(500));
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region))
            .credentials_provider(credentials)
            // Lambda's credentials outlive the process, and answers are small: both guards would only cost time.
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts)
            .retry_config(retries);
        config.set_endpoint_url(
            env.get("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| env.get("AWS_ENDPOINT_URL")).map(ToOwned::to_owned),
        );
        Ok(Self(Client::from_conf(config.build())))
    }
}
