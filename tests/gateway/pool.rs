//! All environments of a function.

use std::fs::OpenOptions;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use chatkit_shared::clock::Clock;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::environment::{Environment, INTEGRATION_TIMEOUT};
use super::runtime_api::Reply;
use super::{Function, Transfer, answer};
use crate::harness::journal::Journal;

/// The concurrency reserved for a function: more requests at once than that wait.
const MOST_ENVIRONMENTS: usize = 8;

/// One invocation of a function, as Lambda saw it.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// Which of the function's environments it ran in, counted from 0 in the order they were started.
    pub(crate) environment: usize,
    /// The event.
    pub(crate) event: Value,
    /// When the function has to have answered.
    pub(crate) deadline: Timestamp,
    /// The bytes that the runtime posted, a streamed answer's in the chunks it was written in.
    pub(crate) chunks: Vec<Bytes>,
    /// Why the client was not given the function's answer.
    pub(crate) failure: Option<String>,
}

/// A function, its processes and what they did.
pub(crate) struct Pool {
    function: Function,
    permits: Semaphore,
    /// The environments that wait for work, each as often as it may be given a request.
    idle: Mutex<Vec<Arc<Environment>>>,
    started: AtomicUsize,
    pub(crate) invocations: Journal<Invocation>,
    output: NamedTempFile,
}

impl Pool {
    pub(crate) fn new(function: Function) -> Self {
        Self {
            permits: Semaphore::new(MOST_ENVIRONMENTS * function.concurrency),
            function,
            idle: Mutex::default(),
            started: AtomicUsize::new(0),
            invocations: Journal::default(),
            output: NamedTempFile::new().expect("a place for the output"),
        }
    }

    pub(crate) const fn function(&self) -> &Function {
        &self.function
    }

