//! Fuzzing: nothing that comes from outside makes a part panic or break a promise. An ordinary run of the tests gives
//! each target what is in `__fuzz__` (samples, and whatever once broke it) and random inputs for a second; `just fuzz
//! TARGET MINUTES` lets coverage guide them.

mod http;
mod parsers;

use std::panic::RefUnwindSafe;

use ::http::Request;
use lambda_http::Body as LambdaBody;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use crate::harness::app::{Answer, App};
use crate::harness::responses::answer;

/// The whole system, which a target asks one thing after another.
struct Server {
    runtime: Runtime,
    app: App,
}

/// After a panic nothing is asked any more.
impl RefUnwindSafe for Server {}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let app = runtime.block_on(App::with([
            ("LIMIT_USER_TURNS_PER_MINUTE", "0"),
            ("LIMIT_USER_REQUESTS_PER_MINUTE", "0"),
            ("LIMIT_USER_TOKENS_PER_HOUR", "0"),
            ("LIMIT_ADDRESS_BURST", "0"),
            ("ALLOWED_ORIGINS", http::ALLOWED),
        ]));
        app.model.on(|_| true, answer("ok"));
        Self { runtime, app }
    }

    /// Sends a request, which must not be a failure of the server's.
    fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: ::http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let answer = self.runtime.block_on(async {
            Answer::of(self.app.router.clone().oneshot(request.map(axum::body::Body::new)).await.unwrap()).await
        });
        assert!(answer.status.as_u16() < 500, "{answer:?}");
        if answer.status.is_client_error() && !answer.text.is_empty() {
            let error = answer.json();
            assert!(["error", "message", "request_id"].iter().all(|field| error[field].is_string()), "{error}");
        }
        answer
    }

    /// Sends what API Gateway would have made of a request.
    fn send_event(&self, request: Request<LambdaBody>) -> Answer {
        self.send(chatkit_shared::lambda::with_client_address(request))
    }
}
