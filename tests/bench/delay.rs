//! What the server adds to each event: from the model's byte to the browser's, over real sockets, with the server in
//! between and without.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chat::{Browser, Received, word};
use crate::figure::{Figure, quantile};
use crate::model::{Model, Script};
use crate::processes::Server;
use crate::programs::Programs;

const SCRIPT: Script = Script { words: 1000, pause: Duration::from_millis(1) };
const ROUNDS: usize = 2;
const MOST_MILLISECONDS: f64 = 0.5;

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let epoch = Instant::now();
    let model = Model::start(SCRIPT, epoch).await;
    let server = Server::ours(programs, &model.url, None);
    let browser = Browser::new(&server.url, "alice");
    // Connections and code that are used for the first time.
    browser.create().await;

    let (mut bare, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.extend(all_delays(&ask_model(&model).await.events(), epoch));
        through.extend(all_delays(&browser.create().await.events(), epoch));
    }
    let mut rows = Vec::new();
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (bare, through) = (quantile(&mut bare, share), quantile(&mut through, share));
        let added = through - bare;
        let value = format!("{added:.3} ms ({through:.3} - {bare:.3})");
        let figure = Figure::new(format!("added to each streamed event, {name} of {}", SCRIPT.words * ROUNDS), value);
        let bounded = name == "p99";
        rows.push(if bounded { figure.bound("≤ 0.5 ms", added <= MOST_MILLISECONDS) } else { figure });
    }
    rows
}

/// The same words without a server in between.
async fn ask_model(model: &Model) -> Received {
    let request = json!({ "model": "test", "input": [], "stream": true });
    let request = reqwest::Client::new().post(format!("{}/responses", model.url)).body(request.to_string());
    Received::read(request.send().await.unwrap()).await
}

fn all_delays(events: &[(Instant, Value)], epoch: Instant) -> Vec<f64> {
    let delays = delays(events, epoch);
    assert_eq!(delays.len(), SCRIPT.words, "each word is one event");
    delays
}

/// Milliseconds from the moment that each word names to that of its arrival. Events may have several words.
pub(crate) fn delays(events: &[(Instant, Value)], epoch: Instant) -> Vec<f64> {
    let words = events.iter().filter_map(|(arrived, event)| Some((arrived, word(event)?)));
    let each = words.flat_map(|(arrived, words)| words.split_whitespace().map(move |word| (arrived, word)));
    each.map(|(arrived, word)| {
        let said = Duration::from_nanos(word.parse().unwrap());
        (arrived.duration_since(epoch).as_secs_f64() - said.as_secs_f64()) * 1e3
    })
    .collect()
}
