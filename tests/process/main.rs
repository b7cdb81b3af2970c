//! All functions as a process that a test may kill. It prints the address at which it listens. Its time stands still,
//! timers included, until the test moves it: `POST /time/{milliseconds}`; `BEGAN_AT` says when that is at the start.

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use chatkit_local::server::functions;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::http::{ClientAddress, TrustedIdentity};
use chatkit_shared::identity::{Identity, Owner, VisitorCookie};
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::{Setup, SetupError};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::time::{Instant, advance, pause};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the test reads the line")]
async fn main() -> Result<(), SetupError> {
    pause();
    // Time that stands still would otherwise jump to the next timer whenever everything waits for the network.
    drop(tokio::task::spawn_blocking(std::thread::park));
    let env = Env::process();
    let (began_at, began) = (env.required("BEGAN_AT", "a time")?.parse::<Timestamp>()?, Instant::now());
    let clock = Clock::from_fn(move || began_at + began.elapsed());
    let now = clock.clone();
    let ids = Ids::system(clock.clone());
    let setup = Setup { env, clock, ids, cookie: VisitorCookie::Loopback, dynamodb: None };
    let router = functions(&setup)?.layer(from_fn(trust_header));
    let router = Router::new()
        .route("/time", get(async move || now.now().to_string()))
        .route("/time/{milliseconds}", post(pass_time))
        .fallback_service(router);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

async fn pass_time(Path(milliseconds): Path<u64>) {
    advance(Duration::from_millis(milliseconds)).await;
}

async fn trust_header(mut request: Request, next: Next) -> Response {
    let user = request.headers().get("x-user-id").and_then(|user| user.to_str().ok()).unwrap_or("nobody");
    if let Ok(owner) = Owner::new(Owner::DEFAULT_TENANT, user) {
        request.extensions_mut().insert(TrustedIdentity(Identity::of(owner)));
    }
    request.extensions_mut().insert(ClientAddress(Some(IpAddr::from([192, 0, 2, 1]))));
    next.run(request).await
}
