//! From the start of a function's process to its first request for work, and the first two requests that it answers, as
//! far as a machine without AWS can show it: DynamoDB and the model are on loopback, without TLS, and the secrets are
//! variables.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cpu_share::CpuShare;
use crate::environment::{Environment, serve_database};
use crate::figure::{Figure, quantile};
use crate::harness::app::create;
use crate::harness::dynamodb::Dynamo;
use crate::model::{Model, Script};
use crate::programs::{FUNCTIONS, Programs};

const ROUNDS: usize = 20;
const MOST: f64 = 2.5;
/// The size of function whose share of a processor is measured, too.
const MEGABYTES: u32 = 256;
const SCRIPT: Script = Script { words: 5, pause: Duration::ZERO };

/// Milliseconds of one function's starts.
#[derive(Default)]
struct Times {
    next: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

/// The starts as figures, with their bound.
pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let mut starts = rounds(programs, None).await;
    let hello = quantile(&mut starts[0].1.next, 0.5);
    let figures = starts.iter_mut().map(|(name, times)| {
        let (median, least) = (quantile(&mut times.next, 0.5), quantile(&mut times.next, 0.0));
        let value = format!("{median:.1} ms (least {least:.1})");
        let figure = Figure::new(format!("cold start of `{name}`, median of {ROUNDS}"), value);
        let ratio = median / hello;
        if *name == "hello" { figure } else { figure.bound(format!("≤ {MOST} × hello ({ratio:.2})"), ratio <= MOST) }
    });
    figures.collect()
}

/// The starts and the first two requests as Markdown, with a whole processor and with a small function's share.
pub(crate) async fn print_tables(programs: &Programs) {
    print_table("a whole processor", &mut rounds(programs, None).await);
    match CpuShare::of(MEGABYTES) {
        Some(share) => {
            let title =
                format!("the share of a processor that {MEGABYTES} MB get, in INIT too, where Lambda gives more");
            print_table(&title, &mut rounds(programs, Some(&share)).await);
        }
        None => {
            println!("\nNot measured with the share of {MEGABYTES} MB: this needs root and control groups for CPUs.")
        }
    }
}

fn print_table(title: &str, starts: &mut [(&str, Times)]) {
    println!("\nMedian milliseconds of {ROUNDS} starts, {title}:\n");
    println!("| function | start to first `next` | × `hello` | first request | second request |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let hello = quantile(&mut starts[0].1.next, 0.5);
    for (name, times) in starts {
        let [next, first, second] = [&mut times.next, &mut times.first, &mut times.second].map(|it| quantile(it, 0.5));
        println!("| `{name}` | {next:.1} | {:.2} | {first:.1} | {second:.1} |", next / hello);
    }
}

/// Starts each program in turn, so that whatever else the machine does disturbs all of them alike. The first round
/// warms the disk's cache.
async fn rounds(programs: &Programs, share: Option<&CpuShare>) -> Vec<(&'static str, Times)> {
    let dynamo = Dynamo::start().await;
    let model = Model::start(SCRIPT, Instant::now()).await;
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", serve_database(&dynamo).await),
        ("OPENAI_BASE_URL", model.url.clone()),
        // Nothing is posted there, and no connection is ever closed.
        ("SOCKET_URL", "http://127.0.0.1:9".to_owned()),
        ("LIMIT_USER_CONNECTIONS", "1000".to_owned()),
    ];
    let connect = connect(programs, &variables).await;
    let mut starts: Vec<_> = ["hello"].into_iter().chain(FUNCTIONS).map(|name| (name, Times::default())).collect();
    for round in 0..=ROUNDS {
        for (name, times) in &mut starts {
            let began = Instant::now();
            let environment = Environment::start(programs, name, &variables, share).await;
            environment.ready().await;
            let next = milliseconds(began);
            let first = request(&environment, name, &connect).await;
            environment.ready().await;
            let second = request(&environment, name, &connect).await;
            if round > 0 {
                times.next.push(next);
                times.first.push(first);
                times.second.push(second);
            }
        }
    }
    starts
}

/// The event of a client that opens a WebSocket connection, with a session that `start` has given it.
async fn connect(programs: &Programs, variables: &[(&str, String)]) -> Value {
    let start = Environment::start(programs, "start", variables, None).await;
    let answer: Value = serde_json::from_str(&start.invoke("POST", "/api/chatkit/start", &json!({})).await.text())
        .expect("an answer in JSON");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("a body in JSON");
    let protocols = format!("chatkit, {}", body["client_secret"].as_str().expect("a session"));
    json!({
        "requestContext": {
            "eventType": "CONNECT",
            "routeKey": "$connect",
            "connectionId": "L0SM9cOFvHcCIhw=",
            "connectedAt": 1_795_176_000_000_i64,
            "requestTimeEpoch": 1_795_176_000_000_i64,
            "identity": { "sourceIp": "192.0.2.1" },
        },
        "headers": { "Sec-WebSocket-Protocol": protocols },
        "isBase64Encoded": false,
    })
}

/// How long a function takes to answer a request of its own kind.
async fn request(environment: &Environment, name: &str, connect: &Value) -> f64 {
    if name == "socket" {
        let began = Instant::now();
        let received = environment.hand(connect).await.text();
        let elapsed = milliseconds(began);
        assert!(received.contains("\"statusCode\":200"), "{name}: {received}");
        return elapsed;
    }
    let (method, path, body, answer) = match name {
        "hello" => ("GET", "/hello", Value::Null, "hello"),
        "start" => ("POST", "/api/chatkit/start", json!({}), "client_secret"),
        // A secret that is refused, after the address was counted.
        "refresh" => ("POST", "/api/chatkit/refresh", json!({ "currentClientSecret": "x" }), "unauthorized"),
        "chat" => ("POST", "/chatkit", create("Hi"), "thread.item.done"),
        "analytics" => ("GET", "/api/usage/me", Value::Null, "turns"),
        // Nobody signs in here.
        "auth" => ("POST", "/auth/logout", Value::Null, "bad_request"),
        other => panic!("no request for `{other}`"),
    };
    let began = Instant::now();
    let received = environment.invoke(method, path, &body).await.text();
    let elapsed = milliseconds(began);
    assert!(received.contains(answer), "{name}: {received}");
    elapsed
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}
