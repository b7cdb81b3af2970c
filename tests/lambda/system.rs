//! The four functions as they are deployed: built programs behind the gateway, a DynamoDB and a model.

use chatkit_shared::env::Env;
use futures_util::StreamExt;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::gateway::{Function, Gateway, Transfer};
use crate::harness::app::create;
use crate::harness::dynamodb::Dynamo;
use crate::harness::model::{Gate, ScriptedModel};
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, part_done, sse, text_done, usage,
};

/// Everything that a deployment has.
pub(super) struct System {
    pub(super) gateway: Gateway,
    pub(super) model: ScriptedModel,
    dynamo: Dynamo,
    pub(super) client: Client,
}

impl System {
    async fn start() -> Self {
        Self::with_concurrency(1).await
    }

    /// Each environment is given so many requests at a time.
    pub(super) async fn with_concurrency(concurrency: usize) -> Self {
        let dynamo = Dynamo::start().await;
        let model = ScriptedModel::start().await;
        model.on(|request| request.is_title(), answer("A title"));
        let env = dynamo.env();
        let functions = [
            ("start", Transfer::Buffered, &["POST /api/chatkit/start", "POST /api/chatkit/session"][..]),
            ("refresh", Transfer::Buffered, &["POST /api/chatkit/refresh"]),
            ("chat", Transfer::Streamed, &["POST /chatkit", "OPTIONS /chatkit", "POST /api/chat"]),
            ("analytics", Transfer::Buffered, &["GET /api/analytics", "GET /api/usage/me", "GET /health"]),
        ];
        let functions = functions.map(|(binary, transfer, routes)| {
            let variables = variables(&env, &model.base_url());
            Function::new(binary, transfer, routes).variables(variables).concurrency(concurrency)
        });
        Self { gateway: Gateway::start(functions).await, model, dynamo, client: Client::new() }
    }

