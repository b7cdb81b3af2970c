use std::sync::Arc;

use reqwest::{Client, Url};
use rusty_s3::{Bucket, BucketError, Credentials, UrlStyle};
use secrecy::ExposeSecret;

use super::media_type::MediaTypes;
use super::{Files, Inner};
use crate::aws::{Aws, endpoint};
use crate::clock::Clock;
use crate::env::{Env, EnvError};

/// More do not fit into the record of a message and into the transaction that stores it.
const MAX_FILES_PER_MESSAGE: usize = 50;

const ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";

// The keys of a bucket that does not take AWS's.
const KEY_ID: &str = "FILES_ACCESS_KEY_ID";
const SECRET: &str = "FILES_SECRET_ACCESS_KEY";

/// Which files are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLimits {
    /// Per file.
    pub bytes: u64,
    pub per_message: usize,
    pub types: MediaTypes,
}

impl FileLimits {
    /// Reads `FILES_MAX_BYTES` (20 MB), `FILES_MAX_PER_MESSAGE` (10, at most 50) and `FILES_TYPES`, a list of types
    /// such as `application/pdf` or `image/*`; see [`MediaTypes`] for its default.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number";
        const PER_MESSAGE: &str = "FILES_MAX_PER_MESSAGE";
        let per_message = env.parsed(PER_MESSAGE, 10, WANTS)?;
        if per_message > MAX_FILES_PER_MESSAGE {
            return Err(EnvError::new(PER_MESSAGE, format!("must be at most {MAX_FILES_PER_MESSAGE}")));
        }
        Ok(Self {
            bytes: env.parsed("FILES_MAX_BYTES", 20_000_000, WANTS)?,
            per_message,
            types: MediaTypes::from_env(env)?,
        })
    }
}

impl Files {
    /// `None` without `FILES_BUCKET`. `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`, names another server than S3, and
    /// `FILES_ACCESS_KEY_ID` with `FILES_SECRET_ACCESS_KEY` other keys than AWS's.
    pub fn from_env(env: &Env, aws: &Aws, client: Client, clock: Clock) -> Result<Option<Self>, EnvError> {
        let Some(name) = env.get("FILES_BUCKET") else { return Ok(None) };
        let inner = Inner {
            bucket: bucket(env, &aws.region, name)?,
            credentials: credentials(env, aws)?,
            client,
            clock,
            limits: FileLimits::from_env(env)?,
            public: endpoint(env, ENDPOINT).is_none(),
        };
        Ok(Some(Self(Arc::new(inner))))
    }
}

fn bucket(env: &Env, region: &str, name: &str) -> Result<Bucket, EnvError> {
    let (variable, url, style) = match endpoint(env, ENDPOINT) {
        // Other servers than AWS's rarely have a host name for each bucket.
        Some((variable, url)) => (variable, url.to_owned(), UrlStyle::Path),
        None => {
            let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            ("AWS_REGION", format!("https://s3.{region}.{suffix}"), UrlStyle::VirtualHost)
        }
    };
    let wants = if variable == "AWS_REGION" { "must be an AWS region" } else { "must be an `http` or `https` URL" };
    let url = Url::parse(&url).map_err(|_| EnvError::new(variable, wants))?;
    Bucket::new(url, style, name.to_owned(), region.to_owned()).map_err(|error| match error {
        BucketError::UnsupportedScheme | BucketError::MissingHost => EnvError::new(variable, wants),
        BucketError::ParseError(_) => EnvError::new("FILES_BUCKET", "must be the name of a bucket"),
    })
}

