//! The two APIs of AWS that a socket needs, each one signed POST: to push a frame to a connection (API Gateway's
//! management API, `PostToConnection`), and to invoke this function a second time (Lambda's `Invoke` with the type
//! `Event`). The SDK's clients for them would be two more crates of some hundred kilobytes each; the signer is linked
//! anyway, with the other clients.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4;
use chatkit_shared::aws::{Aws, endpoint};
use chatkit_shared::clock::Clock;
use chatkit_shared::env::{Env, EnvError};
use chatkit_shared::https::send_with_retry;
use chatkit_shared::setup::Clients;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Client;

/// Not escaped in a path (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Lambda answers an asynchronous invocation before the function has run.
const ASYNCHRONOUS: [(&str, &str); 2] = [("content-type", "application/json"), ("x-amz-invocation-type", "Event")];
/// Some 13 seconds in all. API Gateway answers 429 to bursts, which are over at once, and when a client reads slowly
/// and the buffer in front of it is full (reference of its management API, `LimitExceededException`). The next frame
/// takes what the model writes meanwhile.
pub(crate) const FRAME_ATTEMPTS: u32 = 8;
/// A ping is out of date when it is sent again.
pub(crate) const PING_ATTEMPTS: u32 = 1;
/// The client waits for the order, and API Gateway for 29 seconds.
const ORDER_ATTEMPTS: u32 = 4;
/// After the first attempt; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client of both APIs. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    client: Client,
    aws: Aws,
    clock: Clock,
    /// Where connections are, without `/@connections`.
    socket_url: String,
    /// Where this function is invoked.
    invoke_url: String,
}

