//! What all instances share, and the instances.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::serve::ListenerExt;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::identity::VisitorCookie;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Setup;
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use super::dice::Dice;
use super::edge;
use super::sabotage::Sabotage;
use super::tab::Outcome;
use super::time::Activity;
use crate::harness::app::NOW;
use crate::harness::site::SIGNING_SECRET;

pub(super) struct World {
    pub(super) database: Database,
    pub(super) activity: Activity,
    pub(super) clock: Clock,
    pub(super) began: Instant,
    pub(super) instances: Mutex<Vec<Arc<Instance>>>,
    pub(super) instance_dice: Dice,
    pub(super) database_dice: Dice,
    pub(super) model_dice: Dice,
    pub(super) site_dice: Dice,
    /// How much goes wrong: none in a calm world, and at the end in any.
    pub(super) is_calm: AtomicBool,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) journal: Mutex<Journal>,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// What broke a promise.
    pub(super) violations: Vec<String>,
    /// For people, in order.
    pub(super) lines: Vec<String>,
    /// The ids under which the site's endpoint was called, by what the call was about.
    pub(super) calls: BTreeMap<String, Vec<String>>,
    /// Requests to the model, and the tokens that it counted and said.
    pub(super) asked: u64,
    pub(super) counted: Vec<u64>,
    /// How often each message was sent without a position.
    pub(super) sent: BTreeMap<String, u32>,
    pub(super) threads: BTreeMap<String, Touched>,
    /// The usage records that could not be written, and how often, by their sort keys.
    pub(super) refused_usage: BTreeMap<String, (u32, Value)>,
}

/// What is done in a thread.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touched {
    /// Operations begun.
    pub(super) begun: u64,
    /// Operations under way.
    pub(super) active: u64,
    /// How many operations had begun when a run was left behind that may go on, and that no page follows.
    pub(super) loose_since: Option<u64>,
    pub(super) is_deleted: bool,
}

impl Touched {
    pub(super) const fn is_loose(&self) -> bool {
        self.loose_since.is_some()
    }

    /// Notes how an operation ended for its page. It was the `number`th that began.
    pub(super) fn end(&mut self, outcome: &Outcome, number: u64) {
        self.active -= 1;
        if *outcome == Outcome::Loose {
            self.loose_since.get_or_insert(number);
        }
    }
}

/// A process of the functions. What makes it one: nothing of it gets out after its end.
pub(super) struct Instance {
    pub(super) number: usize,
    pub(super) router: Router,
    pub(super) ended: watch::Sender<bool>,
}

impl Instance {
    /// When it ends.
    pub(super) async fn end(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    pub(super) fn is_alive(&self) -> bool {
        !*self.ended.borrow()
    }
}

impl World {
    pub(super) fn new(database: Database, activity: Activity, dice: &Dice, sabotage: Option<Sabotage>) -> Arc<Self> {
        let began = Instant::now();
        let start: jiff::Timestamp = NOW.parse().unwrap();
        let is_calm = dice.percent(25);
        Arc::new(Self {
            database,
            activity,
            clock: Clock::from_fn(move || start + began.elapsed()),
            began,
            instances: Mutex::default(),
            instance_dice: dice.apart(),
            database_dice: dice.apart(),
            model_dice: dice.apart(),
            site_dice: dice.apart(),
            is_calm: AtomicBool::new(is_calm),
            sabotage,
            journal: Mutex::default(),
        })
    }

    pub(super) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    /// Notes what happens, with the time.
    pub(super) fn say(&self, line: impl Into<String>) {
        let at = self.began.elapsed();
        self.journal.lock().unwrap().lines.push(format!("{:8.3} {}", at.as_secs_f64(), line.into()));
    }

    /// Notes that a thread has begun in an operation that is under way.
    pub(super) fn begin_thread(&self, thread_id: &str) {
        let touched = Touched { begun: 1, active: 1, ..Touched::default() };
        self.journal.lock().unwrap().threads.insert(thread_id.to_owned(), touched);
    }

