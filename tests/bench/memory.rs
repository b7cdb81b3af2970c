//! The memory of `chat`, as it is deployed, while it streams a long answer.

use std::time::{Duration, Instant};

use axum::serve::ListenerExt;
use chatkit_shared::clock::Clock;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::figure::Figure;
use crate::harness::app::create;
use crate::harness::dynamodb::Dynamo;
use crate::model::{Model, Script, WORD};
use crate::processes::{JWT_SECRET, start_function};
use crate::programs::Programs;
use crate::runtime_api::{self, Call, Reply};

/// 100 KB.
const SCRIPT: Script = Script { words: 100_000 / WORD, pause: Duration::ZERO };
const MOST_MEGABYTES: f64 = 32.0;

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let dynamo = Dynamo::start().await;
    let model = Model::start(SCRIPT, Instant::now()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
    let (calls, queue) = mpsc::unbounded_channel();
    let mut servers = JoinSet::new();
    let routes = runtime_api::router(queue, 1, watch::Sender::new(0));
    servers.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let dynamodb_url = dynamo.env().get("AWS_ENDPOINT_URL_DYNAMODB").unwrap().to_owned();
    let variables = [("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url), ("OPENAI_BASE_URL", model.url.clone())];
    let chat = start_function(programs, "chat", address, &variables);

    let received = invoke(&calls, "/health-of-nothing", &json!({})).await;
    assert!(received.contains("not_found"), "{received}");
    let idle = chat.peak_megabytes();
    let received = invoke(&calls, "/chatkit", &create("Tell me everything")).await;
    assert_eq!(received.matches(r#""type":"assistant_message.content_part.text_delta""#).count(), SCRIPT.words);
    let streaming = chat.peak_megabytes();
    vec![
        Figure::new("memory of `chat` before its first turn", format!("{idle:.1} MB")),
        Figure::new("peak memory of `chat` after streaming 100 KB", format!("{streaming:.1} MB"))
            .bound("≤ 32 MB", streaming <= MOST_MEGABYTES),
    ]
}

/// Posts to a path of the function, and returns all that it streamed.
async fn invoke(calls: &mpsc::UnboundedSender<Call>, path: &str, body: &Value) -> String {
    let claims = json!({ "sub": "alice", "exp": Clock::system().now().as_second() + 60 });
    let token = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(JWT_SECRET.as_bytes()));
    let headers = json!({
        "authorization": [format!("Bearer {}", token.unwrap())],
        "content-type": ["application/json"],
        "host": ["example.com"],
    });
    let event = json!({
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": {},
        "multiValueHeaders": headers,
        "requestContext": { "stage": "prod", "httpMethod": "POST", "identity": { "sourceIp": "192.0.2.1" } },
        "body": body.to_string(),
        "isBase64Encoded": false,
    });
    let (reply, replied) = oneshot::channel();
    let deadline = Clock::system().now() + Duration::from_secs(60);
    let function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:chat".to_owned();
    let call = Call {
        id: "00000000-0000-4000-8000-000000000001".to_owned(),
        event: event.to_string(),
        deadline,
        function_arn,
        reply,
    };
    calls.send(call).unwrap_or_else(|_| panic!("the Runtime API runs"));
    let mut received = Vec::new();
    match replied.await.unwrap() {
        Reply::Streamed(mut chunks) => {
            while let Some(chunk) = chunks.recv().await {
                received.extend_from_slice(&chunk.unwrap());
            }
        }
        Reply::Buffered(_) => panic!("`chat` streams"),
        Reply::Failed(report) | Reply::NotStarted(report) => panic!("{report}"),
    }
    String::from_utf8(received).unwrap()
}