/// Why a post did not arrive, or may not have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Gone,
    #[error("the API answered with status {0}")]
    Refused(u16),
    /// It cannot be reached, or did not answer in time.
    #[error("the API cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Does not happen in practice.
    #[error("the request cannot be signed")]
    Unsigned(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl CallError {
    /// Whether the same call may succeed a moment later.
    const fn is_transient(&self) -> bool {
        match self {
            Self::Refused(status) => *status == 429 || *status >= 500,
            Self::Unreachable(_) => true,
            Self::Gone | Self::Unsigned(_) => false,
        }
    }
}

impl From<SigningError> for CallError {
    fn from(error: SigningError) -> Self {
        Self::Unsigned(error.into())
    }
}

impl Calls {
    /// Reads `SOCKET_URL`, `AWS_LAMBDA_FUNCTION_NAME` (set by Lambda), and `AWS_ENDPOINT_URL_LAMBDA`, else
    /// `AWS_ENDPOINT_URL`, for another place than the service.
    pub(crate) fn from_env(env: &Env, clients: &Clients, clock: Clock) -> Result<Self, EnvError> {
        let Clients { http, aws, .. } = clients;
        let socket_url = env.required("SOCKET_URL", "the URL of the stage behind `/@connections`, `https://…`")?;
        let function = env.required("AWS_LAMBDA_FUNCTION_NAME", "the name of this function")?;
        let lambda = match endpoint(env, "AWS_ENDPOINT_URL_LAMBDA") {
            Some((_, url)) => url.to_owned(),
            None => {
                let suffix = if aws.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                format!("https://lambda.{}.{suffix}", aws.region)
            }
        };
        let function = utf8_percent_encode(&function, UNRESERVED);
        Ok(Self {
            client: http.clone(),
            aws: aws.clone(),
            clock,
            socket_url: socket_url.trim_end_matches('/').to_owned(),
            invoke_url: format!("{}/2015-03-31/functions/{function}/invocations", lambda.trim_end_matches('/')),
        })
    }

    /// Posts a frame to a connection, in at most so many attempts. A frame whose answer was lost may arrive twice.
    pub(crate) async fn push(&self, connection: &str, frame: String, attempts: u32) -> Result<(), CallError> {
        self.post("execute-api", &self.connection_url(connection), &[], frame.as_bytes(), attempts).await
    }

    /// Invokes this function with an event. Returns when Lambda has taken the event.
    pub(crate) async fn invoke(&self, event: &[u8]) -> Result<(), CallError> {
        self.post("lambda", &self.invoke_url, &ASYNCHRONOUS, event, ORDER_ATTEMPTS).await
    }

    fn connection_url(&self, connection: &str) -> String {
        format!("{}/@connections/{}", self.socket_url, utf8_percent_encode(connection, UNRESERVED))
    }

    async fn post(
        &self,
        service: &'static str,
        url: &str,
        headers: &[(&'static str, &'static str)],
        body: &[u8],
        attempts: u32,
    ) -> Result<(), CallError> {
        let pause = |error: &CallError, sent: u32| {
            (sent < attempts && error.is_transient()).then(|| FIRST_PAUSE * 2_u32.pow(sent - 1))
        };
        send_with_retry(service, pause, || async {
            let request = self.signed(service, url, headers, body)?;
            match self.client.execute(request).await.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => Ok(()),
                Ok(StatusCode::GONE) => Err(CallError::Gone),
                Ok(status) => Err(CallError::Refused(status.as_u16())),
                Err(error) => Err(CallError::Unreachable(error.without_url())),
            }
        })
        .await
    }

    /// The request with the headers of Signature Version 4.
    fn signed(
        &self,
        service: &str,
        url: &str,
        headers: &[(&'static str, &'static str)],
        body: &[u8],
    ) -> Result<reqwest::Request, CallError> {
        let identity = self.aws.credentials().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.aws.region)
            .name(service)
            .time(SystemTime::from(self.clock.now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| CallError::Unsigned(error.into()))?
            .into();
        let signable = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let mut request = Request::post(url).body(body.to_vec()).map_err(|error| CallError::Unsigned(error.into()))?;
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        instructions.apply_to_request_http1x(&mut request);
        let mut request = reqwest::Request::try_from(request).map_err(CallError::Unreachable)?;
        *request.timeout_mut() = Some(ATTEMPT_TIMEOUT);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use chatkit_shared::identity::VisitorCookie;
    use chatkit_shared::ids::Ids;
    use chatkit_shared::setup::Setup;

    use super::*;

    fn env(left_out: &str) -> Env {
        let variables = [
            ("SOCKET_URL", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/"),
            ("AWS_LAMBDA_FUNCTION_NAME", "socket"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_SESSION_TOKEN", "a session token"),
        ];
        variables.into_iter().filter(|(name, _)| *name != left_out).collect()
    }

    fn calls(env: Env) -> Result<Calls, EnvError> {
        let clock = Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap());
        let setup =
            Setup { env, ids: Ids::seeded(clock.clone(), 1), clock, cookie: VisitorCookie::CrossSite, dynamodb: None };
        Calls::from_env(&setup.env, &setup.clients()?, setup.clock.clone())
    }

    fn header<'a>(request: &'a reqwest::Request, name: &str) -> &'a str {
        request.headers()[name].to_str().unwrap()
    }

    /// The expected signatures were computed by another program, after AWS's description of Signature Version 4.
    #[test]
    fn requests_are_signed() {
        let calls = calls(env("")).unwrap();
        let frame =
            calls.signed("execute-api", &calls.connection_url("L0SM9cOFvHcCIhw="), &[], br#"{"seq":0}"#).unwrap();
        let host = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com";
        assert_eq!(frame.url().as_str(), format!("https://{host}/prod/@connections/L0SM9cOFvHcCIhw%3D"));
        assert_eq!(
            header(&frame, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261120/us-east-1/execute-api/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-security-token, \
             Signature=69e4c2c004cf08722f400b5e56ecd82c5c0eae575f45ac722c0db0f19cf832e6"
        );
        assert_eq!(
            (header(&frame, "x-amz-date"), header(&frame, "x-amz-security-token")),
            ("20261120T120000Z", "a session token")
        );

        let order = calls.signed("lambda", &calls.invoke_url, &ASYNCHRONOUS, b"{}").unwrap();
        assert_eq!(
            order.url().as_str(),
            "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/socket/invocations"
        );
        assert_eq!(header(&order, "x-amz-invocation-type"), "Event");
        assert_eq!(
            header(&order, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261120/us-east-1/lambda/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type;x-amz-security-token, \
             Signature=f7d50cc1c9abfbacfc339e49e3d7d69ac5232818a321fafd6e296900c32d4dde"
        );
    }

    #[test]
    fn a_missing_variable_is_named() {
        for missing in ["SOCKET_URL", "AWS_LAMBDA_FUNCTION_NAME"] {
            let error = calls(env(missing)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{missing}` must be set")), "{error}");
        }
    }
}
