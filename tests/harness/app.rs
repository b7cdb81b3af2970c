//! The five HTTP functions over HTTP in the test's own process, with a DynamoDB, a model and a clock of the test's own.

use axum::Router;
use axum::body::Body;
use chatkit_local::server::functions;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::http::{ClientAddress, TrustedIdentity};
use chatkit_shared::identity::{Identity, Owner, VisitorCookie};
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Setup;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::dynamodb::Dynamo;
use super::model::ScriptedModel;
use super::responses::answer;

/// Everything, wired as in production.
pub(crate) struct App {
    pub(crate) dynamo: Dynamo,
    pub(crate) model: ScriptedModel,
    pub(crate) clock: Clock,
    pub(crate) env: Env,
    pub(crate) router: Router,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// The moment at which a test's clock stands.
pub(crate) const NOW: &str = "2026-11-20T12:00:00Z";

impl App {
    /// The functions with the defaults, titles answered with "A title".
    pub(crate) async fn start() -> Self {
        Self::with([]).await
    }

    /// As [`App::start`], with these variables.
    pub(crate) async fn with<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Box::pin(Self::at(Clock::fixed(NOW.parse().unwrap()), &variables)).await
    }

    /// As [`App::with`], at another time.
    pub(crate) async fn at(clock: Clock, variables: &[(&str, &str)]) -> Self {
        let dynamo = Dynamo::start().await;
        let model = ScriptedModel::start().await;
        model.on(|request| request.is_title(), answer("A title"));
        let mut env = dynamo.env();
        env.set("OPENAI_BASE_URL", model.base_url());
        env.set("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes");
        env.set("JWT_SECRET", "another secret of more than thirty-two bytes");
        env.set("AUTH_MODE", "jwt,anonymous");
        env.set("MODEL", "test-model");
        for (name, value) in variables {
            env.set(name, *value);
        }
        let router = Self::router(&env, &clock, 1);
        dynamo.reset();
        Self { dynamo, model, clock, env, router }
    }

    /// The functions once more, as another process would have them; `seed` makes its ids differ.
    pub(crate) fn router(env: &Env, clock: &Clock, seed: u64) -> Router {
        functions(&Self::setup(env, clock, seed)).unwrap()
    }

    /// What a function of such a process is built from.
    pub(crate) fn setup(env: &Env, clock: &Clock, seed: u64) -> Setup {
        let ids = Ids::seeded(clock.clone(), seed);
        Setup { env: env.clone(), clock: clock.clone(), ids, cookie: VisitorCookie::CrossSite, dynamodb: None }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A ChatKit operation of a user.
    pub(crate) async fn chatkit(&self, user: &str, operation: &Value) -> Answer {
        self.send(chatkit(user, operation)).await
    }

    /// A new thread with a message of the user's; returns its events.
    pub(crate) async fn create(&self, user: &str, text: &str) -> Vec<Value> {
        self.chatkit(user, &create(text)).await.events()
    }

    /// A message of the user's in a thread; returns its events.
    pub(crate) async fn add(&self, user: &str, thread_id: &str, text: &str) -> Vec<Value> {
        self.chatkit(user, &add(thread_id, text)).await.events()
    }
}

/// A server-sent event, and its id if it has one.
pub(crate) fn event_and_position(event: &str) -> (Value, Option<String>) {
    let event = event.trim_start_matches(": ping\n");
    let (data, id) = match event.split_once("\nid: ") {
        Some((data, id)) => (data, Some(id.to_owned())),
        None => (event, None),
    };
    (unreferenced(serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap()), id)
}

impl Answer {
    pub(crate) async fn of(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        // A HEAD request gets the length without the body.
        if let (Some(length), false) = (parts.headers.get("content-length"), text.is_empty()) {
            assert_eq!(length, &text.len().to_string());
        }
        Self { status: parts.status, headers: parts.headers, text }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The events of a streamed answer; keep-alive comments are passed over.
    pub(crate) fn events(&self) -> Vec<Value> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        assert_eq!(self.headers["content-type"], "text/event-stream; charset=utf-8");
        let events = self.text.split("\n\n").filter(|event| !event.is_empty());
        events.map(|event| event_and_position(event).0).collect()
    }

    /// Asserts an error in the documented shape, and returns its message.
    pub(crate) fn error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["error"], code, "{body}");
        assert_eq!(body["request_id"], self.headers["x-request-id"].to_str().unwrap());
        let fields = if body["sessionId"].is_string() { 4 } else { 3 };
        assert_eq!(body.as_object().unwrap().len(), fields, "{body}");
        body["message"].as_str().unwrap().to_owned()
    }
}

/// An event without the reference to the log that an error's message ends with.
pub(crate) fn unreferenced(mut event: Value) -> Value {
    if event["type"] == "error"
        && let Some(message) = event["message"].as_str()
    {
        let (message, reference) = message.rsplit_once(" (ref ").unwrap_or_else(|| panic!("no reference: {message}"));
        let reference = reference.strip_suffix(')').unwrap();
        assert!(reference.len() == 8 && reference.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{reference}");
        event["message"] = message.into();
    }
    event
}

/// A request of a user whom the site vouches for.
pub(crate) fn request(method: Method, path: &str, user: &str, body: Body) -> Request<Body> {
    let owner = Owner::new(Owner::DEFAULT_TENANT, user).unwrap();
    let permissions = vec![Identity::ANALYTICS_READ.to_owned()];
    let identity = Identity { permissions, ..Identity::of(owner) };
    let mut request = Request::builder().method(method).uri(path).body(body).unwrap();
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request.extensions_mut().insert(TrustedIdentity(identity));
    request.extensions_mut().insert(ClientAddress(Some([192, 0, 2, 1].into())));
    request
}

/// A ChatKit operation of a user.
pub(crate) fn chatkit(user: &str, operation: &Value) -> Request<Body> {
    request(Method::POST, "/chatkit", user, Body::from(operation.to_string()))
}

/// What the composer sends.
pub(crate) fn input(text: &str) -> Value {
    json!({ "content": [{ "type": "input_text", "text": text }], "attachments": [], "inference_options": {} })
}

/// `threads.create`.
pub(crate) fn create(text: &str) -> Value {
    json!({ "type": "threads.create", "params": { "input": input(text) } })
}

/// `threads.add_user_message`.
pub(crate) fn add(thread_id: &str, text: &str) -> Value {
    json!({ "type": "threads.add_user_message", "params": { "thread_id": thread_id, "input": input(text) } })
}

/// The id of the thread that a stream of events began.
pub(crate) fn thread_id(events: &[Value]) -> String {
    events[0]["thread"]["id"].as_str().unwrap().to_owned()
}
