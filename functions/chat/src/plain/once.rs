//! Messages that have an `Idempotency-Key`: each is answered once. A repetition gets the whole answer, in one piece also
//! where it is streamed.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chatkit_shared::engine::{Events, spawn_detached};
use chatkit_shared::http::{Begun, Error, KeyedWork, replayed, sse};
use chatkit_shared::identity::Identity;
use futures_util::stream;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

use super::answer::Whole;
use super::chunks;
use super::ending::Ending;
use crate::App;

/// Lambda ends a turn after 15 minutes.
const MAX_DURATION: Duration = Duration::from_mins(16);

/// The work of a message that is answered now, or the answer that it got before, streamed if the model's name is given.
pub(super) async fn begin(
    app: &App,
    identity: &Identity,
    key: &str,
    body: &[u8],
    streamed_model: Option<&str>,
) -> Result<Result<KeyedWork, Response>, Error> {
    let content = match app.begin_once(identity, key, "chat", body, MAX_DURATION).await? {
        Begun::Now(work) => return Ok(Ok(work)),
        Begun::Before(content) => content,
    };
    let whole: Whole = serde_json::from_str(&content).map_err(Error::internal)?;
    Ok(Err(replayed(match streamed_model {
        Some(model) => sse::stream(stream::iter(chunks::of_whole(whole, model, &app.engine))),
        None => whole.into_response().unwrap_or_else(Error::into_response),
    })))
}

/// Passes an answer on, and keeps it before it ends, whether or not its reader is still there. A failure is kept where
/// the message is stored: sent again, it would begin another thread.
pub(super) fn keep(
    mut events: Events,
    ending: oneshot::Receiver<Ending>,
    session_id: Option<String>,
    work: KeyedWork,
) -> (Events, oneshot::Receiver<Ending>) {
    let (sender, passed_on) = unbounded_channel();
    let (ended, ending_passed_on) = oneshot::channel();
    drop(spawn_detached(async move {
        let mut whole = Whole::beginning(session_id);
        while let Some(event) = events.recv().await {
            whole.take(&event.event);
            let _ = sender.send(event);
        }
        whole.ending = ending.await.unwrap_or_default();
        let is_final = whole.failure.is_none() || whole.session_id.is_some();
        match serde_json::to_string(&whole).ok().filter(|_| is_final) {
            Some(content) => work.keep(content).await,
            None => work.release().await,
        }
        let _ = ended.send(whole.ending);
        drop(sender);
    }));
    (passed_on, ending_passed_on)
}