    /// Notes what is done in a thread; what is known of it then. Of one that no page has seen begin, a run may go on.
    pub(super) fn touch(&self, thread_id: &str, change: impl FnOnce(&mut Touched)) -> Touched {
        let mut journal = self.journal.lock().unwrap();
        let unseen = Touched { loose_since: Some(0), ..Touched::default() };
        let touched = journal.threads.entry(thread_id.to_owned()).or_insert(unseen);
        change(touched);
        *touched
    }

    /// Notes that a write is refused, if it is one of a usage record.
    pub(super) fn note_refusal(&self, operation: &str, request: &Value) {
        if operation == "PutItem" && request["TableName"] == "usage" {
            let key = request["Item"]["sk"]["S"].as_str().unwrap().to_owned();
            let mut journal = self.journal.lock().unwrap();
            let (times, record) = journal.refused_usage.entry(key).or_default();
            *times += 1;
            *record = request["Item"].clone();
        }
    }

    /// Notes a broken promise.
    pub(super) fn blame(&self, what: impl Into<String>) {
        let what = what.into();
        self.say(format!("VIOLATION: {what}"));
        self.journal.lock().unwrap().violations.push(what);
    }

    /// Starts another process.
    pub(super) async fn start_instance(self: &Arc<Self>) {
        let number = self.instances.lock().unwrap().len();
        let (ended, ends) = watch::channel(false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let router = edge::router(Arc::clone(self), ends);
        #[expect(clippy::disallowed_methods, reason = "a server beside the test")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let ids = Ids::seeded(self.clock.clone(), self.instance_dice.next());
        let setup =
            Setup { env: env(&url), clock: self.clock.clone(), ids, cookie: VisitorCookie::CrossSite, dynamodb: None };
        let router = chatkit_chat::router(chatkit_chat::App::from_setup(&setup).unwrap());
        self.instances.lock().unwrap().push(Arc::new(Instance { number, router, ended }));
        self.say(format!("instance {number} starts"));
    }

    /// Ends one process of those that are alive.
    pub(super) fn end_instance(&self) {
        let alive = self.alive();
        if let Some(instance) = self.instance_dice.one_of(&alive) {
            self.say(format!("instance {} dies", instance.number));
            instance.ended.send_replace(true);
        }
    }

    fn alive(&self) -> Vec<Arc<Instance>> {
        self.instances.lock().unwrap().iter().filter(|instance| instance.is_alive()).cloned().collect()
    }

    /// Where a request goes.
    pub(super) fn instance(&self, dice: &Dice) -> Option<Arc<Instance>> {
        dice.one_of(&self.alive()).cloned()
    }

    /// The raw records of a table.
    pub(super) fn records(&self, table: &str) -> Vec<Value> {
        let scan = serde_json::from_value(json!({ "TableName": table })).unwrap();
        let answer = serde_json::to_value(self.database.scan(scan).unwrap()).unwrap();
        answer["Items"].as_array().unwrap().clone()
    }
}

fn env(url: &str) -> Env {
    let function = |name: &str, run: Value| {
        let parameters = json!({ "type": "object", "properties": {}, "additionalProperties": true });
        json!({ "type": "function", "name": name, "description": name, "parameters": parameters, "run": run })
    };
    let endpoint = json!({ "url": format!("{url}/tools") });
    let tools = [
        function("find_order", endpoint.clone()),
        function("find_stock", endpoint.clone()),
        function("get_selection", json!("client")),
    ];
    let assistant = json!({ "tools": tools, "actions": endpoint }).to_string();
    let model = format!("{url}/v1");
    Env::from_iter([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
        ("TABLE_THREADS", "threads"),
        ("TABLE_COUNTERS", "counters"),
        ("TABLE_USAGE", "usage"),
        ("OPENAI_BASE_URL", &model),
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
        ("JWT_SECRET", "another secret of more than thirty-two bytes"),
        ("AUTH_MODE", "jwt,anonymous"),
        ("MODEL", "test-model"),
        ("ASSISTANT", &assistant),
        ("TOOL_SIGNING_SECRET", SIGNING_SECRET),
        ("LIMIT_USER_TURNS_PER_MINUTE", "0"),
        ("LIMIT_USER_REQUESTS_PER_MINUTE", "0"),
        ("LIMIT_USER_TOKENS_PER_HOUR", "100000000"),
    ])
}
