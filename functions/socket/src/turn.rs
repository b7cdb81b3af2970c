//! A turn, in an invocation of its own.

use chatkit_shared::conversation::Reply;
use chatkit_shared::http::{Error, RequestLog};
use chatkit_shared::identity::Identity;
use chatkit_shared::protocol::Request;
use http::StatusCode;
use secrecy::ExposeSecret;

use crate::App;
use crate::answer::Answer;
use crate::event::Order;

impl App {
    /// Carries an order out, if it is the first time that it comes: Lambda may deliver an event more than once. Returns
    /// when the turn has ended and is stored.
    pub(crate) async fn run(&self, order: Order) {
        let log = self.log(&order.request_id, "TURN", "$default", order.address);
        let mut answer = Answer::new(self, &order.connection, order.id.clone());
        match self.begin(&order, &log).await {
            Ok(None) => log.outcome("repeated"),
            Ok(Some(Reply::Document(document))) => answer.reply(&document).await,
            Ok(Some(Reply::Events(events))) => answer.events(events).await,
            Err(error) => {
                log.refused(&error);
                return answer.error(&error, &order.request_id).await;
            }
        }
        log.status(StatusCode::OK);
    }

    /// None if the order was carried out before.
    async fn begin(&self, order: &Order, log: &RequestLog) -> Result<Option<Reply>, Error> {
        let session = self.session(order.token.expose_secret()).await?;
        log.owner(&session.identity.owner);
        if !self.engine.counters.claim(&order.request_id, session.expires_at).await? {
            return Ok(None);
        }
        let request =
            Request::parse(order.request.as_bytes()).map_err(|error| Error::bad_request(error.to_string()))?;
        log.operation(request.operation());
        let identity = Identity { address: order.address, ..session.identity };
        Ok(Some(Box::pin(self.engine.process(&identity, request, log.clone().on_end())).await?))
    }
}
