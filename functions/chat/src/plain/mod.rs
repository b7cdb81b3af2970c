//! `POST /api/chat`: a message in, an answer out, for pages without the widget.

mod answer;
mod chunks;
mod ending;
mod request;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use chatkit_shared::engine::{Events, OnEnd, TurnReport};
use chatkit_shared::http::{Caller, Error, JsonBody, RequestLog, sse};
use chatkit_shared::identity::Identity;
use tokio::sync::oneshot;

use self::ending::Ending;
use self::request::{PlainBody, PlainRequest};
use crate::App;

pub(crate) async fn chat(
    State(app): State<App>,
    Caller(identity): Caller,
    Extension(log): Extension<RequestLog>,
    body: JsonBody,
) -> Result<Response, Error> {
    log.operation("chat");
    let body: PlainBody = body.parse()?;
    let (stream, session_id) = (body.stream, body.session_id.clone());
    let (ended, ending) = oneshot::channel();
    let report = log.clone().on_end();
    let on_end: OnEnd = Box::new(move |turn: TurnReport| {
        let _ = ended.send(Ending::of(&turn));
        // A client that waits for the whole answer sees nothing before its end.
        let first_event_at = turn.first_event_at.filter(|_| stream);
        report(TurnReport { first_event_at, ..turn });
    });
    let request = body.into_request()?;
    let model = app.engine.model_for(&identity).await?;
    let events = start_turn(&app, &identity, request, on_end).await?;
    log.turn_started();
    if stream {
        Ok(sse::stream(chunks::chunks(events, ending, session_id, &model, &app.engine)))
    } else {
        answer::collect(events, ending, session_id).await
    }
}

async fn start_turn(app: &App, identity: &Identity, request: PlainRequest, on_end: OnEnd) -> Result<Events, Error> {
    let engine = app.engine.without_page();
    Ok(match request {
        PlainRequest::InThread(request) => engine.stream(identity, request, on_end).await?,
        PlainRequest::Stateless(messages) => engine.answer(identity, messages, on_end).await?,
    })
}
