//! A model that says what a test tells it to, over HTTP, and remembers what it was asked.
//!
//! ```ignore
//! let model = ScriptedModel::start().await;
//! model.then(answer("Hello"));                                        // the next request
//! model.on(|request| request.is_title(), answer("A title"));          // each request that is one
//! model.then(sse([created("resp_1"), message_added("msg_1"), delta("Hel")]).wait(&gate).event(delta("lo")).abort());
//! ```

mod request;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, Request, Response, header};
use axum::serve::ListenerExt;
use chatkit_shared::model::ModelConfig;
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

use super::journal::Journal;
use super::responses::{Event, upstream_error};
use super::{completions, responses};
pub(crate) use request::ModelRequest;

/// A server on loopback. Stops when dropped; a malformed request or one without an answer fails the test then.
pub(crate) struct ScriptedModel {
    port: u16,
    script: Arc<Mutex<Script>>,
    requests: Arc<Journal<ModelRequest>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<Answer>,
    routes: Vec<(Predicate, Answer)>,
    rule: Option<Rule>,
    faults: Vec<String>,
}

type Predicate = Box<dyn Fn(&ModelRequest) -> bool + Send>;
type Rule = Box<dyn FnMut(&ModelRequest) -> Answer + Send>;

impl ScriptedModel {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let requests = Arc::<Journal<ModelRequest>>::default();
        let router = Router::new().fallback(respond).with_state((Arc::clone(&script), Arc::clone(&requests)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, script, requests, _server: server }
    }

    /// What `OPENAI_BASE_URL` has to be.
    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// A configuration for this model, without a key, which waits only briefly.
    pub(crate) fn config(&self) -> ModelConfig {
        ModelConfig {
            idle_timeout: Duration::from_secs(20),
            retry_pause: Duration::from_millis(1),
            ..ModelConfig::new(self.base_url().parse().unwrap(), None)
        }
    }

    /// Answers the next request that no route takes; several are a queue.
    pub(crate) fn then(&self, answer: Answer) {
        self.script.lock().unwrap().next.push_back(answer);
    }

    /// Answers each request that is like this; the first route that fits counts.
    pub(crate) fn on(&self, is_like_this: impl Fn(&ModelRequest) -> bool + Send + 'static, answer: Answer) {
        self.script.lock().unwrap().routes.push((Box::new(is_like_this), answer));
    }

    /// Answers each request that no route takes by what it says.
    pub(crate) fn by(&self, rule: impl FnMut(&ModelRequest) -> Answer + Send + 'static) {
        self.script.lock().unwrap().rule = Some(Box::new(rule));
    }

    /// As [`ScriptedModel::on`], before all routes that are there.
    pub(crate) fn rather(&self, is_like_this: impl Fn(&ModelRequest) -> bool + Send + 'static, answer: Answer) {
        self.script.lock().unwrap().routes.insert(0, (Box::new(is_like_this), answer));
    }

    /// Everything asked so far, in order.
    pub(crate) fn requests(&self) -> Vec<ModelRequest> {
        self.requests.entries()
    }

    /// Waits until something else than titles was asked so many times.
    pub(crate) async fn asked(&self, times: usize) {
        self.requests.until(|requests| requests.iter().filter(|request| !request.is_title()).count() >= times).await;
    }

    /// The one thing asked.
    pub(crate) fn single_request(&self) -> ModelRequest {
        let [request] = <[_; 1]>::try_from(self.requests()).expect("one request");
        request
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        let faults = &self.script.lock().unwrap().faults;
        assert!(faults.is_empty() || std::thread::panicking(), "the model was asked wrongly: {faults:?}");
    }
}

type Shared = (Arc<Mutex<Script>>, Arc<Journal<ModelRequest>>);

