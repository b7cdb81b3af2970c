//! DynamoDB for tests: the embedded emulator behind a proxy that meters it and makes it fail.

mod meter;
mod trap;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::serve::ListenerExt;
use chatkit_local::dynamodb::answer;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::store::{
    Budgets, Claims, Connections, DynamoDb, Sessions, Settings, Store, TableNames, create_missing,
};
use dynoxide::Database;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OnceCell, watch};
use tokio::task::yield_now;

use self::meter::Call;
pub(crate) use self::meter::Meter;
use self::trap::{Pending, Trap};
use super::journal;
use super::model::Gate;
use super::outside::outside;

/// A DynamoDB of its own, in memory, with the tables. It ends with the runtime of the test.
#[derive(Clone)]
pub(crate) struct Dynamo {
    url: String,
    pub(crate) database: Database,
    pub(crate) proxy: Arc<Proxy>,
}

/// What is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A throttled request, as DynamoDB refuses it.
    Throttle,
    /// A 500 of DynamoDB.
    ServerError,
    /// Another write was under way on one of its records.
    Conflict,
    /// The connection breaks before the request is carried out.
    CutBefore,
    /// The connection breaks after the request was carried out, before the answer.
    CutAfter,
}

pub(crate) struct Proxy {
    database: Database,
    ticks: AtomicU64,
    lockstep: AtomicBool,
    /// How many requests wait to be carried out together.
    waiting: AtomicUsize,
    /// Lets them go.
    together: Notify,
    calls: Mutex<Vec<Call>>,
    /// Says that a request was carried out.
    changes: watch::Sender<()>,
    faults: Mutex<Vec<Planned>>,
    held: Mutex<Vec<Held>>,
    trap: Trap,
    pending: Pending,
}

/// A request that waits for the test before it is carried out.
#[derive(Clone)]
pub(crate) struct Held {
    operation: &'static str,
    containing: &'static str,
    /// Opened when the request is here.
    pub(crate) arrived: Gate,
    /// Opened by the test.
    pub(crate) released: Gate,
}

struct Planned {
    operation: String,
    containing: String,
    fault: Fault,
    left: u32,
}

impl Dynamo {
    /// Starts the emulator with a copy of the tables, which are created once for all tests.
    pub(crate) async fn start() -> Self {
        let database = Database::memory().unwrap();
        database.restore_from(&Self::tables().await).unwrap();
        Self::of(database).await
    }

    /// The file of a database with empty tables, which is made once for all tests.
    pub(crate) async fn tables() -> String {
        static TABLES: OnceCell<String> = OnceCell::const_new();
        TABLES.get_or_init(Self::create_tables).await.clone()
    }

    async fn create_tables() -> String {
        let dynamo = Self::of(Database::memory().unwrap()).await;
        let names = TableNames::from_env(&dynamo.env()).unwrap();
        let names = TableNames { settings: Some("settings".to_owned()), ..names };
        create_missing(&dynamo.handle(), &names).await.unwrap();
        let folder = env!("CARGO_TARGET_TMPDIR");
        let (own, shared) = (format!("{folder}/{}.sqlite", std::process::id()), format!("{folder}/tables.sqlite"));
        dynamo.database.vacuum_into(&own).unwrap();
        // In one step, as another test process may be at it, too.
        std::fs::rename(own, &shared).unwrap();
        shared
    }