    pub(crate) fn environments(&self) -> Vec<usize> {
        let mut counts = vec![0; self.started.load(Ordering::SeqCst)];
        for invocation in self.invocations.entries() {
            counts[invocation.environment] += 1;
        }
        counts
    }

    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(self.output.path()).expect("the functions print text")
    }

    /// An environment that waits for work.
    pub(crate) fn idle(&self) -> Arc<Environment> {
        self.idle.lock().unwrap().last().expect("an environment that was started before").clone()
    }

    /// Runs one invocation to its end, whether or not anyone still waits for the answer.
    pub(crate) async fn invoke(self: Arc<Self>, id: String, event: Value, answer: oneshot::Sender<Response>) {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let environment = self.environment().await;
        let deadline = Clock::system().now() + INTEGRATION_TIMEOUT;
        let record = Record::new(&self, environment.ordinal, event.clone(), deadline);
        let reply = match environment.invoke(&self.function, &id, &event, deadline).await {
            Ok(reply) => reply,
            Err(lost) => {
                let _ = answer.send(record.fail(lost.status, lost.reason));
                return;
            }
        };
        let response = match (reply, self.function.transfer) {
            (Reply::Streamed(chunks), Transfer::Streamed) => {
                return self.stream(environment, record, chunks, answer).await;
            }
            (Reply::Streamed(mut chunks), Transfer::Buffered | Transfer::Event) => {
                while chunks.recv().await.is_some() {}
                record.bad_gateway("a streamed answer to a buffered invocation".to_owned())
            }
            (Reply::Buffered(body), Transfer::Event) => {
                record.chunk(&body);
                Response::new(Body::from(body))
            }
            (Reply::Buffered(body), Transfer::Buffered) => {
                record.chunk(&body);
                answer::buffered(&body).unwrap_or_else(|reason| record.bad_gateway(reason))
            }
            (Reply::Buffered(_), Transfer::Streamed) => {
                record.bad_gateway("a buffered answer to a streamed invocation".to_owned())
            }
            (Reply::Failed(report), _) => record.bad_gateway(report),
            (Reply::NotStarted(report), _) => {
                let _ = answer.send(record.bad_gateway(report));
                return;
            }
        };
        // Before the answer, so that the client's next request finds it.
        self.release(environment);
        let _ = answer.send(response);
    }

    /// Passes a streamed answer on, chunk by chunk. A client that leaves does not end it.
    async fn stream(
        &self,
        environment: Arc<Environment>,
        record: Record<'_>,
        mut chunks: mpsc::UnboundedReceiver<io::Result<Bytes>>,
        answer: oneshot::Sender<Response>,
    ) {
        let (client, body) = mpsc::unbounded_channel();
        let mut waiting = Some((answer, body));
        let mut received = Vec::new();
        let mut is_whole = true;
        while let Some(chunk) = chunks.recv().await {
            is_whole = chunk.is_ok();
            if let Ok(chunk) = &chunk {
                record.chunk(chunk);
            }
            let Some((answer, body)) = waiting.take() else {
                let _ = client.send(chunk);
                continue;
            };
            received.extend_from_slice(&chunk.unwrap_or_default());
            match answer::streamed(&received) {
                Ok(None) => waiting = Some((answer, body)),
                Ok(Some((head, start))) => {
                    let response = head.body(Body::from_stream(UnboundedReceiverStream::new(body)));
                    let _ = answer.send(response.unwrap_or_else(|error| record.bad_gateway(error.to_string())));
                    if start < received.len() {
                        let _ = client.send(Ok(received.split_off(start).into()));
                    }
                }
                Err(reason) => {
                    let _ = answer.send(record.bad_gateway(reason));
                }
            }
        }
        if let Some((answer, _)) = waiting {
            let _ = answer.send(record.bad_gateway("the answer ended before its delimiter".to_owned()));
        }
        if is_whole {
            self.release(environment);
        }
        // The end of the body is the last thing that the client sees.
        drop(client);
    }

    /// An environment that waits for work, or a new one.
    async fn environment(&self) -> Arc<Environment> {
        while let Some(environment) = self.pop() {
            if environment.is_alive() {
                return environment;
            }
        }
        let output = OpenOptions::new().append(true).open(self.output.path()).expect("the output's file is there");
        let ordinal = self.started.fetch_add(1, Ordering::SeqCst);
        let environment = Arc::new(Environment::start(&self.function, ordinal, output).await);
        for _ in 1..self.function.concurrency {
            self.release(Arc::clone(&environment));
        }
        environment
    }

    fn pop(&self) -> Option<Arc<Environment>> {
        self.idle.lock().unwrap().pop()
    }

    fn release(&self, environment: Arc<Environment>) {
        self.idle.lock().unwrap().push(environment);
    }
}

/// The entry of a running invocation in its pool's list.
struct Record<'a> {
    pool: &'a Pool,
    index: usize,
}

impl<'a> Record<'a> {
    fn new(pool: &'a Pool, environment: usize, event: Value, deadline: Timestamp) -> Self {
        let invocation = Invocation { environment, event, deadline, chunks: Vec::new(), failure: None };
        let index = pool.invocations.change(|invocations| {
            invocations.push(invocation);
            invocations.len() - 1
        });
        Self { pool, index }
    }

    fn chunk(&self, chunk: &Bytes) {
        self.pool.invocations.change(|invocations| invocations[self.index].chunks.push(chunk.clone()));
    }

    /// Notes the reason and gives what API Gateway answers in place of the function, which tells the client nothing.
    fn fail(&self, status: StatusCode, reason: String) -> Response {
        self.pool.invocations.change(|invocations| invocations[self.index].failure = Some(reason));
        answer::refusal(status, "Internal server error")
    }

    fn bad_gateway(&self, reason: String) -> Response {
        self.fail(StatusCode::BAD_GATEWAY, reason)
    }
}

/// The id of the next request, in the form of AWS.
pub(crate) fn next_request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("00000000-0000-4000-8000-{:012x}", NEXT.fetch_add(1, Ordering::Relaxed))
}
