//! The functions under one address.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any_service;
use axum::serve::ListenerExt;
use chatkit_shared::assistant::Assistant;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::http::{ClientAddress, HttpLayer};
use chatkit_shared::identity::{SigningKeys, VisitorCookie};
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::{Setup, SetupError};
use tokio::net::TcpListener;

use crate::about::About;
use crate::arguments::Arguments;
use crate::web_socket::{Failed, WebSocketApi};
use crate::{backends, demo_model, development, environment, playground};

/// How long unfinished answers may delay the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    router: Router,
    /// Where it listens.
    pub address: SocketAddr,
    /// What answers, and where data is, in lines for people.
    pub summary: String,
}

impl Server {
    /// Starts the backends, builds the functions and takes the port.
    pub async fn bind(arguments: &Arguments, mut env: Env) -> Result<Self, SetupError> {
        let clock = Clock::system();
        let ids = Ids::system(clock.clone());
        let data = arguments.data().map(|path| path.as_path());
        let document = env.get(Assistant::VARIABLE).map(ToOwned::to_owned);
        let backends = backends::start(&mut env, data, &clock, &ids, demo_model::PACE).await?;
        let development = environment::take_development(&mut env);
        let about = About::from_env(&env, backends.demo)?;
        let summary = about.start_summary(document.as_deref(), data, development);
        let setup = Setup { env, clock, ids, cookie: VisitorCookie::Loopback };
        let functions = functions(&setup)?.merge(socket(&setup).await?);
        let router = if development { functions.layer(from_fn(development::trust_header)) } else { functions };
        let keys = SigningKeys::required(&setup.env, &setup.clients()?.secrets)?;
        let http = HttpLayer::from_env(&setup.env, keys, setup.clock.clone(), setup.ids.clone())?;
        let router = playground::router(&about, http)?.fallback_service(router.layer(from_fn(record_address)));
        let router = if arguments.host.is_loopback() { router.layer(from_fn(refuse_foreign_host)) } else { router };

        let address = SocketAddr::new(arguments.host, arguments.port);
        let listener =
            TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, router, address, summary })
    }

    /// Serves until `stop` is ready.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let listener = self.listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        let (stopped, mut stopping) = tokio::sync::watch::channel(false);
        let stop = async move {
            stop.await;
            let _ = stopped.send(true);
        };
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let serve = axum::serve(listener, service).with_graceful_shutdown(stop);
        tokio::select! {
            served = serve => served,
            () = async { let _ = stopping.wait_for(|stopped| *stopped).await; tokio::time::sleep(SHUTDOWN_TIMEOUT).await } => Ok(()),
        }
    }
}

/// The four HTTP functions, with the routes of `template.yaml` and of `cargo lambda watch`.
pub fn functions(setup: &Setup) -> Result<Router, SetupError> {
    let start = chatkit_start::router(chatkit_start::App::from_setup(setup)?);
    let refresh = chatkit_refresh::router(chatkit_refresh::App::from_setup(setup)?);
    let chat = chatkit_chat::router(chatkit_chat::App::from_setup(setup)?);
    let analytics = chatkit_analytics::router(chatkit_analytics::App::from_setup(setup)?);
    Ok(Router::new()
        .route("/api/chatkit/start", any_service(start.clone()))
        .route("/api/chatkit/session", any_service(start))
        .route("/api/chatkit/refresh", any_service(refresh.clone()))
        .route("/api/chatkit/logout", any_service(refresh))
        .route("/chatkit", any_service(chat.clone()))
        .route("/chatkit/", any_service(chat.clone()))
        .route("/chatkit/attachments", any_service(chat.clone()))
        .route("/api/chat", any_service(chat.clone()))
        .route("/api/analytics", any_service(analytics.clone()))
        .route("/api/usage/me", any_service(analytics.clone()))
        .route("/health", any_service(analytics))
        // `/chatkit/threads/{thread}/run`, too: a parameter here would be read twice. Any function answers an unknown path
        // in the documented shape.
        .fallback_service(chat))
}

/// The fifth function, behind a WebSocket API at `/ws`.
pub async fn socket(setup: &Setup) -> Result<Router, SetupError> {
    let api = WebSocketApi::new(setup.clock.clone(), setup.ids.clone());
    let url = backends::serve_on_loopback(api.management()).await?;
    let mut setup = setup.clone();
    setup.env.set("AWS_LAMBDA_FUNCTION_NAME", "socket");
    setup.env.set("AWS_ENDPOINT_URL_LAMBDA", &url);
    setup.env.set("SOCKET_URL", url);
    let app = chatkit_socket::App::from_setup(&setup)?;
    api.serve(move |event| {
        let answer = chatkit_socket::handle(app.clone(), event);
        Box::pin(async { answer.await.map_err(|_| Failed) })
    });
    Ok(api.clients())
}

/// Refuses requests for another host. Otherwise any page could point its own host name at this machine, and would have the
/// same origin as this server.
async fn refuse_foreign_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    if ["localhost", "127.0.0.1", "[::1]"].contains(&name) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "this server answers to localhost only\n").into_response()
    }
}

async fn record_address(mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    request.extensions_mut().insert(ClientAddress(peer));
    next.run(request).await
}