fn credentials(env: &Env, aws: &Aws) -> Result<Credentials, EnvError> {
    if env.get(KEY_ID).is_some() || env.get(SECRET).is_some() {
        let id = env.required(KEY_ID, "the id of the bucket's key")?;
        return Ok(Credentials::new(id, env.required(SECRET, "the secret of the bucket's key")?));
    }
    let (id, secret) = (&aws.access_key_id, aws.secret_access_key.expose_secret());
    Ok(match &aws.session_token {
        Some(token) => Credentials::new_with_token(id, secret, token),
        None => Credentials::new(id, secret),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::ObjectKey;
    use crate::https;
    use crate::identity::Owner;

    fn env(variables: &[(&str, &str)]) -> Env {
        let basis = [
            ("FILES_BUCKET", "pictures"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        Env::from_iter(basis.iter().chain(variables).copied())
    }

    fn files(variables: &[(&str, &str)]) -> Result<Option<Files>, String> {
        let (env, clock) = (env(variables), Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap()));
        let client = https::client(&env).unwrap();
        let aws = Aws::from_env(&env, client.clone()).map_err(|error| error.to_string())?;
        Files::from_env(&env, &aws, client, clock).map_err(|error| error.to_string())
    }

    #[test]
    fn files_without_a_bucket_are_disabled() {
        assert!(files(&[("FILES_BUCKET", "")]).unwrap().is_none());
    }

    #[test]
    fn bucket_has_a_host_on_aws_and_a_path_elsewhere() {
        let url = |variables: &[(&str, &str)]| {
            let files = files(variables).unwrap().unwrap();
            let owner = Owner::new("t", "u").unwrap();
            (files.0.public, files.url(&ObjectKey::file(&owner, "msg_1")))
        };
        let (public, on_aws) = url(&[]);
        assert!(public && on_aws.starts_with("https://pictures.s3.eu-central-1.amazonaws.com/files/"), "{on_aws}");
        let (_, in_china) = url(&[("AWS_REGION", "cn-north-1")]);
        assert!(in_china.starts_with("https://pictures.s3.cn-north-1.amazonaws.com.cn/files/"), "{in_china}");
        let (public, elsewhere) = url(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")]);
        assert!(!public && elsewhere.starts_with("http://127.0.0.1:9000/pictures/files/"), "{elsewhere}");
        let (_, nearer) =
            url(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")]);
        assert!(nearer.starts_with("http://127.0.0.1:2/pictures/files/"), "{nearer}");
    }

    #[test]
    fn bucket_may_have_keys_of_its_own() {
        let signer = |variables: &[(&str, &str)]| {
            let url = files(variables).unwrap().unwrap().url(&ObjectKey::file(&Owner::new("t", "u").unwrap(), "msg_1"));
            let (_, credential) = url.split_once("X-Amz-Credential=").unwrap();
            (credential.split_once("%2F").unwrap().0.to_owned(), url.contains("X-Amz-Security-Token"))
        };
        let token = ("AWS_SESSION_TOKEN", "token");
        assert_eq!(signer(&[token]), ("id".to_owned(), true));
        let own = [token, ("FILES_ACCESS_KEY_ID", "own"), ("FILES_SECRET_ACCESS_KEY", "hush")];
        assert_eq!(signer(&own), ("own".to_owned(), false));
    }

    #[test]
    fn invalid_variable_is_named() {
        for (name, value, error) in [
            ("FILES_BUCKET", "Not A Bucket", "`FILES_BUCKET` must be the name of a bucket"),
            ("AWS_ENDPOINT_URL_S3", "ftp://here", "`AWS_ENDPOINT_URL_S3` must be an `http` or `https` URL"),
            ("AWS_ENDPOINT_URL", "nowhere", "`AWS_ENDPOINT_URL` must be an `http` or `https` URL"),
            ("AWS_REGION", "", "`AWS_REGION` must be set to an AWS region"),
            ("FILES_ACCESS_KEY_ID", "own", "`FILES_SECRET_ACCESS_KEY` must be set to the secret of the bucket's key"),
            ("FILES_SECRET_ACCESS_KEY", "own", "`FILES_ACCESS_KEY_ID` must be set to the id of the bucket's key"),
            ("FILES_MAX_BYTES", "20MB", "`FILES_MAX_BYTES` must be a whole number"),
            ("FILES_MAX_PER_MESSAGE", "-1", "`FILES_MAX_PER_MESSAGE` must be a whole number"),
            ("FILES_MAX_PER_MESSAGE", "51", "`FILES_MAX_PER_MESSAGE` must be at most 50"),
            ("FILES_TYPES", "image", "`FILES_TYPES` must be a list of types such as `application/pdf` or `image/*`"),
        ] {
            assert_eq!(files(&[(name, value)]).unwrap_err(), error);
        }
    }

    #[test]
    fn debug_output_has_no_secrets() {
        assert!(!format!("{:?}", files(&[("AWS_SECRET_ACCESS_KEY", "hush")]).unwrap()).contains("hush"));
    }
}
