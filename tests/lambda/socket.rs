//! The function of sockets as it is deployed: the built program behind a WebSocket API, and orders to itself.

use chatkit_local::loopback::serve_on_loopback;
use chatkit_local::web_socket::WebSocketApi;
use chatkit_shared::clock::Clock;
use chatkit_shared::ids::Ids;
use serde_json::{Value, json};

use super::system::variables;
use crate::gateway::{Function, Gateway, Invocation, Transfer};
use crate::harness::app::{create, thread_id};
use crate::harness::dynamodb::Dynamo;
use crate::harness::model::{Gate, ScriptedModel};
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, part_done, sse, text_done, usage,
};
use crate::harness::socket::{Answered, Client};

/// What a deployment has of sockets.
pub(super) struct System {
    pub(super) gateway: Gateway,
    pub(super) model: ScriptedModel,
    url: String,
    _dynamo: Dynamo,
}

impl System {
    async fn start() -> Self {
        Self::with_concurrency(1).await
    }

    /// Each environment is given so many events at a time.
    pub(super) async fn with_concurrency(concurrency: usize) -> Self {
        let (dynamo, model) = (Dynamo::start().await, ScriptedModel::start().await);
        model.on(|request| request.is_title(), answer("A title"));
        let clock = Clock::system();
        let api = WebSocketApi::new(clock.clone(), Ids::system(clock));
        let management = serve_on_loopback(api.management()).await.unwrap();
        let own = [("SOCKET_URL", management.clone()), ("AWS_ENDPOINT_URL_LAMBDA", management)];
        let variables = [variables(&dynamo.env(), &model.base_url()), own.to_vec()].concat();
        let gateway = Gateway::start([
            Function::new("start", Transfer::Buffered, &["POST /api/chatkit/start"]).variables(variables.clone()),
            Function::new("socket", Transfer::Event, &[]).variables(variables).concurrency(concurrency),
        ])
        .await;
        api.serve(gateway.function("socket"));
        let url = serve_on_loopback(api.clients()).await.unwrap().replacen("http", "ws", 1) + "/ws";
        Self { gateway, model, url, _dynamo: dynamo }
    }

    /// A visitor's session token.
    pub(super) async fn visit(&self) -> String {
        let request = reqwest::Client::new().post(self.gateway.url("/api/chatkit/start")).json(&json!({}));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["client_secret"].as_str().unwrap().to_owned()
    }

    pub(super) async fn connect(&self, token: &str) -> Client {
        Client::connect(&self.url, Some(&format!("chatkit, {token}"))).await.unwrap()
    }

    /// The kinds of events that the function was invoked with.
    fn kinds(&self) -> Vec<String> {
        let events = self.gateway.invocations("socket").into_iter().map(|invocation| invocation.event);
        let kind = |event: Value| event["requestContext"]["eventType"].as_str().unwrap_or("TURN").to_owned();
        events.map(kind).collect()
    }
}

#[tokio::test]
async fn socket_program_streams_a_turn_while_the_model_answers() {
    let system = System::start().await;
    let token = system.visit().await;
    let mut client = system.connect(&token).await;
    let gate = Gate::closed();
    let script = sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Hello")])
        .wait(&gate)
        .event(delta(" there"))
        .event(text_done("Hello there"))
        .event(part_done("Hello there"))
        .event(message_done("msg_1", "Hello there"))
        .event(completed(usage(10, 0, 5, 0)));
    system.model.then(script);
    client.ask("1", &create("Hi")).await;
    let mut answered = Answered::default();
    while !answered.contents.iter().any(|content| content.to_string().contains("\"delta\":\"Hello\"")) {
        assert!(!answered.add(client.frame().await));
    }
    // The message's own invocation has ended; the turn has one of its own, and another message a third.
    client.ask("2", &json!({ "type": "threads.list", "params": {} })).await;
    let list = loop {
        let frame = client.frame().await;
        if frame["id"] == "2" {
            break frame;
        }
        assert!(!answered.add(frame));
    };
    assert_eq!(list["reply"]["data"].as_array().unwrap().len(), 1);
    gate.open_for_good();
    while !answered.add(client.frame().await) {}
    let events = answered.events();
    let thread = thread_id(&events);
    assert!(events.iter().any(|event| event["item"]["content"][0]["text"] == "Hello there"), "{events:?}");
    assert_eq!(system.kinds(), ["CONNECT", "MESSAGE", "TURN", "MESSAGE"]);
    assert_eq!(system.gateway.invocations("socket")[2].environment, 1);

    // Another visitor, on a connection of their own.
    let mut other = system.connect(&system.visit().await).await;
    other.ask("1", &json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } })).await;
    other.error(Some("1"), "not_found").await;

    let output = system.gateway.output("socket");
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["method"] == "TURN" && line["output_tokens"].as_u64() > Some(0)), "{output}");
    for secret in ["Hello", "sk-canary", "vis_", token.as_str()] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

#[tokio::test]
async fn socket_program_accepts_refuses_and_forgets_connections() {
    let system = System::start().await;
    assert_eq!(Client::connect(&system.url, Some("chatkit, nonsense")).await.unwrap_err().0, 401);
    let token = system.visit().await;
    system.connect(&token).await.leave().await;
    let is_disconnect = |invocation: &Invocation| invocation.event["requestContext"]["eventType"] == "DISCONNECT";
    system.gateway.wait_for_invocations("socket", |invocations| invocations.last().is_some_and(is_disconnect)).await;
    let answers: Vec<Value> = system.gateway.invocations("socket")[..2]
        .iter()
        .map(|invocation| serde_json::from_slice(&invocation.chunks[0]).unwrap())
        .collect();
    assert_eq!(answers[0]["statusCode"], 401);
    assert_eq!(answers[1], json!({ "statusCode": 200, "headers": { "Sec-WebSocket-Protocol": "chatkit" } }));
}
