//! `/chatkit/threads/{thread}/run`: the run of a thread. `GET` follows it as server-sent events from its beginning, or
//! from the position in the header `last-event-id`, as a repeated `POST /chatkit` does; 204 where no run is under way.
//! `DELETE` stops it, in whatever process it runs; 204, also where there is nothing to stop.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use chatkit_shared::engine::{NotAPosition, Position};
use chatkit_shared::http::{Caller, Error, RequestLog, sse};
use chatkit_shared::identity::Identity;

use crate::App;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a client that comes back is in the events of a run; none if it does not come back.
pub(crate) fn position(headers: &HeaderMap) -> Result<Option<Position>, Error> {
    let position = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty());
    let position = position.map(|value| value.to_str().map_err(|_| NotAPosition)?.parse::<Position>());
    position.transpose().map_err(|error: NotAPosition| Error::bad_request(error.to_string()))
}

pub(crate) async fn follow(
    State(app): State<App>,
    Caller(identity): Caller,
    Extension(log): Extension<RequestLog>,
    Path(thread_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    log.operation("run.follow");
    log.thread(&thread_id);
    let identity = Identity { reference: Some(log.reference().to_owned()), ..identity };
    let events = match position(&headers)? {
        Some(position) if *position.thread_id == *thread_id => Some(app.engine.resume(&identity, position).await?),
        Some(_) => return Err(Error::bad_request(NotAPosition.to_string())),
        None => app.engine.follow(&identity, &thread_id).await?,
    };
    Ok(events.map_or_else(|| StatusCode::NO_CONTENT.into_response(), sse::response))
}

pub(crate) async fn stop(
    State(app): State<App>,
    Caller(identity): Caller,
    Extension(log): Extension<RequestLog>,
    Path(thread_id): Path<String>,
) -> Result<StatusCode, Error> {
    log.operation("run.stop");
    log.thread(&thread_id);
    app.engine.stop(&identity, &thread_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
