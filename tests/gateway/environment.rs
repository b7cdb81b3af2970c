//! One process of a function.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use axum::http::StatusCode;
use axum::serve::ListenerExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Function;
use super::binaries::binary;
use super::runtime_api::{self, Call, Reply};

/// How long API Gateway waits for an answer to begin, its default.
pub(crate) const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// The process and the Runtime API that it talks to.
pub(crate) struct Environment {
    /// Its place in the order of the function's environments.
    pub(crate) ordinal: usize,
    calls: mpsc::UnboundedSender<Call>,
    /// How many of its pollers wait for an event.
    pollers: watch::Receiver<usize>,
    /// How the process ended.
    end: watch::Receiver<Option<String>>,
    /// The process and the Runtime API.
    _tasks: JoinSet<()>,
}

/// An invocation that the environment gave no reply to; the environment is lost.
pub(crate) struct Lost {
    /// What API Gateway answers.
    pub(crate) status: StatusCode,
    /// What happened.
    pub(crate) reason: String,
}

impl Environment {
    /// Starts the function's program with the variables that Lambda sets and its own, and with no others.
    pub(crate) async fn start(function: &Function, ordinal: usize, output: File) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).expect("a connected socket"));
        let (calls, queue) = mpsc::unbounded_channel();
        let (waiting, pollers) = watch::channel(0);
        let runtime_api = runtime_api::router(queue, function.concurrency, waiting);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            axum::serve(listener, runtime_api).await.expect("the Runtime API runs until it is dropped");
        });
        let mut process = Command::new(binary(function.binary))
            .env_clear()
            .envs(lambda_variables(function.binary, address))
            .envs((function.concurrency > 1).then(|| ("AWS_LAMBDA_MAX_CONCURRENCY", function.concurrency.to_string())))
            .envs(function.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("an open file"))
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .expect("a built program starts");
        let (ended, end) = watch::channel(None);
        tasks.spawn(async move {
            let status = process.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
            ended.send_replace(Some(status));
        });
        Self { ordinal, calls, pollers, end, _tasks: tasks }
    }

    /// Whether the process is still there.
    pub(crate) fn is_alive(&self) -> bool {
        self.end.borrow().is_none()
    }

    /// Waits until as many of its pollers wait for an event.
    pub(crate) async fn wait_for_pollers(&self, count: usize) {
        self.pollers.clone().wait_for(|pollers| *pollers == count).await.expect("the Runtime API is there");
    }

    /// Hands an event to the function and waits until its reply begins.
    pub(crate) async fn invoke(
        &self,
        function: &Function,
        id: &str,
        event: &Value,
        deadline: Timestamp,
    ) -> Result<Reply, Lost> {
        let (reply, replied) = oneshot::channel();
        let function_arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{}", function.binary);
        let call = Call { id: id.to_owned(), event: event.to_string(), deadline, function_arn, reply };
        // The other end closes with the process, which is watched below.
        let _ = self.calls.send(call);
        let mut end = self.end.clone();
        tokio::select! {
            biased;
            reply = timeout(INTEGRATION_TIMEOUT, replied) => match reply {
                Ok(Ok(reply)) => Ok(reply),
                Ok(Err(_)) => {
                    Err(lost(StatusCode::BAD_GATEWAY, "the runtime asked for the next event without replying"))
                }
                Err(_) => Err(lost(StatusCode::GATEWAY_TIMEOUT, "the function took too long")),
            },
            status = end.wait_for(Option::is_some) => {
                let status = status.expect("the process is watched").clone().unwrap_or_default();
                Err(lost(StatusCode::BAD_GATEWAY, &format!("the process ended: {status}")))
            }
        }
    }
}

fn lost(status: StatusCode, reason: &str) -> Lost {
    Lost { status, reason: reason.to_owned() }
}

/// What Lambda puts into the environment of every function, and the one variable of `template.yaml` without which no
/// route would be found.
fn lambda_variables(function: &str, runtime_api: SocketAddr) -> [(&'static str, String); 15] {
    [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/20/[$LATEST]0123456789abcdef".to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        ("AWS_SESSION_TOKEN", "session-token-of-the-test-gateway".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
}
