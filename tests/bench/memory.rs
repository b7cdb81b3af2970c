//! The memory of `chat`, as it is deployed, while it streams a long answer.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::environment::Environment;
use crate::figure::Figure;
use crate::harness::app::create;
use crate::harness::dynamodb::Dynamo;
use crate::model::{Model, Script, WORD};
use crate::programs::Programs;

/// 100 KB.
const SCRIPT: Script = Script { words: 100_000 / WORD, pause: Duration::ZERO };
const MOST_MEGABYTES: f64 = 32.0;

pub(crate) async fn measure(programs: &Programs) -> Vec<Figure> {
    let dynamo = Dynamo::start().await;
    let model = Model::start(SCRIPT, Instant::now()).await;
    let dynamodb_url = dynamo.env().get("AWS_ENDPOINT_URL_DYNAMODB").unwrap().to_owned();
    let variables = [("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url), ("OPENAI_BASE_URL", model.url.clone())];
    let chat = Environment::start(programs, "chat", &variables, None).await;

    let received = chat.invoke("POST", "/health-of-nothing", &json!({})).await.text();
    assert!(received.contains("not_found"), "{received}");
    let idle = chat.process.peak_megabytes();
    let received = chat.invoke("POST", "/chatkit", &create("Tell me everything")).await.text();
    assert_eq!(received.matches(r#""type":"assistant_message.content_part.text_delta""#).count(), SCRIPT.words);
    let streaming = chat.process.peak_megabytes();
    vec![
        Figure::new("memory of `chat` before its first turn", format!("{idle:.1} MB")),
        Figure::new("peak memory of `chat` after streaming 100 KB", format!("{streaming:.1} MB"))
            .bound("≤ 32 MB", streaming <= MOST_MEGABYTES),
    ]
}