async fn respond(State((script, requests)): State<Shared>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // A function that only connects.
    if parts.method == Method::HEAD {
        return Response::default();
    }
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let fault = fault(&parts, &body);
    let mut script = script.lock().unwrap();
    let request = ModelRequest { path: parts.uri.path().to_owned(), headers: parts.headers, body, bytes };
    if request.is_count() && !script.routes.iter().any(|(is_like_this, _)| is_like_this(&request)) {
        // As most servers answer that cannot count.
        return upstream_error(404, "not_found", "no_count").into_response();
    }
    let answer = match &fault {
        Some(_) => None,
        None => match script.routes.iter().find(|(is_like_this, _)| is_like_this(&request)) {
            Some((_, answer)) => Some(answer.clone()),
            None => match &mut script.rule {
                Some(rule) => Some(rule(&request)),
                None => script.next.pop_front(),
            },
        },
    };
    if answer.is_none() {
        script.faults.push(fault.unwrap_or_else(|| format!("no answer for {}", request.body)));
    }
    requests.push(request);
    answer.unwrap_or_else(|| upstream_error(400, "scripted_model", "no_answer")).into_response()
}

/// What is wrong with a request.
fn fault(parts: &Parts, body: &Value) -> Option<String> {
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match (parts.method.as_str(), parts.uri.path(), media_type.split(';').next().unwrap_or_default()) {
        ("POST", "/v1/responses", "application/json") => responses::fault(body),
        ("POST", "/v1/responses/input_tokens", "application/json") => None,
        ("POST", "/v1/chat/completions", "application/json") => completions::fault(body),
        ("POST", "/v1/audio/transcriptions", "multipart/form-data") => None,
        (method, path, media_type) => Some(format!("{method} {path} with `{media_type}`")),
    }
}

/// An answer: status, headers, then one step after the other.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    steps: VecDeque<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Bytes(Bytes),
    Wait(Gate),
    Abort,
    Hang,
}

/// Holds something back until the test lets it go on.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one wait pass: one that waits now, or else the next.
    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }

    /// Waits until it is opened.
    pub(crate) async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }

    /// Lets every wait pass from now on.
    pub(crate) fn open_for_good(&self) {
        self.0.add_permits(1_000);
    }
}

impl Answer {
    /// The head of an answer, without a body.
    pub(crate) fn start(status: u16, content_type: &'static str) -> Self {
        Self { status, headers: vec![("content-type", content_type)], steps: VecDeque::new() }
    }

    /// Any status and body.
    pub(crate) fn with(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::start(status, content_type).bytes(body)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Then these bytes, whatever they are.
    pub(crate) fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Then this event.
    pub(crate) fn event(self, event: Event) -> Self {
        let number = self.steps.len();
        self.bytes(event.encode(number))
    }

    /// Then nothing until the test opens the gate.
    pub(crate) fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Waits at the gate before the first step; the head of the answer comes at once.
    pub(crate) fn before(mut self, gate: &Gate) -> Self {
        self.steps.push_front(Step::Wait(gate.clone()));
        self
    }

    /// Waits at the gate before each step, so that the test releases one event at a time.
    pub(crate) fn stepwise(mut self, gate: &Gate) -> Self {
        self.steps = self.steps.into_iter().flat_map(|step| [Step::Wait(gate.clone()), step]).collect();
        self
    }

    /// All steps so far in one piece.
    pub(crate) fn at_once(mut self) -> Self {
        let bytes: Vec<_> = self
            .steps
            .drain(..)
            .filter_map(|step| if let Step::Bytes(bytes) = step { Some(bytes) } else { None })
            .collect();
        self.bytes(bytes.concat())
    }

    /// Then the connection breaks.
    pub(crate) fn abort(self) -> Self {
        self.step(Step::Abort)
    }

    /// Then silence.
    pub(crate) fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }

    /// The answer as a server gives it.
    pub(super) fn into_response(self) -> Response<Body> {
        let body = stream::unfold(self.steps, |mut steps| async move {
            loop {
                // What was sent before leaves first, on its own.
                yield_now().await;
                match steps.pop_front()? {
                    Step::Bytes(bytes) => return Some((Ok(bytes), steps)),
                    Step::Wait(gate) => gate.pass().await,
                    Step::Abort => {
                        return Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), VecDeque::new()));
                    }
                    Step::Hang => std::future::pending().await,
                }
            }
        });
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from_stream(body)).unwrap()
    }
}
