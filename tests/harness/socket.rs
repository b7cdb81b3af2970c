//! The function of sockets behind a WebSocket API of its own, and clients of that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use chatkit_local::loopback::serve_on_loopback;
use chatkit_local::web_socket::{Failed, WebSocketApi};
use chatkit_shared::identity::VisitorCookie;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Setup;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::app::{App, unreferenced};
use super::journal::Journal;

/// A frame that has not come by then never will, so the test fails instead of hanging.
const MAX_FRAME_WAIT: Duration = Duration::from_mins(1);

/// Everything of [`App`], and the function of sockets on the same tables.
pub(crate) struct Sockets {
    pub(crate) app: App,
    /// The function; an event may be handed to it by hand.
    pub(crate) function: chatkit_socket::App,
    url: String,
    events: Arc<Journal<Value>>,
    faults: Faults,
}

/// What becomes of the function's next calls of AWS.
#[derive(Clone, Default)]
struct Faults {
    /// Of any.
    calls: Arc<Mutex<VecDeque<Fault>>>,
    /// Of orders; the others come after these.
    orders: Arc<Mutex<VecDeque<Fault>>>,
}

enum Fault {
    /// It is not done, and answered with this status; 200 lets it through.
    Instead(StatusCode),
    /// It is done, and answered with this status nevertheless.
    Behind(StatusCode),
}

impl Fault {
    fn behind(status: u16) -> Self {
        Self::Behind(StatusCode::from_u16(status).unwrap())
    }
}

/// A client that has connected.
#[derive(Debug)]
pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Sockets {
    pub(crate) async fn start() -> Self {
        Self::with([]).await
    }

    /// With these variables, and as many messages a minute as a test likes unless they say otherwise.
    pub(crate) async fn with<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self::with_function(variables, |function| function).await
    }

    /// With signs of life so far apart.
    pub(crate) async fn with_silence(silence: Duration) -> Self {
        Self::with_function([], |function| function.with_ping_interval(silence)).await
    }

    async fn with_function<const N: usize>(
        variables: [(&str, &str); N],
        change: impl FnOnce(chatkit_socket::App) -> chatkit_socket::App,
    ) -> Self {
        let app = App::with(variables).await;
        let api = WebSocketApi::new(app.clock.clone(), Ids::seeded(app.clock.clone(), 2));
        let faults = Faults::default();
        let management = api.management().layer(from_fn_with_state(faults.clone(), fail));
        let management = serve_on_loopback(management).await.unwrap();
        let mut env = app.env.clone();
        env.set("AWS_LAMBDA_FUNCTION_NAME", "socket");
        env.set("AWS_ENDPOINT_URL_LAMBDA", &management);
        env.set("SOCKET_URL", management);
        let ids = Ids::seeded(app.clock.clone(), 3);
        let setup = Setup { env, clock: app.clock.clone(), ids, cookie: VisitorCookie::CrossSite, dynamodb: None };
        let function = change(chatkit_socket::App::from_setup(&setup).unwrap());
        let events = Arc::<Journal<Value>>::default();
        let (served, seen) = (function.clone(), Arc::clone(&events));
        api.serve(move |event| {
            seen.push(event.clone());
            let answer = chatkit_socket::handle(served.clone(), event);
            Box::pin(async { answer.await.map_err(|_| Failed) })
        });
        let url = serve_on_loopback(api.clients()).await.unwrap().replacen("http", "ws", 1) + "/ws";
        Self { app, function, url, events, faults }
    }

    /// A client with a new session of the user's.
    pub(crate) async fn connect(&self, user: &str) -> Client {
        self.connect_with(&self.app.session(user).await).await
    }

    /// A client with this session token.
    pub(crate) async fn connect_with(&self, token: &str) -> Client {
        self.handshake(Some(&format!("chatkit, {token}"))).await.unwrap()
    }

    /// A client that offers these protocols, or why it was not let in.
    pub(crate) async fn handshake(&self, protocols: Option<&str>) -> Result<Client, (u16, String)> {
        Client::connect(&self.url, protocols).await
    }

    /// As a page's browser connects, with these headers; whether it was let in.
    pub(crate) async fn handshake_of_page(&self, token: &str, headers: &[(&'static str, &str)]) -> Result<(), u16> {
        self.connect_as_page(token, headers).await.map(|_| ())
    }

    /// A client that connects as a page's browser does, with these headers, or with which status it was not let in.
    pub(crate) async fn connect_as_page(&self, token: &str, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        let connected = Client::connect_with(&self.url, Some(&format!("chatkit, {token}")), headers).await;
        connected.map_err(|(status, _)| status)
    }

    /// The events that the function was given so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.events.entries()
    }

    /// Waits for an event like this one.
    pub(crate) async fn event(&self, is_like_this: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_events(1, &is_like_this).await;
        self.events().into_iter().find(is_like_this).unwrap()
    }

    /// Waits for so many events like this one.
    pub(crate) async fn wait_for_events(&self, count: usize, is_like_this: impl Fn(&Value) -> bool) {
        self.events.until(|events| events.iter().filter(|event| is_like_this(event)).count() >= count).await;
    }

    /// What AWS answers to the function's next calls, in place of what they ask for; 200 lets one through.
    pub(crate) fn fail(&self, statuses: impl IntoIterator<Item = u16>) {
        let faults = statuses.into_iter().map(|status| Fault::Instead(StatusCode::from_u16(status).unwrap()));
        self.faults.calls.lock().unwrap().extend(faults);
    }

    /// Lets all calls through from now on.
    pub(crate) fn stop_failing(&self) {
        self.faults.calls.lock().unwrap().clear();
    }

    /// What AWS answers to the function's next calls, though it does what they ask for.
    pub(crate) fn mislead(&self, statuses: impl IntoIterator<Item = u16>) {
        self.faults.calls.lock().unwrap().extend(statuses.into_iter().map(Fault::behind));
    }

    /// What Lambda answers to the function's next orders, though it takes them.
    pub(crate) fn mislead_orders(&self, statuses: impl IntoIterator<Item = u16>) {
        self.faults.orders.lock().unwrap().extend(statuses.into_iter().map(Fault::behind));
    }

    /// Hands the function an event, once more or by hand.
    pub(crate) async fn invoke(&self, event: &Value) {
        chatkit_socket::handle(self.function.clone(), event.clone()).await.unwrap();
    }

    /// The connections that are remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.app.dynamo.records("counters").iter().filter(|record| record["sk"]["S"] == "socket").count()
    }

    /// Waits until so many connections are remembered.
    pub(crate) async fn wait_for_connections(&self, count: usize) {
        self.app.dynamo.until("counters", |_| self.remembered() == count).await;
    }
}

