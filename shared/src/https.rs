//! Requests to other servers: one HTTP client for everything that a process calls, with one pool of connections and one
//! store of root certificates; one retry; one bounded read.
//!
//! The root certificates are Mozilla's, compiled in. Reading the system's takes each client 2 to 5 ms at each start.

use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::Uri;
use reqwest::{Client, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sse_stream::SseByteStream;

use crate::env::{Env, EnvError};
use crate::telemetry::chain;

/// TLS included. A lost packet at the beginning of a connection is sent again after a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// For a connection that a function opens at its start, so that its first request does not wait for it.
pub(crate) const OPEN_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Of one server over HTTP/1.1. Each holds some 25 KB, and after many answers at once as many would be idle.
const MAX_IDLE_CONNECTIONS: usize = 32;

/// OpenSSL and most other libraries read this variable, too. Its certificates are trusted besides Mozilla's.
const MORE_ROOTS: &str = "SSL_CERT_FILE";

/// A client that connects when it is first used. Cheap to clone; clones share its connections.
///
/// The caller sets the timeout and the credentials of each request.
pub fn client(env: &Env) -> Result<Client, EnvError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = env.get(MORE_ROOTS) {
        let unreadable = || EnvError::new(MORE_ROOTS, "must be the path of a PEM file with certificates");
        for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
            roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
        }
        if roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
            return Err(unreadable());
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unsupported = |_| EnvError::new(MORE_ROOTS, "is not the cause: TLS cannot be initialized");
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut tls = tls.map_err(unsupported)?.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("chatkit-backend/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .tcp_nodelay(true)
        // A signature or a key is for one address. No API that is called here redirects.
        .redirect(redirect::Policy::none())
        // The proxy variables are not part of the configuration, which is all that is read of the environment.
        .no_proxy()
        .build()
        .map_err(|_| EnvError::new(MORE_ROOTS, "is not the cause: the HTTP client cannot be built"))
}

/// Sends a request, and sends it again after each error for which `pause` gives a pause. `pause` gets the error and the
/// number of times that the request was sent so far; `to` is for the log.
pub async fn send_with_retry<T, E, F>(
    to: &str,
    pause: impl Fn(&E, u32) -> Option<Duration>,
    send: impl Fn() -> F,
) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut sent = 0;
    loop {
        let error = match send().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        sent += 1;
        let Some(pause) = pause(&error, sent) else { return Err(error) };
        tracing::warn!(error = chain(&error), to, sent, pause_ms = pause.as_millis(), "sending a request again");
        tokio::time::sleep(pause).await;
    }
}

/// The chunks of a body that has at most `max_bytes`; behind them an error.
pub(crate) fn at_most<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
    max_bytes: usize,
    too_large: impl Fn() -> E,
) -> impl Stream<Item = Result<Bytes, E>> {
    let mut left = max_bytes;
    chunks.map(move |chunk| {
        let chunk = chunk?;
        left = left.checked_sub(chunk.len()).ok_or_else(&too_large)?;
        Ok(chunk)
    })
}

/// A whole body of at most `max_bytes`.
pub(crate) async fn read_at_most<E>(
    chunks: impl Stream<Item = Result<Bytes, E>>,
    max_bytes: usize,
    too_large: impl Fn() -> E,
) -> Result<Vec<u8>, E> {
    at_most(chunks, max_bytes, too_large).map_ok(Vec::from).try_concat().await
}

/// A URL that can be trusted with a secret: `https`, or `http` to this machine, without credentials and fragment.
pub fn safe_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && url.host_str().is_some_and(is_loopback);
    (is_plain && is_safe).then_some(url)
}

/// Whether it is an origin as browsers send it: in lower case, without a default port and without a path. Another
/// spelling would never be equal to theirs. A page that came over plain `http` may be anybody's on the way, and would
/// get tokens.
pub(crate) fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let default_port = matches!((scheme, uri.port_u16()), ("http", Some(80)) | ("https", Some(443)));
    let is_readable = scheme == "http" && !uri.host().is_some_and(is_loopback);
    !is_readable
        && format!("{scheme}://{authority}") == text
        && !default_port
        && !text.contains(|c: char| c.is_ascii_uppercase() || "*@".contains(c))
}

/// Whether a host is this machine: nobody listens on the way.
pub(crate) fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// The data of each server-sent event in these bytes, however they are cut. Bounds nothing: the bytes must be bounded.
pub(crate) fn event_data<E: Error + Send + Sync + 'static>(
    bytes: impl Stream<Item = Result<Bytes, E>> + Send,
    not_utf8: fn() -> E,
) -> impl Stream<Item = Result<String, E>> + Send {
    let error = move |error| match error {
        // The error of `bytes`, which the parser puts into a box.
        sse_stream::Error::Body(error) => error.downcast().map_or_else(|_| not_utf8(), |error| *error),
        _ => not_utf8(),
    };
    SseByteStream::new(bytes).map_err(error).try_filter_map(|event| ready(Ok(event.data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_certificates_has_some() {
        for path in ["/nowhere", "/", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let error = client(&Env::from_iter([(MORE_ROOTS, path)])).unwrap_err();
            assert_eq!(error.to_string(), "`SSL_CERT_FILE` must be the path of a PEM file with certificates", "{path}");
        }
        assert!(client(&Env::from_iter([(MORE_ROOTS, "")])).is_ok());
    }
}
