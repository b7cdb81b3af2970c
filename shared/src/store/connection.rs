use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, IdentityCache, StalledStreamProtectionConfig};

use crate::aws::{Aws, endpoint};
use crate::env::Env;

/// The way to DynamoDB, shared by the handles of a process. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Connection(pub(super) Client);

impl Connection {
    /// Reads `AWS_ENDPOINT_URL_DYNAMODB`, else `AWS_ENDPOINT_URL`, for another place than the service. Connects when
    /// first used.
    pub fn new(aws: &Aws, env: &Env) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(8))
            .build();
        // The SDK's first pause is up to a second; DynamoDB answers in milliseconds.
        let retries = RetryConfig::standard()
            .with_max_attempts(3)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(500));
        let mut config = Builder::from(&aws.sdk_config())
            .behavior_version(BehaviorVersion::v2026_01_12())
            // Lambda's credentials outlive the process, and answers are small: both guards would only cost time.
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts)
            .retry_config(retries);
        config.set_endpoint_url(endpoint(env, "AWS_ENDPOINT_URL_DYNAMODB").map(|(_, url)| url.to_owned()));
        Self(Client::from_conf(config.build()))
    }
}
