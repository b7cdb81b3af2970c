//! The processor time of a turn in `chat`, as it is deployed: DynamoDB and the model are in another process.

use std::time::{Duration, Instant};

use crate::environment::{Environment, serve_database};
use crate::figure::Figure;
use crate::harness::app::create;
use crate::harness::dynamodb::Dynamo;
use crate::model::{Model, Script};
use crate::programs::Programs;

const SCRIPT: Script = Script { words: 20, pause: Duration::ZERO };
const TURNS: u32 = 500;
const MOST_MILLISECONDS: f64 = 1.2;

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let dynamo = Dynamo::start().await;
    let model = Model::start(SCRIPT, Instant::now()).await;
    let variables =
        [("AWS_ENDPOINT_URL_DYNAMODB", serve_database(&dynamo).await), ("OPENAI_BASE_URL", model.url.clone())];
    let chat = Environment::start(programs, "chat", &variables, None).await;
    let turn = async || {
        let received = chat.invoke("POST", "/chatkit", &create("Hello")).await.text();
        assert!(received.contains(r#""type":"thread.item.done""#), "{received}");
    };
    for _ in 0..10 {
        turn().await;
    }
    let before = chat.process.processor_time();
    for _ in 0..TURNS {
        turn().await;
    }
    let milliseconds = (chat.process.processor_time() - before).as_secs_f64() * 1e3 / f64::from(TURNS);
    vec![
        Figure::new("processor time of a turn in `chat` alone", format!("{milliseconds:.2} ms"))
            .bound(format!("≤ {MOST_MILLISECONDS} ms"), milliseconds <= MOST_MILLISECONDS),
    ]
}
