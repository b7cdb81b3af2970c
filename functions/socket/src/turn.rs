//! A turn, in an invocation of its own.
//!
//! Lambda delivers an order at least once, holds it back while it throttles, and gives it to a second invocation a
//! minute after the first has died (Lambda developer guide, "How Lambda handles errors and retries with asynchronous
//! invocation"). What an order is worth can be told from its age and from who has claimed it:
//!
//! | claimed before | in time | late |
//! | --- | --- | --- |
//! | no | it is carried out | it waited too long, and is refused |
//! | yes | it is a repetition, and nothing happens | who carried it out has died, and the client is told |

use std::time::Duration;

use chatkit_shared::conversation::Reply;
use chatkit_shared::http::{Code, Error, RequestLog};
use chatkit_shared::identity::Identity;
use chatkit_shared::protocol::Request;
use chatkit_shared::store::StoreError;
use http::StatusCode;
use secrecy::ExposeSecret;

use crate::App;
use crate::answer::Answer;
use crate::event::Order;

/// For how many seconds an order is in time. Less than the minute after which Lambda tries again, and than clients wait.
const IN_TIME: i64 = 45;
/// How long it is known that an order was claimed: longer than `template.yaml` lets Lambda keep one.
const CLAIM: Duration = Duration::from_hours(1);

/// What becomes of an order.
enum Begun {
    /// It is carried out.
    Answer(Reply),
    /// It was before, or is being carried out.
    Repetition,
    /// Another invocation began to carry it out, and has died.
    Died,
}

impl App {
    /// Carries an order out, if it is the first time that it comes, or tells the client that nobody will. Returns when
    /// the turn has ended and is stored.
    pub(crate) async fn run(&self, order: Order) {
        let log = self.log(&order.request_id, "TURN", "$default", order.address);
        let mut answer = Answer::new(self, &order.connection, order.id.clone(), &order.request_id);
        let refusal = match answer.wait_for(Box::pin(self.begin(&order, &log))).await {
            Ok(Begun::Answer(reply)) => {
                match reply {
                    Reply::Document(document) => answer.reply(&document).await,
                    Reply::Events(events) => answer.events(events).await,
                }
                return log.status(StatusCode::OK);
            }
            Ok(Begun::Repetition) => {
                log.outcome("repeated");
                return log.status(StatusCode::OK);
            }
            Ok(Begun::Died) => {
                let error = Error::new(Code::Unavailable, "the answer broke off, please load the thread");
                let error = error.because("the invocation that was answering has died");
                answer.broken(&error).await;
                error
            }
            Err(error) => {
                answer.error(&error).await;
                error
            }
        };
        log.refused(&refusal);
    }

    /// Whether nobody has carried this order out or refused it so far; from now on nobody else will.
    pub(crate) async fn claim(&self, request_id: &str) -> Result<bool, StoreError> {
        self.claims.claim(request_id, self.engine.clock.now() + CLAIM).await
    }

    async fn begin(&self, order: &Order, log: &RequestLog) -> Result<Begun, Error> {
        let is_first = self.claim(&order.request_id).await?;
        let is_late = self.engine.clock.now().as_second() - order.ordered_at > IN_TIME;
        match (is_first, is_late) {
            (true, false) => {}
            (true, true) => {
                let error = Error::new(Code::Unavailable, "the request waited for too long, please try again");
                return Err(error.because("Lambda held the turn back"));
            }
            (false, false) => return Ok(Begun::Repetition),
            (false, true) => return Ok(Begun::Died),
        }
        let session = self.session(order.token.expose_secret()).await?;
        log.owner(&session.identity.owner);
        let request =
            Request::parse(order.request.as_bytes()).map_err(|error| Error::bad_request(error.to_string()))?;
        log.operation(request.operation());
        let identity = Identity { address: order.address, ..session.identity };
        let reply = Box::pin(self.engine.process(&identity, request, log.clone().on_end())).await?;
        Ok(Begun::Answer(reply))
    }
}
