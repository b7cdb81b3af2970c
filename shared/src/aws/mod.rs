//! What every client of an AWS service shares: region, credentials, the process's HTTP client.

mod connector;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};

use self::connector::Connector;
use crate::env::{Env, EnvError};

/// Region and credentials. The SDK's chain of credential providers is not needed: a function has its credentials in
/// variables, and they are valid longer than it runs.
#[derive(Debug, Clone)]
pub struct Aws {
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    /// Of temporary credentials.
    pub session_token: Option<String>,
    http: Client,
}

impl Aws {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, which Lambda sets.
    pub fn from_env(env: &Env, http: Client) -> Result<Self, EnvError> {
        const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
        // Of the services that every function calls.
        for variable in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"] {
            let is_http = |url: Url| matches!(url.scheme(), "http" | "https");
            if env.get(variable).is_some_and(|url| !Url::parse(url).is_ok_and(is_http)) {
                return Err(EnvError::new(variable, "must be an `http` or `https` URL"));
            }
        }
        Ok(Self {
            region: env.required("AWS_REGION", "an AWS region")?,
            access_key_id: env.required("AWS_ACCESS_KEY_ID", "an access key's id")?,
            secret_access_key: env
                .secret(SECRET)
                .ok_or_else(|| EnvError::new(SECRET, "must be set to the access key's secret"))?,
            session_token: env.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned),
            http,
        })
    }

    pub fn credentials(&self) -> Credentials {
        let secret = self.secret_access_key.expose_secret();
        Credentials::new(&self.access_key_id, secret, self.session_token.clone(), None, "environment")
    }

    /// The configuration of the SDK's clients. Each client must choose the version of its behaviour.
    pub(crate) fn sdk_config(&self) -> SdkConfig {
        SdkConfig::builder()
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials()))
            .http_client(SharedHttpClient::new(Connector::new(self.http.clone())))
            .build()
    }
}

/// Another URL than the service's: that of the service's own variable, such as `AWS_ENDPOINT_URL_DYNAMODB`, else of
/// `AWS_ENDPOINT_URL`. With the variable's name.
pub fn endpoint<'a>(env: &'a Env, variable: &'static str) -> Option<(&'static str, &'a str)> {
    [variable, "AWS_ENDPOINT_URL"].into_iter().find_map(|variable| Some((variable, env.get(variable)?)))
}