    async fn of(database: Database) -> Self {
        let proxy = Arc::new(Proxy::new(database.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let router = Router::new().fallback(forward).with_state(Arc::clone(&proxy));
        background(async { axum::serve(listener, router).await.unwrap() });
        Self { url, database, proxy }
    }

    /// The variables that lead to it.
    pub(crate) fn env(&self) -> Env {
        Env::from_iter([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.url.as_str()),
            ("TABLE_THREADS", "threads"),
            ("TABLE_COUNTERS", "counters"),
            ("TABLE_USAGE", "usage"),
        ])
    }

    /// A handle of its own, as each process has one.
    pub(crate) fn handle(&self) -> DynamoDb {
        outside(&self.env(), &Clock::system()).dynamodb
    }

    pub(crate) fn store(&self) -> Store {
        Store::from_env(&self.handle(), &self.env()).unwrap()
    }

    pub(crate) fn budgets(&self) -> Budgets {
        self.store().budgets
    }

    pub(crate) fn sessions(&self) -> Sessions {
        Sessions::from_env(&self.handle(), &self.env()).unwrap()
    }

    pub(crate) fn connections(&self) -> Connections {
        Connections::from_env(&self.handle(), &self.env()).unwrap()
    }

    /// The settings of tenants, whose table only tests of them give to the functions.
    pub(crate) fn settings(&self) -> Settings {
        let mut env = self.env();
        env.set("TABLE_SETTINGS", "settings");
        Settings::from_env(&self.handle(), &env).unwrap().unwrap()
    }

    pub(crate) fn claims(&self) -> Claims {
        Claims::from_env(&self.handle(), &self.env()).unwrap()
    }

    /// The raw records of a table, in no order.
    pub(crate) fn records(&self, table: &str) -> Vec<Value> {
        let scan = serde_json::from_value(serde_json::json!({ "TableName": table })).unwrap();
        let answer = serde_json::to_value(self.database.scan(scan).unwrap()).unwrap();
        answer["Items"].as_array().unwrap().clone()
    }

    /// Writes a raw record.
    pub(crate) fn put(&self, table: &str, record: &Value) {
        let put = serde_json::json!({ "TableName": table, "Item": record });
        self.database.put_item(serde_json::from_value(put).unwrap()).unwrap();
    }

    /// Sets an attribute of every record under a prefix to a string.
    pub(crate) fn set(&self, table: &str, prefix: &str, attribute: &str, value: &str) {
        for mut record in self.records(table) {
            if record["sk"]["S"].as_str().unwrap().starts_with(prefix) {
                record[attribute] = serde_json::json!({ "S": value });
                self.put(table, &record);
            }
        }
    }

    /// A table's setting for records that expire.
    pub(crate) fn time_to_live(&self, table: &str) -> Value {
        let request = serde_json::from_value(serde_json::json!({ "TableName": table })).unwrap();
        let answer = serde_json::to_value(self.database.describe_time_to_live(request).unwrap()).unwrap();
        answer["TimeToLiveDescription"].clone()
    }

    /// Makes the next `times` requests of an operation fail whose body contains a text (any with an empty one).
    pub(crate) fn fail(&self, operation: &str, containing: &str, fault: Fault, times: u32) {
        let planned =
            Planned { operation: operation.to_owned(), containing: containing.to_owned(), fault, left: times };
        self.proxy.faults.lock().unwrap().push(planned);
    }

    /// How many of the planned faults have not happened.
    pub(crate) fn faults_left(&self) -> u32 {
        self.proxy.faults.lock().unwrap().iter().map(|planned| planned.left).sum()
    }

    /// Holds the next request of an operation whose body contains a text.
    pub(crate) fn hold(&self, operation: &'static str, containing: &'static str) -> Held {
        self.hold_at(operation, containing, Gate::closed(), Gate::closed())
    }

    /// As [`Dynamo::hold`], with gates that are there already.
    pub(crate) fn hold_at(
        &self,
        operation: &'static str,
        containing: &'static str,
        arrived: Gate,
        released: Gate,
    ) -> Held {
        let held = Held { operation, containing, arrived, released };
        self.proxy.held.lock().unwrap().push(held.clone());
        held
    }

    /// From now on, or no longer, requests are carried out together that do not depend on one another: each waits
    /// until the code under test sends no more. So [`Meter::round_trips`] counts what depends on what, however fast the
    /// machine is. For tests on one thread.
    pub(crate) fn lockstep(&self, lockstep: bool) {
        self.proxy.lockstep.store(lockstep, Ordering::SeqCst);
    }

    /// Waits until the records of a table are as they should be; looks at them after each request.
    pub(crate) async fn until(&self, table: &str, holds: impl Fn(&[Value]) -> bool) {
        let shown = || format!("{:#?}", self.records(table));
        journal::until(&self.proxy.changes, || holds(&self.records(table)), shown).await;
    }

    /// What has ended by now since the last call of [`Dynamo::reset`].
    pub(crate) fn meter(&self) -> Meter {
        Meter { calls: self.proxy.calls.lock().unwrap().clone() }
    }

    /// What happened since the last call of this. Faults that have not come to pass are forgotten.
    pub(crate) fn reset(&self) -> Meter {
        self.proxy.faults.lock().unwrap().clear();
        Meter { calls: std::mem::take(&mut *self.proxy.calls.lock().unwrap()) }
    }
}

async fn forward(State(proxy): State<Arc<Proxy>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let _pending = proxy.pending.begin();
    respond(&proxy, &headers, &body).await
}

async fn respond(proxy: &Proxy, headers: &HeaderMap, body: &Bytes) -> Response<Body> {
    let began = proxy.ticks.fetch_add(1, Ordering::SeqCst);
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    let body: Value = serde_json::from_slice(body).unwrap();

    if proxy.lockstep.load(Ordering::SeqCst) {
        proxy.wait_for_others().await;
    }
    if let Some(held) = proxy.held(&operation, &body) {
        held.arrived.open();
        held.released.pass().await;
    }
    if let Some((fault, spring)) = proxy.trap.sprung(&operation) {
        if fault == Fault::CutAfter {
            proxy.send(&operation, &body);
        }
        spring();
        return cut();
    }
    let fault = proxy.fault(&operation, &body);
    let (status, answer) = match fault {
        Some(Fault::Throttle) => (StatusCode::BAD_REQUEST, refusal("ProvisionedThroughputExceededException")),
        Some(Fault::ServerError) => (StatusCode::INTERNAL_SERVER_ERROR, refusal("InternalServerError")),
        Some(Fault::Conflict) => (StatusCode::BAD_REQUEST, conflict(&body)),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::CutAfter) | None => {
            let (status, answer) = proxy.send(&operation, &body);
            let ended = proxy.ticks.fetch_add(1, Ordering::SeqCst);
            let units = units(&answer);
            proxy.calls.lock().unwrap().push(Call { operation, body, units, began, ended });
            proxy.changes.send_replace(());
            if fault.is_some() {
                return cut();
            }
            (status, answer)
        }
    };
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(Body::from(answer.to_string()))
        .unwrap()
}

