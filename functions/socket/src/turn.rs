//! A turn, in an invocation of its own.
//!
//! Lambda delivers an order at least once, holds it back while it throttles, and delivers it again a minute after an
//! invocation has died (Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation").
//! The order's age, and whether it was claimed before, decide what is done:
//!
//! | claimed before | in time | late |
//! | --- | --- | --- |
//! | no | the turn runs | it waited too long, and is refused |
//! | yes | it is a duplicate, and nothing happens | the invocation that claimed it has died, and the client is told |

use std::time::Duration;

use chatkit_shared::engine::{Events, Position};
use chatkit_shared::http::{Code, Error, RequestLog};
use chatkit_shared::identity::Identity;
use chatkit_shared::protocol::Request;
use chatkit_shared::store::StoreError;
use http::StatusCode;
use secrecy::ExposeSecret;
use tracing::Instrument;

use crate::App;
use crate::answer::Answer;
use crate::event::Order;

/// An older order is late. Less than the minute after which Lambda delivers it again, and than clients wait.
const MAX_ORDER_AGE_SECONDS: i64 = 45;
/// How long a claim is kept: longer than `template.yaml` lets Lambda keep an order.
const CLAIM_LIFETIME: Duration = Duration::from_hours(1);

/// What is done with an order.
enum OrderResult {
    /// The turn runs.
    Events(Events),
    /// It runs, or ran, in another invocation.
    Duplicate,
    /// The invocation in which it ran has died.
    Died,
}

impl App {
    /// Runs the turn of an order, unless it is a duplicate or too late. Returns when the turn has ended and is stored.
    pub(crate) async fn on_order(&self, order: Order) {
        let log = self.log(&order.request_id, "TURN", "$default", order.address);
        Box::pin(self.run(&order, &log)).instrument(log.span()).await;
    }

    async fn run(&self, order: &Order, log: &RequestLog) {
        let mut answer = Answer::new(self, &order.connection, order.id.clone(), &order.request_id);
        let error = match answer.wait_for(Box::pin(self.begin(order, log))).await {
            Ok(OrderResult::Events(events)) => {
                log.turn_started();
                answer.events(events).await;
                return log.status(StatusCode::OK);
            }
            Ok(OrderResult::Duplicate) => {
                log.outcome("repeated");
                return log.status(StatusCode::OK);
            }
            Ok(OrderResult::Died) => {
                let error = Error::new(Code::Unavailable, "the answer broke off, please load the thread");
                let error = error.because("the invocation that was answering has died");
                answer.broken_off(&error).await;
                error
            }
            Err(error) => {
                answer.error(&error).await;
                error
            }
        };
        log.refused(&error);
    }

    /// Whether this is the first claim of an order: only one invocation may run or refuse it.
    pub(crate) async fn claim(&self, request_id: &str) -> Result<bool, StoreError> {
        self.claims.claim(request_id, self.engine.clock.now() + CLAIM_LIFETIME).await
    }

    async fn begin(&self, order: &Order, log: &RequestLog) -> Result<OrderResult, Error> {
        let is_first = self.claim(&order.request_id).await?;
        let is_late = self.engine.clock.now().as_second() - order.ordered_at > MAX_ORDER_AGE_SECONDS;
        match (is_first, is_late) {
            (true, false) => {}
            (true, true) => {
                let error = Error::new(Code::Unavailable, "the request waited for too long, please try again");
                return Err(error.because("Lambda held the turn back"));
            }
            (false, false) => return Ok(OrderResult::Duplicate),
            (false, true) => return Ok(OrderResult::Died),
        }
        let session = self.session(order.token.expose_secret()).await?;
        log.owner(&session.identity.owner);
        let request =
            Request::parse(order.request.as_bytes()).map_err(|error| Error::bad_request(error.to_string()))?;
        log.request(&request);
        let reference = Some(log.reference().to_owned());
        let languages = order.languages.clone();
        let identity = Identity { address: order.address, languages, reference, ..session.identity };
        let Request::Stream(request) = request else {
            return Err(Error::internal("an order is for a streamed operation"));
        };
        let position = order.last_event_id.as_deref().map(str::parse::<Position>).transpose();
        let events = match position.map_err(|error| Error::bad_request(error.to_string()))? {
            Some(position) => Box::pin(self.engine.resume(&identity, position)).await?,
            None => Box::pin(self.engine.stream(&identity, request, log.clone().on_end())).await?,
        };
        Ok(OrderResult::Events(events))
    }
}
