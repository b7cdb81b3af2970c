//! Servers on this machine: who may ask them, and how long a request may take to arrive.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use chatkit_shared::http::ClientAddress;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, UpgradeableConnection};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;
use tower_http::timeout::TimeoutBody;

/// How long a client may take for the head of a request, be silent within its body, and wait with its next request. API
/// Gateway has a bound of its own.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long unfinished answers may delay the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a router until `stop` is ready. Each request has the address that it came from.
pub(crate) async fn serve(
    mut listener: TcpListener,
    router: Router,
    read_timeout: Duration,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(read_timeout);
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        // axum's `accept` waits when there are too many open files.
        let (socket, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        let _ = socket.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(ClientAddress(Some(peer.ip())));
            router.clone().oneshot(request.map(|body| Body::new(TimeoutBody::new(read_timeout, body))))
        });
        let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
        background(finish(Box::pin(connection), stopped.clone()));
    }
    drop(stopped);
    stopping.send_replace(true);
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, stopping.closed()).await;
}

/// Serves a connection until its client has gone, what it sent is no HTTP, or the last answer is through.
async fn finish<S>(
    mut connection: Pin<Box<UpgradeableConnection<TokioIo<TcpStream>, S>>>,
    mut stopped: watch::Receiver<bool>,
) where
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Serves a router on a free port of loopback for as long as the process runs, and returns its URL.
pub async fn serve_on_loopback(router: Router) -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = router.layer(from_fn(refuse_foreign_host));
    background(serve(listener, router, READ_TIMEOUT, std::future::pending()));
    Ok(url)
}

/// As [`serve_on_loopback`], for programs only: no browser asks it on behalf of a page.
pub(crate) async fn serve_programs(router: Router) -> std::io::Result<String> {
    serve_on_loopback(router.layer(from_fn(refuse_pages))).await
}

/// The origins that a page of a server at this address has, when it is on loopback.
pub(crate) fn origins(address: SocketAddr) -> Vec<String> {
    let port = if address.port() == 80 { String::new() } else { format!(":{}", address.port()) };
    NAMES.map(|name| format!("http://{name}{port}")).to_vec()
}

/// The names of this machine for itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses requests for another host. Otherwise any page could point its own host name at this machine, and would have
/// the same origin as this server.
pub(crate) async fn refuse_foreign_host(request: Request, next: Next) -> Response {
    if is_for_loopback(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "this server answers to localhost only\n").into_response()
    }
}

fn is_for_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let is_port =
        |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    NAMES.iter().filter_map(|name| host.strip_prefix(name)).any(|rest| rest.is_empty() || is_port(rest))
}

async fn refuse_pages(request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        (StatusCode::FORBIDDEN, "this server does not answer pages\n").into_response()
    } else {
        next.run(request).await
    }
}

pub(crate) fn background(work: impl Future<Output: Send> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "this is a process of its own, nothing freezes it")]
    tokio::spawn(work);
}