impl Proxy {
    fn new(database: Database) -> Self {
        Self {
            database,
            ticks: AtomicU64::default(),
            lockstep: AtomicBool::default(),
            waiting: AtomicUsize::default(),
            together: Notify::default(),
            calls: Mutex::default(),
            changes: watch::Sender::default(),
            faults: Mutex::default(),
            held: Mutex::default(),
            trap: Trap::default(),
            pending: Pending::default(),
        }
    }

    /// Waits until nothing else on this thread has anything to do but wait for an answer of ours.
    async fn wait_for_others(&self) {
        /// How often everything else is given its turn, and the sockets are looked at, before it counts as idle.
        const ROUNDS: usize = 200;
        if self.waiting.fetch_add(1, Ordering::SeqCst) > 0 {
            return self.together.notified().await;
        }
        let mut waiting = 0;
        while waiting != self.waiting.load(Ordering::SeqCst) {
            waiting = self.waiting.load(Ordering::SeqCst);
            for _ in 0..ROUNDS {
                yield_now().await;
            }
        }
        self.waiting.store(0, Ordering::SeqCst);
        self.together.notify_waiters();
    }

    fn held(&self, operation: &str, body: &Value) -> Option<Held> {
        let text = body.to_string();
        let mut held = self.held.lock().unwrap();
        let hit = held.iter().position(|held| held.operation == operation && text.contains(held.containing))?;
        Some(held.remove(hit))
    }

    fn fault(&self, operation: &str, body: &Value) -> Option<Fault> {
        let text = body.to_string();
        let mut faults = self.faults.lock().unwrap();
        let hit = faults
            .iter_mut()
            .find(|planned| planned.left > 0 && planned.operation == operation && text.contains(&planned.containing))?;
        hit.left -= 1;
        Some(hit.fault)
    }

    fn send(&self, operation: &str, body: &Value) -> (StatusCode, Value) {
        const METERED: [&str; 7] =
            ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchWriteItem", "TransactWriteItems"];
        let mut body = body.clone();
        if METERED.contains(&operation) {
            body["ReturnConsumedCapacity"] = "TOTAL".into();
        }
        let (status, answer) = answer(&self.database, operation, body.to_string().as_bytes());
        (status, serde_json::from_str(&answer).unwrap())
    }
}

/// The units that an answer names. DynamoDB charges a write whose condition did not hold, by the size of what stands
/// there, and does not say so: that is counted as one unit, as all such records here have less than 1 KB.
fn units(answer: &Value) -> f64 {
    let of_table = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of_table).sum(),
        Value::Null => {
            let kind = answer["__type"].as_str().unwrap_or_default();
            if kind.ends_with("ConditionalCheckFailedException") { 1.0 } else { 0.0 }
        }
        capacity => of_table(capacity),
    }
}

fn refusal(kind: &str) -> Value {
    serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "injected" })
}

/// How a write is refused that meets another; of a transaction's, the last one does.
fn conflict(body: &Value) -> Value {
    let Some(writes) = body["TransactItems"].as_array() else { return refusal("TransactionConflictException") };
    let mut reasons = vec![serde_json::json!({ "Code": "None" }); writes.len() - 1];
    reasons.push(serde_json::json!({ "Code": "TransactionConflict", "Message": "injected" }));
    let mut answer = refusal("TransactionCanceledException");
    answer["CancellationReasons"] = Value::Array(reasons);
    answer
}

/// An answer that breaks the connection in its first bytes.
fn cut() -> Response<Body> {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::builder().header("content-length", 100).body(Body::from_stream(broken)).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the servers of a test end with its runtime")]
fn background(server: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(server);
}
