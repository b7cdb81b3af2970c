//! What a person notices of the size of the function `chat`: Lambda gives it a share of a processor by its memory. DynamoDB
//! and the site are on loopback without TLS, the model is behind TLS, and all three have a processor of their own.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use chatkit_local::loopback::serve_on_loopback;
use serde_json::json;

use crate::chat::{Received, is_whole, word};
use crate::cpu_share::CpuShare;
use crate::environment::{Environment, serve_database};
use crate::figure::quantile;
use crate::harness::app::create;
use crate::harness::dynamodb::Dynamo;
use crate::harness::site::SIGNING_SECRET;
use crate::model::{Model, Script};
use crate::programs::Programs;
use crate::tls::TlsServer;

const MEGABYTES: [u32; 5] = [128, 192, 256, 512, 1_769];
/// The turn that costs are computed of: 350 tokens in 8 s.
const USUAL: Script = Script { words: 350, pause: Duration::from_micros(22_857) };
const SHORT: Script = Script { words: 20, pause: Duration::ZERO };
const STARTS: usize = 10;
const SHORT_TURNS: usize = 40;
const USUAL_TURNS: u32 = 3;

/// Prints a table in Markdown, with a line for each size.
pub(crate) async fn print_table(programs: &Programs) {
    println!("\nMilliseconds of `chat` by its memory; medians, and where two, the 99th percentile of each:\n");
    println!("| MB | start | first answer begins | a later one begins | with a tool | added to an event | processor |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for megabytes in MEGABYTES {
        match CpuShare::of(megabytes) {
            Some(share) => println!("| {megabytes} {}", measure(programs, &share).await),
            None => println!("| {megabytes} | not measured: this needs root and control groups for CPUs |"),
        }
    }
}

async fn measure(programs: &Programs, share: &CpuShare) -> String {
    let dynamo = Dynamo::start().await;
    let database = serve_database(&dynamo).await;
    let epoch = Instant::now();
    let (short, usual) = (Model::start(SHORT, epoch).await, Model::start(USUAL, epoch).await);
    let (short, usual) =
        (TlsServer::before(short.address).await, (TlsServer::before(usual.address).await, usual, short));
    let start = async |model: &TlsServer, more: &[(&str, String)]| {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", database.clone()),
            ("OPENAI_BASE_URL", format!("https://{}/v1", model.address)),
            ("SSL_CERT_FILE", model.certificate().to_str().unwrap().to_owned()),
        ];
        variables.extend(more.iter().cloned());
        let chat = Environment::start(programs, "chat", &variables, Some(share)).await;
        chat.ready().await;
        chat
    };

    let (mut starts, mut firsts) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let began = Instant::now();
        let chat = start(&short, &[]).await;
        starts.push(milliseconds(began, Instant::now()));
        firsts.push(turn(&chat).await.begins());
    }
    let chat = start(&short, &[]).await;
    let mut later = Vec::new();
    for _ in 0..SHORT_TURNS {
        later.push(turn(&chat).await.begins());
    }

    let answer = || async { axum::Json(json!({ "output": "It is on its way." })) };
    let site = serve_on_loopback(Router::new().route("/tools", post(answer))).await.unwrap();
    let parameters = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let tool = json!({ "type": "function", "name": "find_order", "description": "Finds the order",
        "parameters": parameters, "run": { "url": format!("{site}/tools") } });
    let chat = start(
        &short,
        &[("ASSISTANT", json!({ "tools": [tool] }).to_string()), ("TOOL_SIGNING_SECRET", SIGNING_SECRET.to_owned())],
    )
    .await;
    let mut with_tool = Vec::new();
    for _ in 0..SHORT_TURNS {
        with_tool.push(turn(&chat).await.first_word());
    }

    let chat = start(&usual.0, &[]).await;
    turn(&chat).await;
    let (before, mut added) = (chat.process.processor_time(), Vec::new());
    for _ in 0..USUAL_TURNS {
        added.extend(turn(&chat).await.delays(epoch));
    }
    let processor = (chat.process.processor_time() - before).as_secs_f64() * 1e3 / f64::from(USUAL_TURNS);
    let two = |values: &mut [f64]| format!("{:.1}, {:.1}", quantile(values, 0.5), quantile(values, 0.99));
    format!(
        "| {:.0} | {:.0} | {} | {} | {} | {processor:.0} |",
        quantile(&mut starts, 0.5),
        quantile(&mut firsts, 0.5),
        two(&mut later),
        two(&mut with_tool),
        two(&mut added),
    )
}

/// An answer, and when it was asked for.
struct Turn {
    asked: Instant,
    events: Vec<(Instant, serde_json::Value)>,
}

async fn turn(chat: &Environment) -> Turn {
    let asked = Instant::now();
    let received: Received = chat.invoke("POST", "/chatkit", &create("Hello")).await;
    let events = received.events();
    assert!(is_whole(&events), "{events:?}");
    Turn { asked, events }
}

impl Turn {
    /// Milliseconds to the first event.
    fn begins(&self) -> f64 {
        milliseconds(self.asked, self.events[0].0)
    }

    /// Milliseconds to the first word.
    fn first_word(&self) -> f64 {
        let arrived = self.events.iter().find_map(|(arrived, event)| word(event).map(|_| *arrived));
        milliseconds(self.asked, arrived.unwrap())
    }

    /// Milliseconds from the moment that each word names to that of its arrival.
    fn delays(self, epoch: Instant) -> Vec<f64> {
        crate::delay::delays(&self.events, epoch)
    }
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1e3
}
