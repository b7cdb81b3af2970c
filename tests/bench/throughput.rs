//! Whole turns a second: stored, limited and accounted for, with the database in the same process.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::chat::{Browser, is_whole, thread_id};
use crate::figure::Figure;
use crate::model::{Model, Script};
use crate::processes::{Server, has_taskset};
use crate::programs::Programs;

const SCRIPT: Script = Script { words: 20, pause: Duration::ZERO };
const CONNECTIONS: usize = 8;
const TURNS_OF_A_THREAD: usize = 10;
const TIME: Duration = Duration::from_secs(10);

/// Where the Python with the official server's packages is; `just conformance` installs them.
const OFFICIAL_PYTHON: &str = "OFFICIAL_PYTHON";
const LEAST_RATIO: f64 = 20.0;

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let model = Model::start(SCRIPT, Instant::now()).await;
    let ours = speed(Server::ours(programs, &model.url, Some(0))).await;
    #[expect(clippy::disallowed_methods, reason = "no configuration of the product")]
    let python = std::env::var_os(OFFICIAL_PYTHON);
    let official = match python {
        Some(python) => Some(speed(Server::official(Path::new(&python), &model.url, Some(0))).await),
        None => None,
    };
    let core = if has_taskset() { "one core" } else { "any core" };
    let name = format!("whole turns a second, {CONNECTIONS} connections, server on {core}");
    let turns = Figure::new(name, format!("{:.0}", ours.per_second));
    let turns = match &official {
        Some(official) => {
            let ratio = ours.per_second / official.per_second;
            let bound = format!("≥ {LEAST_RATIO} × the official server's {:.0} ({ratio:.1})", official.per_second);
            turns.bound(bound, ratio >= LEAST_RATIO)
        }
        None => turns,
    };
    let mut figures = vec![
        turns,
        Figure::new("processor time of a turn, embedded DynamoDB included", format!("{:.2} ms", ours.processor)),
        Figure::new("memory of the server after that, everything kept in it", format!("{:.0} MB", ours.megabytes)),
    ];
    if let Some(official) = official {
        figures.extend([
            Figure::new("processor time of the official server's turn", format!("{:.2} ms", official.processor)),
            Figure::new("memory of the official server after that", format!("{:.0} MB", official.megabytes)),
        ]);
    }
    figures
}

/// What a server did in the time.
struct Speed {
    per_second: f64,
    /// Milliseconds of a turn.
    processor: f64,
    megabytes: f64,
}

async fn speed(server: Server) -> Speed {
    converse(&server.url, Duration::from_secs(1)).await;
    let before = server.process.processor_time();
    let started = Instant::now();
    let turns = converse(&server.url, TIME).await as f64;
    let elapsed = started.elapsed().as_secs_f64();
    Speed {
        per_second: turns / elapsed,
        processor: (server.process.processor_time() - before).as_secs_f64() * 1e3 / turns,
        megabytes: server.process.peak_megabytes(),
    }
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