async fn fail(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let is_order = request.uri().path().ends_with("/invocations");
    let fault = is_order.then(|| faults.orders.lock().unwrap().pop_front()).flatten();
    let fault = fault.or_else(|| faults.calls.lock().unwrap().pop_front());
    match fault {
        None | Some(Fault::Instead(StatusCode::OK)) => next.run(request).await,
        Some(Fault::Instead(status)) => status.into_response(),
        Some(Fault::Behind(status)) => {
            next.run(request).await;
            status.into_response()
        }
    }
}

impl Client {
    /// Connects, offering these protocols; or the status and the body of the refusal.
    pub(crate) async fn connect(url: &str, protocols: Option<&str>) -> Result<Self, (u16, String)> {
        Self::connect_with(url, protocols, &[]).await
    }

    async fn connect_with(
        url: &str,
        protocols: Option<&str>,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, String)> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        if let Some(protocols) = protocols {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((stream, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "chatkit");
                Ok(Self(stream))
            }
            Err(tungstenite::Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a request in an envelope.
    pub(crate) async fn ask(&mut self, id: &str, request: &Value) {
        self.send(&json!({ "id": id, "request": request }).to_string()).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_raw(Message::text(text)).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Value {
        let frame = timeout(MAX_FRAME_WAIT, self.0.next()).await.expect("a frame within a minute");
        match frame.unwrap().unwrap() {
            Message::Text(text) => {
                assert!(text.len() <= chatkit_socket::MAX_FRAME_BYTES, "{} bytes", text.len());
                serde_json::from_str(&text).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    /// How the server closes the connection.
    pub(crate) async fn closed(&mut self) -> CloseCode {
        match self.0.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => frame.code,
            other => panic!("{other:?}"),
        }
    }

    /// The frames of one answer, up to its last one; there must be no others.
    pub(crate) async fn answer(&mut self) -> Answered {
        let mut answered = Answered::default();
        while !answered.add(self.frame().await) {}
        answered
    }

    /// The error that is the answer to what was sent last.
    pub(crate) async fn error(&mut self, id: Option<&str>, code: &str) -> Value {
        let answered = self.answer().await;
        assert_eq!(answered.id, id.map(Value::from));
        let error = &answered.contents.last().unwrap()["error"];
        assert_eq!(error["error"], code, "{error}");
        assert!(error["request_id"].as_str().unwrap().starts_with("req_"));
        error.clone()
    }

    /// The reply that is the answer to a request without a stream.
    pub(crate) async fn reply(&mut self, id: &str) -> Value {
        let answered = self.answer().await;
        assert_eq!(answered.id, Some(json!(id)));
        assert_eq!(answered.contents.len(), 1, "{:?}", answered.contents);
        answered.contents[0]["reply"].clone()
    }

    /// Closes the connection as a page does that is left.
    pub(crate) async fn leave(mut self) {
        self.0.close(None).await.unwrap();
    }
}

/// Frames of one answer, as a client reads them.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) id: Option<Value>,
    /// How many frames there were.
    pub(crate) frames: u64,
    /// The frames without id and number, put together where they came in pieces.
    pub(crate) contents: Vec<Value>,
    pieces: String,
}

impl Answered {
    /// Reads a frame; whether it is the last one.
    pub(crate) fn add(&mut self, mut frame: Value) -> bool {
        let object = frame.as_object_mut().unwrap();
        let id = object.remove("id");
        assert!(self.frames == 0 || self.id == id, "{id:?}");
        self.id = id;
        assert_eq!(object.remove("seq").unwrap(), self.frames);
        self.frames += 1;
        if let Some(part) = object.get("part") {
            self.pieces.push_str(part.as_str().unwrap());
            if object["left"] != 0 {
                return false;
            }
            frame = serde_json::from_str(&std::mem::take(&mut self.pieces)).unwrap();
        }
        let is_last = ["done", "reply", "error"].iter().any(|key| frame.get(key).is_some());
        self.contents.push(frame);
        is_last
    }

    /// The events of a streamed answer that has ended as it should.
    pub(crate) fn events(&self) -> Vec<Value> {
        let (done, events) = self.contents.split_last().unwrap();
        assert_eq!(*done, json!({ "done": true }));
        events.iter().flat_map(|content| content["events"].as_array().unwrap().clone()).map(unreferenced).collect()
    }
}
