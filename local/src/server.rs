//! The functions under one address.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::any_service;
use chatkit_shared::assistant::Assistant;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::{SigningKeys, VisitorCookie};
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::{Setup, SetupError};
use tokio::net::TcpListener;

use crate::about::About;
use crate::arguments::Arguments;
use crate::loopback::{self, READ_TIMEOUT, refuse_foreign_host, serve_programs};
use crate::web_socket::{Failed, WebSocketApi};
use crate::{backends, development, dynamodb, environment, playground};

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    router: Router,
    /// Where it listens.
    pub address: SocketAddr,
    /// What answers, and where data is, in lines for people.
    pub summary: String,
    /// How long a client may take for a request's head, and be silent within its body.
    pub read_timeout: Duration,
}

impl Server {
    /// Takes the port, starts the backends and builds the functions.
    pub async fn bind(arguments: &Arguments, mut env: Env) -> Result<Self, SetupError> {
        let address = SocketAddr::new(arguments.host, arguments.port);
        let listener =
            TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
        let address = listener.local_addr()?;

        let clock = Clock::system();
        let ids = Ids::system(clock.clone());
        let data = arguments.data().map(|path| path.as_path());
        let document = env.get(Assistant::VARIABLE).map(ToOwned::to_owned);
        env.or_insert("AUTH_URL", format!("http://{address}"));
        let backends = backends::start(&mut env, data, &clock, &ids, Some(address)).await?;
        let development = environment::take_development(&mut env);
        let about = About::from_env(&env, backends.demo)?;
        let summary = about.start_summary(document.as_deref(), data, development, address.ip());
        let dynamodb = backends.database.map(dynamodb::http_client);
        // Only what is behind a TLS proxy should be reached from elsewhere.
        let is_loopback = address.ip().is_loopback();
        let cookie = if is_loopback { VisitorCookie::Loopback } else { VisitorCookie::CrossSite };
        let setup = Setup { env, clock, ids, cookie, dynamodb };
        let functions = functions(&setup)?.merge(socket(&setup).await?);
        let router = if development { functions.layer(from_fn(development::trust_header)) } else { functions };
        let keys = SigningKeys::required(&setup.env, &setup.clients()?.secrets)?;
        let http = HttpLayer::from_env(&setup.env, keys, setup.clock.clone(), setup.ids.clone())?;
        let router = playground::router(&about, http)?.fallback_service(router);
        let router = if is_loopback { router.layer(from_fn(refuse_foreign_host)) } else { router };
        Ok(Self { listener, router, address, summary, read_timeout: READ_TIMEOUT })
    }

    /// Serves until `stop` is ready.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        loopback::serve(self.listener, self.router, self.read_timeout, stop).await;
    }
}

/// The five HTTP functions, with the routes of `template.yaml` and of `cargo lambda watch`.
pub fn functions(setup: &Setup) -> Result<Router, SetupError> {
    let start = chatkit_start::router(chatkit_start::App::from_setup(setup)?);
    let refresh = chatkit_refresh::router(chatkit_refresh::App::from_setup(setup)?);
    let chat = chatkit_chat::router(chatkit_chat::App::from_setup(setup)?);
    let analytics = chatkit_analytics::router(chatkit_analytics::App::from_setup(setup)?);
    let auth = chatkit_auth::router(chatkit_auth::App::from_setup(setup)?);
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
        .route("/api/auth/chat-token", any_service(auth.clone()))
        .route("/auth/login", any_service(auth.clone()))
        .route("/auth/callback", any_service(auth.clone()))
        .route("/auth/logout", any_service(auth))
        // `/chatkit/threads/{thread}/run`, too: a parameter here would be read twice. Any function answers an unknown
        // path in the documented shape.
        .fallback_service(chat))
}

/// The sixth function, behind a WebSocket API at `/ws`.
pub async fn socket(setup: &Setup) -> Result<Router, SetupError> {
    let api = WebSocketApi::new(setup.clock.clone(), setup.ids.clone());
    let url = serve_programs(api.management()).await?;
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