    pub(super) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Response {
        let mut request = self.client.post(self.gateway.url(path)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    /// A visitor's session token.
    pub(super) async fn visit(&self) -> String {
        let answer: Value = self.post("/api/chatkit/start", None, &json!({})).await.json().await.unwrap();
        assert_eq!(answer["expires_in"], 600);
        answer["client_secret"].as_str().unwrap().to_owned()
    }
}

pub(super) fn variables(env: &Env, model: &str) -> Vec<(&'static str, String)> {
    let names = [
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "TABLE_THREADS",
        "TABLE_COUNTERS",
        "TABLE_USAGE",
    ];
    let variables = names.into_iter().map(|name| (name, env.get(name).unwrap().to_owned()));
    let own = [
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
        ("AUTH_MODE", "anonymous"),
        ("ALLOWED_ORIGINS", "https://www.example.com"),
        ("MODEL", "test-model"),
        ("OPENAI_BASE_URL", model),
        ("OPENAI_API_KEY", "sk-canary"),
    ];
    variables.chain(own.map(|(name, value)| (name, value.to_owned()))).collect()
}

/// The events of a whole streamed answer.
pub(super) async fn events(response: Response) -> Vec<Value> {
    let text = response.text().await.unwrap();
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| serde_json::from_str(event.lines().next().unwrap().trim_start_matches("data: ")).unwrap())
        .collect()
}

#[tokio::test]
async fn programs_stream_events_while_the_model_answers() {
    let system = System::start().await;
    let token = system.visit().await;
    let gate = Gate::closed();
    let script = sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Hello")])
        .wait(&gate)
        .event(delta(" there"))
        .wait(&gate)
        .event(text_done("Hello there"))
        .event(part_done("Hello there"))
        .event(message_done("msg_1", "Hello there"))
        .event(completed(usage(10, 0, 5, 0)));
    system.model.then(script);

    let response = system.post("/chatkit", Some(&token), &create("Hi")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert!(response.headers().contains_key("x-request-id"));
    let mut body = response.bytes_stream();
    let mut seen = String::new();
    for text in
        ["\"delta\":\"Hello\"", "\"delta\":\" there\"", "\"thread.item.done\",\"item\":{\"type\":\"assistant_message\""]
    {
        // Nothing of what follows can be there yet: the model is held until the gate opens.
        while !seen.contains(text) {
            seen.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
        }
        gate.open();
    }
    while let Some(chunk) = body.next().await {
        seen.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }

    // What the function sent to Lambda: the prelude, eight NULs, then the events that were ready at once in one chunk.
    let invocations = system.gateway.invocations("chat");
    let chunks = &invocations[0].chunks;
    let prelude: Value = serde_json::from_slice(&chunks[0]).unwrap();
    assert_eq!(prelude["statusCode"], 200);
    assert_eq!(prelude["headers"]["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(chunks[1], [0; 8].as_slice());
    let sent: Vec<_> = chunks[2..].iter().map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
    assert_eq!(sent.concat(), seen);
    assert!(sent.iter().all(|chunk| chunk.ends_with("\n\n")), "{sent:?}");
    for event in seen.split_inclusive("\n\n") {
        let (data, position) = event.split_once("}\nid: ").expect(event);
        assert!(data.starts_with("data: {") && !data.contains('\n'), "{event:?}");
        assert_eq!(position.find("\n\n"), Some(position.len() - 2), "{event:?}");
    }
}

#[tokio::test]
async fn programs_serve_a_whole_visit() {
    let system = System::start().await;
    let token = system.visit().await;
    system.model.then(answer("Hello there"));
    let first = events(system.post("/chatkit", Some(&token), &create("Hi")).await).await;
    let thread = first[0]["thread"]["id"].as_str().unwrap();

    let refreshed = system.post("/api/chatkit/refresh", None, &json!({ "currentClientSecret": token })).await;
    let token = refreshed.json::<Value>().await.unwrap()["client_secret"].as_str().unwrap().to_owned();
    let read = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } });
    let read: Value = system.post("/chatkit", Some(&token), &read).await.json().await.unwrap();
    assert_eq!(read["title"], "A title");
    assert_eq!(read["items"]["data"][1]["content"][0]["text"], "Hello there");

    let other = system.visit().await;
    let foreign = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } });
    assert_eq!(system.post("/chatkit", Some(&other), &foreign).await.status(), 404);
    let used = system.client.get(system.gateway.url("/api/usage/me")).bearer_auth(&token).send().await.unwrap();
    assert!(used.json::<Value>().await.unwrap()["tokens"]["used"].as_u64().unwrap() > 0);
    let health = system.client.get(system.gateway.url("/health")).send().await.unwrap();
    assert_eq!(health.json::<Value>().await.unwrap()["status"], "ok");

    // One environment served the whole visit, and its lines name nobody and nothing that was said.
    assert_eq!(system.gateway.environments("chat"), [3]);
    let output = system.gateway.output("chat");
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert_eq!((&lines[0]["operation"], &lines[0]["status"]), (&json!("threads.create"), &json!(200)));
    assert_eq!(lines[0]["outcome"], "ok");
    assert!(lines[0]["output_tokens"].as_u64().unwrap() > 0);
    for secret in ["Hello there", "sk-canary", "vis_", token.as_str()] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

#[tokio::test]
async fn programs_answer_a_preflight() {
    let system = System::start().await;
    let preflight = system
        .client
        .request(reqwest::Method::OPTIONS, system.gateway.url("/chatkit"))
        .header("origin", "https://www.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,chatkit-frame-instance-id")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://www.example.com");
    assert_eq!(
        preflight.headers()["access-control-allow-headers"],
        "authorization,content-type,chatkit-frame-instance-id"
    );
}

#[tokio::test]
async fn programs_without_a_store_answer_unavailable() {
    let system = System::start().await;
    let token = system.visit().await;
    // Three tries of each of a visitor's two budgets.
    system.dynamo.fail("UpdateItem", "", crate::harness::dynamodb::Fault::Throttle, 6);
    let refused = system.post("/chatkit", Some(&token), &create("Hi")).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], "unavailable");
    system.model.then(answer("Hello there"));
    let events = events(system.post("/chatkit", Some(&token), &create("Hi")).await).await;
    assert!(events.iter().any(|event| event["item"]["content"][0]["text"] == "Hello there"), "{events:?}");
}
