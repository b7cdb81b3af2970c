//! Many slow answers at once.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::chat::{Browser, is_whole, word};
use crate::figure::Figure;
use crate::model::{Model, Script};
use crate::processes::Server;
use crate::programs::Programs;

const STREAMS: usize = 500;
/// 20 seconds.
const SCRIPT: Script = Script { words: 40, pause: Duration::from_millis(500) };
const MOST_MEGABYTES: f64 = 60.0;

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let model = Model::start(SCRIPT, Instant::now()).await;
    let server = Server::ours(programs, &model.url, None);
    let mut streams = JoinSet::new();
    for number in 0..STREAMS {
        let url = server.url.clone();
        streams.spawn(async move {
            let events = Browser::new(&url, format!("user-{number}")).create().await.events();
            is_whole(&events) && events.iter().filter(|(_, event)| word(event).is_some()).count() == SCRIPT.words
        });
    }
    let lost = streams.join_all().await.into_iter().filter(|is_whole| !is_whole).count();
    let memory = server.process.peak_megabytes();
    vec![
        Figure::new(format!("lost of {STREAMS} streams held for 20 s"), lost.to_string()).bound("0", lost == 0),
        Figure::new("peak memory of the server meanwhile", format!("{memory:.1} MB"))
            .bound("≤ 60 MB", memory <= MOST_MEGABYTES),
    ]
}
