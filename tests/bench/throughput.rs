//! Whole turns a second: stored, limited and accounted for, with the database in the same process.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::chat::{Browser, is_whole, thread_id};
use crate::figure::Figure;
use crate::model::{Model, Script};
use crate::processes::{LocalServer, has_taskset};
use crate::programs::Programs;

const SCRIPT: Script = Script { words: 20, pause: Duration::ZERO };
const CONNECTIONS: usize = 8;
const TURNS_OF_A_THREAD: usize = 10;
const TIME: Duration = Duration::from_secs(10);

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let model = Model::start(SCRIPT, Instant::now()).await;
    let server = LocalServer::start(programs, &model.url, Some(0));
    converse(&server.url, Duration::from_secs(1)).await;
    let before = server.process.processor_time();
    let started = Instant::now();
    let turns = converse(&server.url, TIME).await;
    let per_second = turns as f64 / started.elapsed().as_secs_f64();
    let processor = (server.process.processor_time() - before).as_secs_f64() * 1e3 / turns as f64;
    let core = if has_taskset() { "one core" } else { "any core" };
    vec![
        Figure::new(
            format!("whole turns a second, {CONNECTIONS} connections, server on {core}"),
            format!("{per_second:.0}"),
        ),
        Figure::new("processor time of a turn, embedded DynamoDB included", format!("{processor:.2} ms")),
        Figure::new(
            "memory of the server after that, everything kept in it",
            format!("{:.0} MB", server.process.peak_megabytes()),
        ),
    ]
}

/// Threads of ten turns, one after the other on each connection. Returns the number of turns.
async fn converse(url: &str, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut connections = JoinSet::new();
    for number in 0..CONNECTIONS {
        let url = url.to_owned();
        connections.spawn(async move {
            let browser = Browser::new(&url, format!("user-{number}"));
            let mut turns = 0;
            while Instant::now() < end {
                let events = browser.create().await.events();
                assert!(is_whole(&events), "{events:?}");
                turns += 1;
                let thread = thread_id(&events);
                while turns % TURNS_OF_A_THREAD != 0 && Instant::now() < end {
                    let events = browser.add(&thread).await.events();
                    assert!(is_whole(&events), "{events:?}");
                    turns += 1;
                }
            }
            turns
        });
    }
    connections.join_all().await.into_iter().sum()
}
