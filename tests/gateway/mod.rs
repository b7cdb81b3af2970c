//! API Gateway and Lambda on loopback, for the built binaries.
//!
//! The gateway takes an HTTP request, makes API Gateway's REST proxy event of it, hands it through the Lambda Runtime
//! API to a process of the function, and passes the answer on as it comes. Like Lambda it gives an environment one
//! request at a time, keeps it for the next one and starts another when all are busy; as on Lambda Managed Instances, a
//! function may be given several at a time.
//!
//! ```text
//! binaries.rs     the programs, as cargo has built them
//! event.rs        an HTTP request as the event that a function gets
//! answer.rs       what a function answered as an HTTP response
//! runtime_api.rs  the Lambda Runtime API that one environment talks to
//! environment.rs  one process of a function
//! pool.rs         all environments of a function
//! ```
//!
//! What it does not do: throttling, authorizers, quotas on time and size other than those named here, freezing.

mod answer;
pub(crate) mod binaries;
mod environment;
mod event;
mod pool;
mod runtime_api;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, RawPathParams, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use axum::serve::ListenerExt;
use chatkit_local::web_socket::{Failed, Handled};
use chatkit_shared::clock::Clock;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub(crate) use self::binaries::binary;
pub(crate) use self::event::{Arrival, proxy_event};
pub(crate) use self::pool::Invocation;
use self::pool::Pool;
pub(crate) use self::runtime_api::TRACE_ID;

/// The stage of the API, the first segment of every path outside of it.
pub(crate) const STAGE: &str = "prod";

/// The largest request body that API Gateway accepts, in bytes.
const LARGEST_REQUEST: usize = 10 * 1024 * 1024;

/// The transfer mode of a function's methods. A function that answers in the other one is answered for with a 502.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// The whole answer, one JSON document.
    Buffered,
    /// A prelude, then the body as it comes.
    Streamed,
    /// Not API Gateway's REST half: any event, any JSON. See [`Gateway::function`].
    Event,
}

/// One function of the template: its program, its methods, its variables.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    binary: &'static str,
    transfer: Transfer,
    routes: Vec<(Method, &'static str)>,
    variables: Vec<(String, String)>,
    /// How many requests an environment is given at a time.
    concurrency: usize,
}

impl Function {
    /// The function whose program is `binary`, on routes such as `POST /chatkit`.
    pub(crate) fn new(binary: &'static str, transfer: Transfer, routes: &[&'static str]) -> Self {
        let routes = routes.iter().map(|route| {
            let (method, path) = route.split_once(' ').expect("a route is a method, a space and a path");
            (method.parse().expect("a route starts with a method"), path)
        });
        Self { binary, transfer, routes: routes.collect(), variables: Vec::new(), concurrency: 1 }
    }

    /// Adds to the variables that the function finds in its environment, besides those of Lambda.
    pub(crate) fn variables<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The function on Lambda Managed Instances, each environment given so many requests at a time.
    pub(crate) fn concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }
}

/// The running gateway. Dropped, it takes its processes with it.
pub(crate) struct Gateway {
    address: SocketAddr,
    pools: Vec<Arc<Pool>>,
    _server: JoinSet<()>,
}

impl Gateway {
    /// Serves the functions on a free port of loopback; no process is started before the first request.
    pub(crate) async fn start(functions: impl IntoIterator<Item = Function>) -> Self {
        let pools: Vec<_> = functions.into_iter().map(|function| Arc::new(Pool::new(function))).collect();
        let mut router = Router::new();
        for pool in &pools {
            for (method, path) in pool.function().routes.clone() {
                let filter = MethodFilter::try_from(method).expect("a method that axum can route");
                let pool = Arc::clone(pool);
                let serve = move |connection, parameters, request| handle(pool, path, connection, parameters, request);
                router = router.route(&format!("/{STAGE}{path}"), on(filter, serve));
            }
        }
        let router = router.fallback(no_such_method).method_not_allowed_fallback(no_such_method);

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).expect("a connected socket"));
        let mut server = JoinSet::new();
        server.spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.expect("the gateway's server runs until it is dropped");
        });
        Self { address, pools, _server: server }
    }

    /// The address of a path of the API, such as `/chatkit`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{STAGE}{path}", self.address)
    }

    /// A function to be invoked with events that are no HTTP requests.
    pub(crate) fn function(&self, binary: &str) -> impl Fn(Value) -> Handled + Send + Sync + 'static {
        let pool = Arc::clone(self.pools.iter().find(|pool| pool.function().binary == binary).expect("a function"));
        move |event| {
            let pool = Arc::clone(&pool);
            Box::pin(async {
                let (answer, answered) = oneshot::channel();
                pool.invoke(pool::next_request_id(), event, answer).await;
                let answer = answered.await.expect("every invocation is answered");
                let body = to_bytes(answer.into_body(), usize::MAX).await.expect("an answer that is whole");
                serde_json::from_slice(&body).map_err(|_| Failed)
            })
        }
    }

    /// What the function was asked and answered so far, oldest first.
    pub(crate) fn invocations(&self, binary: &str) -> Vec<Invocation> {
        self.pool(binary).invocations.entries()
    }

    /// Waits until the function's invocations are as they should be.
    pub(crate) async fn wait_for_invocations(&self, binary: &str, holds: impl Fn(&[Invocation]) -> bool) {
        self.pool(binary).invocations.until(holds).await;
    }

    /// How many invocations each environment of the function had, in the order they were started.
    pub(crate) fn environments(&self, binary: &str) -> Vec<usize> {
        self.pool(binary).environments()
    }

    /// Waits until as many pollers of the function's idle environment wait for an event.
    pub(crate) async fn wait_for_pollers(&self, binary: &str, count: usize) {
        self.pool(binary).idle().wait_for_pollers(count).await;
    }

    /// All that the function's environments have printed so far.
    pub(crate) fn output(&self, binary: &str) -> String {
        self.pool(binary).output()
    }

    fn pool(&self, binary: &str) -> &Pool {
        self.pools.iter().find(|pool| pool.function().binary == binary).expect("a function of this gateway")
    }
}

async fn handle(
    pool: Arc<Pool>,
    resource: &'static str,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    parameters: RawPathParams,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else {
        return answer::refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    let id = pool::next_request_id();
    let arrival = Arrival { id: &id, address: peer.ip(), at: Clock::system().now(), resource };
    let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let event = proxy_event(&arrival, &parts, parameters, &body);
    let (answer, answered) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "the invocation goes on when the client leaves")]
    tokio::spawn(pool.invoke(id, event, answer));
    answered.await.expect("every invocation is answered")
}

/// API Gateway's answer to a path or a method that the API does not have.
async fn no_such_method() -> Response {
    answer::refusal(StatusCode::FORBIDDEN, "Missing Authentication Token")
}
