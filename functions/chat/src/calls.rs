//! Operations that are answered with JSON and have an `Idempotency-Key`.

use std::time::Duration;

use axum::response::Response;
use chatkit_shared::engine::{Document, run_to_completion};
use chatkit_shared::http::{Begun, Error, RequestLog, json, replayed};
use chatkit_shared::identity::Identity;
use chatkit_shared::protocol::CallRequest;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::App;

/// An operation waits for the site's endpoint or a transcription at most, each for less than that.
const MAX_DURATION: Duration = Duration::from_mins(2);

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Document(Box<RawValue>),
    /// An attachment that was announced, by its id: its URL is a secret, and good for a quarter of an hour only.
    Attachment(String),
}

impl Kept {
    fn of(document: &Document) -> Result<Self, serde_json::Error> {
        Ok(match document {
            Document::Attachment(attachment) => Self::Attachment(attachment.id.clone()),
            document => Self::Document(serde_json::value::to_raw_value(document)?),
        })
    }
}

/// Carries the operation out to its end, whether or not its client waits for that, or answers it as before. Nothing is
/// kept of one that is refused or fails: every operation may be repeated then.
pub(crate) async fn call_once(
    app: &App,
    identity: Identity,
    request: CallRequest,
    key: &str,
    body: &[u8],
    log: RequestLog,
) -> Result<Response, Error> {
    let work = match app.begin_once(&identity, key, "chatkit", body, MAX_DURATION).await? {
        Begun::Now(work) => work,
        Begun::Before(content) => {
            return Ok(replayed(match serde_json::from_str(&content).map_err(Error::internal)? {
                Kept::Document(document) => json(&document),
                Kept::Attachment(id) => json(&app.engine.created_attachment(&identity, &id).await?),
            }));
        }
    };
    let engine = app.engine.clone();
    run_to_completion(async move {
        let kept = match engine.call(&identity, request, log.on_end()).await {
            Ok(document) => Kept::of(&document).and_then(|kept| Ok((serde_json::to_string(&kept)?, json(&document)))),
            Err(error) => {
                work.release().await;
                return Err(error.into());
            }
        };
        let (content, response) = kept.map_err(Error::internal)?;
        work.keep(content).await;
        Ok(response)
    })
    .await
}
