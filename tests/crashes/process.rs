//! A process with all functions, whose time the test moves, and which it may kill.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::gateway::binaries::binary;
use crate::harness::dynamodb::Dynamo;
use crate::harness::model::Gate;
use crate::harness::page::{Page, Reader};

/// How long a stream may take of the machine's time.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const STEP_MS: u32 = 500;
const SHORT_STEP_MS: u32 = 10;

pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    address: String,
    client: Client,
}

/// What a person asks for, and how often time steps forward meanwhile before the model goes on.
pub(crate) struct Asked<'a> {
    pub(crate) user: &'a str,
    pub(crate) operation: &'a Value,
    pub(crate) last_event_id: Option<&'a str>,
    pub(crate) steps: u32,
    pub(crate) gate: Option<&'a Gate>,
}

/// How a stream ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// None if the process died before it answered.
    pub(crate) status: Option<u16>,
    /// The last position.
    pub(crate) position: Option<String>,
    /// Whether the connection broke.
    pub(crate) broken: bool,
    /// What a refusal said.
    pub(crate) body: String,
}

impl Process {
    pub(crate) fn start(variables: &[(&'static str, String)], began_at: &str) -> Self {
        let mut child = Command::new(binary("process"))
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("BEGAN_AT", began_at)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let client = Client::builder().tcp_nodelay(true).no_proxy().build().unwrap();
        Self { child: Arc::new(Mutex::new(child)), address: address.trim().to_owned(), client }
    }

    /// Does to it what `kill -9` does. It is gone when that returns.
    pub(crate) fn killer(&self) -> impl FnOnce() + Send + 'static {
        let child = Arc::clone(&self.child);
        move || kill(&child)
    }

    pub(crate) async fn now(&self) -> String {
        self.client.get(self.url("/time")).send().await.unwrap().text().await.unwrap()
    }

    /// Lets time pass once nothing waits for the database. A process that is gone has no time.
    pub(crate) async fn pass(&self, dynamo: &Dynamo, milliseconds: u32) {
        while !dynamo.is_idle() {
            yield_now().await;
        }
        let _ = self.client.post(self.url(&format!("/time/{milliseconds}"))).send().await;
    }

    pub(crate) async fn send(&self, method: Method, path: &str, user: &str, body: String) -> (u16, String) {
        let request = self.client.request(method, self.url(path)).header("x-user-id", user);
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// An operation that is answered with one document.
    pub(crate) async fn call(&self, user: &str, operation: &Value) -> Value {
        let (status, body) = self.send(Method::POST, "/chatkit", user, operation.to_string()).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Sends a streaming operation and shows its events to a page, while time passes.
    pub(crate) async fn stream(&self, dynamo: &Dynamo, asked: &Asked<'_>, page: &mut Page) -> Ended {
        let passing = async {
            for _ in 0..asked.steps {
                self.pass(dynamo, STEP_MS).await;
            }
            if let Some(gate) = asked.gate {
                gate.open_for_good();
            }
            // Whatever waits for a while must come to its end, and must not have to give a sign of life for that.
            loop {
                self.pass(dynamo, SHORT_STEP_MS).await;
            }
        };
        let both = async {
            tokio::select! {
                ended = self.read(asked, page) => ended,
                () = passing => Ended::default(),
            }
        };
        let ended = timeout(PATIENCE, both).await;
        ended.unwrap_or_else(|_| panic!("an answer does not end: {}", asked.operation))
    }

    async fn read(&self, asked: &Asked<'_>, page: &mut Page) -> Ended {
        let mut request = self.client.post(self.url("/chatkit")).header("x-user-id", asked.user);
        request = request.header("accept", "text/event-stream").header("content-type", "application/json");
        if let Some(id) = asked.last_event_id {
            request = request.header("last-event-id", id);
        }
        let Ok(response) = request.body(asked.operation.to_string()).send().await else {
            return Ended { broken: true, ..Ended::default() };
        };
        let mut ended = Ended { status: Some(response.status().as_u16()), ..Ended::default() };
        if response.status() != 200 {
            ended.body = response.text().await.unwrap_or_default();
            return ended;
        }
        ended.broken = show(response, page, &mut ended.position).await.is_err();
        ended
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn show(mut response: Response, page: &mut Page, position: &mut Option<String>) -> reqwest::Result<()> {
    let mut reader = Reader::default();
    while let Some(bytes) = response.chunk().await? {
        for streamed in reader.read(&bytes) {
            page.show(&streamed.event).unwrap_or_else(|what| panic!("{what}, in {:#?}", page.items));
            if streamed.id.is_some() {
                *position = streamed.id;
            }
        }
    }
    Ok(())
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap();
    let _ = child.kill();
    let _ = child.wait();
}

impl Drop for Process {
    fn drop(&mut self) {
        kill(&self.child);
    }
}
