//! `POST /api/chat`: a message in, an answer out, for pages without the widget.

mod answer;
mod chunks;
mod ending;
mod once;
mod request;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use chatkit_shared::engine::{Events, OnEnd, TurnReport, run_to_completion};
use chatkit_shared::http::{Caller, Error, IdempotencyKey, JsonBody, KeyedWork, RequestLog, sse};
use chatkit_shared::identity::Identity;
use tokio::sync::oneshot::{self, Receiver};

use self::ending::Ending;
use self::request::{PlainBody, PlainRequest};
use crate::App;

pub(crate) async fn chat(
    State(app): State<App>,
    Caller(identity): Caller,
    Extension(log): Extension<RequestLog>,
    IdempotencyKey(key): IdempotencyKey,
    body: JsonBody,
) -> Result<Response, Error> {
    log.operation("chat");
    let plain: PlainBody = body.parse()?;
    let (stream, session_id) = (plain.stream, plain.session_id.clone());
    let request = plain.into_request()?;
    let model = app.engine.model_for(&identity).await?;
    let work = match &key {
        Some(key) => match once::begin(&app, &identity, key, &body.0, stream.then_some(&*model)).await? {
            Ok(work) => Some(work),
            Err(answer) => return Ok(answer),
        },
        None => None,
    };
    let (ended, ending) = oneshot::channel();
    let report = log.clone().on_end();
    let on_end: OnEnd = Box::new(move |turn: TurnReport| {
        let _ = ended.send(Ending::of(&turn));
        // A client that waits for the whole answer sees nothing before its end.
        let first_event_at = turn.first_event_at.filter(|_| stream);
        report(TurnReport { first_event_at, ..turn });
    });
    let (events, ending) = match work {
        Some(work) => {
            Box::pin(start_once(&app, &identity, request, on_end, (ending, session_id.clone(), work))).await?
        }
        None => (start_turn(&app, &identity, request, on_end).await?, ending),
    };
    log.turn_started();
    if stream {
        Ok(sse::stream(chunks::chunks(events, ending, session_id, &model, &app.engine)))
    } else {
        answer::collect(events, ending, session_id).await
    }
}

/// As [`start_turn`], to its end whether or not the client waits for that: nobody else gives the key back.
async fn start_once(
    app: &App,
    identity: &Identity,
    request: PlainRequest,
    on_end: OnEnd,
    (ending, session_id, work): (Receiver<Ending>, Option<String>, KeyedWork),
) -> Result<(Events, Receiver<Ending>), Error> {
    let (app, identity) = (app.clone(), identity.clone());
    run_to_completion(Box::pin(async move {
        match start_turn(&app, &identity, request, on_end).await {
            Ok(events) => Ok(once::keep(events, ending, session_id, work)),
            Err(refusal) => {
                work.release().await;
                Err(refusal)
            }
        }
    }))
    .await
}

async fn start_turn(app: &App, identity: &Identity, request: PlainRequest, on_end: OnEnd) -> Result<Events, Error> {
    let engine = app.engine.without_page();
    Ok(match request {
        PlainRequest::InThread(request) => engine.stream(identity, request, on_end).await?,
        PlainRequest::Stateless(messages) => engine.answer(identity, messages, on_end).await?,
    })
}
