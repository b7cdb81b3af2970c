//! How DynamoDB is reached: timeouts, and what is tried again.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction, RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, IdentityCache, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::aws::{Aws, endpoint};
use crate::env::Env;

/// The client of DynamoDB, shared by the handles of a process. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct DynamoDb(pub(super) Client);

impl DynamoDb {
    /// Reads `AWS_ENDPOINT_URL_DYNAMODB`, else `AWS_ENDPOINT_URL`, for another place than the service. Connects when
    /// first used. `http` sends the requests in place of the process's HTTP client.
    pub fn new(aws: &Aws, env: &Env, http: Option<SharedHttpClient>) -> Self {
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
            .retry_config(retries)
            // Else all clients of a process share one quota of retries, and the faults of one would fail the others.
            .retry_partition(RetryPartition::custom("store").build())
            .retry_classifier(Conflicts);
        if let Some(http) = http {
            config.set_http_client(Some(http));
        }
        config.set_endpoint_url(endpoint(env, "AWS_ENDPOINT_URL_DYNAMODB").map(|(_, url)| url.to_owned()));
        Self(Client::from_conf(config.build()))
    }
}

/// A write that met a transaction on its record is sent again: the transaction takes milliseconds, and the SDK's own
/// list of what may be tried again does not have it.
#[derive(Debug)]
struct Conflicts;

impl ClassifyRetry for Conflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let Some(error) = error.as_operation_error() else { return RetryAction::NoActionIndicated };
        let updated = error.downcast_ref().is_some_and(UpdateItemError::is_transaction_conflict_exception);
        let deleted = error.downcast_ref().is_some_and(DeleteItemError::is_transaction_conflict_exception);
        if updated || deleted { RetryAction::transient_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "conflicts with transactions"
    }
}
