//! One environment of a function: its process, and a Runtime API that hands it events.

use std::process::{Command, Stdio};
use std::time::Duration;

use axum::serve::ListenerExt;
use chatkit_local::{dynamodb, loopback::serve_on_loopback};
use chatkit_shared::clock::Clock;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::chat::Received;
use crate::cpu_share::CpuShare;
use crate::harness::dynamodb::Dynamo;
use crate::processes::{JWT_SECRET, Process, function_variables};
use crate::programs::Programs;
use crate::runtime_api::{self, Call, Reply};

/// The URL of this database's API, without the meter.
pub(crate) async fn serve_database(dynamo: &Dynamo) -> String {
    let url = serve_on_loopback(dynamodb::router(dynamo.database.clone(), "dynamodb")).await.expect("a free port");
    url + "/dynamodb"
}

/// Stops when dropped.
pub(crate) struct Environment {
    pub(crate) process: Process,
    calls: mpsc::UnboundedSender<Call>,
    pollers: watch::Receiver<usize>,
    _server: JoinSet<()>,
}

impl Environment {
    /// Starts a function's program, with a share of a processor or all of it.
    pub(crate) async fn start(
        programs: &Programs,
        name: &str,
        more: &[(&str, String)],
        share: Option<&CpuShare>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
        let (calls, queue) = mpsc::unbounded_channel();
        let (waiting, pollers) = watch::channel(0);
        let routes = runtime_api::router(queue, 1, waiting);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let program = programs.path(name);
        let mut command = share.map_or_else(|| Command::new(program), |share| share.command(program));
        let process = Process::start(&mut command, &function_variables(name, address, more), Stdio::null());
        Self { process, calls, pollers, _server: server }
    }

    /// Waits until it asks for an event.
    pub(crate) async fn ready(&self) {
        self.pollers.clone().wait_for(|pollers| *pollers == 1).await.unwrap();
    }

    /// A request of a user, and the answer.
    pub(crate) async fn invoke(&self, method: &str, path: &str, body: &Value) -> Received {
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
            "httpMethod": method,
            "headers": {},
            "multiValueHeaders": headers,
            "requestContext": { "stage": "prod", "httpMethod": method, "identity": { "sourceIp": "192.0.2.1" } },
            "body": body.to_string(),
            "isBase64Encoded": false,
        });
        self.hand(&event).await
    }

    /// An event, and the answer as the function sends it.
    pub(crate) async fn hand(&self, event: &Value) -> Received {
        let (reply, replied) = oneshot::channel();
        let call = Call {
            id: "00000000-0000-4000-8000-000000000001".to_owned(),
            event: event.to_string(),
            deadline: Clock::system().now() + Duration::from_secs(60),
            function_arn: "arn:aws:lambda:eu-central-1:123456789012:function:chat".to_owned(),
            reply,
        };
        self.calls.send(call).unwrap_or_else(|_| panic!("the Runtime API runs"));
        let mut received = Received::default();
        match replied.await.unwrap() {
            Reply::Streamed(mut chunks) => {
                while let Some(chunk) = chunks.recv().await {
                    received.push(&chunk.unwrap());
                }
            }
            Reply::Buffered(whole) => received.push(&whole),
            Reply::Failed(report) | Reply::NotStarted(report) => panic!("{report}"),
        }
        received
    }
}
