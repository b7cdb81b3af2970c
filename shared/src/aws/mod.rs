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

/// Where the services are and who asks them. Not the SDK's chain of credential providers: a function has its credentials
/// in variables, and they outlive it.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The region's name.
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: SecretString,
    /// What temporary credentials have besides.
    pub session_token: Option<String>,
    http: Client,
}

impl Aws {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, which Lambda sets.
    ///
    /// # Errors
    /// When the region or the credentials are missing, or another place for a service that every function asks is none.
    pub fn from_env(env: &Env, http: Client) -> Result<Self, EnvError> {
        const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
        for variable in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"] {
            let is_place = |url: Url| matches!(url.scheme(), "http" | "https");
            if env.get(variable).is_some_and(|url| !Url::parse(url).is_ok_and(is_place)) {
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

    /// What requests are signed with.
    pub fn credentials(&self) -> Credentials {
        let secret = self.secret_access_key.expose_secret();
        Credentials::new(&self.access_key_id, secret, self.session_token.clone(), None, "environment")
    }

    /// What the SDK's clients are made from. The version of its behaviour is the client's to choose, and must be.
    pub(crate) fn sdk_config(&self) -> SdkConfig {
        SdkConfig::builder()
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials()))
            .http_client(SharedHttpClient::new(Connector::new(self.http.clone())))
            .build()
    }
}

/// Another place than the service itself: the service's own variable, such as `AWS_ENDPOINT_URL_DYNAMODB`, else
/// `AWS_ENDPOINT_URL`. With the variable's name.
pub fn endpoint<'a>(env: &'a Env, variable: &'static str) -> Option<(&'static str, &'a str)> {
    [variable, "AWS_ENDPOINT_URL"].into_iter().find_map(|variable| Some((variable, env.get(variable)?)))
}
