//! S3 for tests: the embedded one of the local server, behind a proxy that makes it fail.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::serve::ListenerExt;
use chatkit_local::objects::{BUCKET, Folder, KEY_ID, router};
use chatkit_shared::clock::Clock;
use http::{Method, Response, StatusCode};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// When a test's clock has to stand. The embedded S3 also looks at the machine's clock, and only takes what was signed
/// later than that.
pub(crate) const NOW: &str = "2100-01-01T12:00:00Z";

const SECRET: &str = "the secret of the bucket";

/// A bucket of its own. It ends with the runtime of the test.
pub(crate) struct Objects {
    pub(crate) url: String,
    folder: TempDir,
    proxy: Proxy,
}

#[derive(Clone, Default)]
struct Proxy(Arc<Mutex<Traffic>>);

#[derive(Default)]
struct Traffic {
    requests: Vec<String>,
    faults: Vec<Fault>,
}

struct Fault {
    request: String,
    answer: Failure,
    left: u32,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An answer with this status.
    Status(u16),
    /// A copy that fails after its status was sent.
    Late,
}

impl Objects {
    /// Starts it, for the variables of [`Self::env`].
    pub(crate) async fn start(clock: &Clock) -> Self {
        let folder = TempDir::new().unwrap();
        let proxy = Proxy::default();
        let service = router(Folder::open(Some(folder.path())).unwrap(), SECRET, &[], clock.clone()).unwrap();
        let service = service.layer(from_fn_with_state(proxy.clone(), pass));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        background(async { axum::serve(listener, service).await.unwrap() });
        Self { url, folder, proxy }
    }

    /// The variables that lead to it.
    pub(crate) fn env(&self) -> [(&'static str, &str); 4] {
        [
            ("FILES_BUCKET", BUCKET),
            ("AWS_ENDPOINT_URL_S3", &self.url),
            ("FILES_ACCESS_KEY_ID", KEY_ID),
            ("FILES_SECRET_ACCESS_KEY", SECRET),
        ]
    }

    /// Makes the next `times` requests fail whose method and path contain a text, as in `PUT /files/uploads`.
    pub(crate) fn fail(&self, request: &str, answer: Failure, times: u32) {
        let fault = Fault { request: request.to_owned(), answer, left: times };
        self.proxy.0.lock().unwrap().faults.push(fault);
    }

    /// Method and path of each request since the last call of this, in order, as in `GET files/…`.
    pub(crate) fn reset(&self) -> Vec<String> {
        let mut traffic = self.proxy.0.lock().unwrap();
        traffic.faults.clear();
        std::mem::take(&mut traffic.requests)
    }

    /// What was asked so far is forgotten, faults stay.
    pub(crate) fn reset_requests(&self) {
        self.proxy.0.lock().unwrap().requests.clear();
    }

    /// The keys of all objects, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let root = self.folder.path().join("objects").join(BUCKET);
        let mut keys = Vec::new();
        walk(&root, &root, &mut keys);
        keys.sort();
        keys
    }
}

fn walk(root: &Path, folder: &Path, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, keys);
        } else {
            keys.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

impl Proxy {
    /// Notes a request, and says what is to go wrong with it.
    fn note(&self, method: &Method, path: &str) -> Option<Failure> {
        let request = format!("{method} {}", path.trim_start_matches(&format!("/{BUCKET}/")));
        let mut traffic = self.0.lock().unwrap();
        let hit = traffic.faults.iter_mut().find(|fault| fault.left > 0 && request.contains(&fault.request));
        let failure = hit.map(|fault| {
            fault.left -= 1;
            fault.answer
        });
        traffic.requests.push(request);
        failure
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request, next: Next) -> Response<Body> {
    match proxy.note(request.method(), request.uri().path()) {
        None => next.run(request).await,
        Some(Failure::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap();
            Response::builder().status(status).body(Body::from("<Error><Code>Injected</Code></Error>")).unwrap()
        }
        Some(Failure::Late) => {
            Response::new(Body::from("<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the servers of a test end with its runtime")]
fn background(server: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(server);
}
