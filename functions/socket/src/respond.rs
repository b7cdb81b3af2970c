//! `$default`: a message. What is wrong with it is said in a frame; API Gateway is told nothing.

use std::net::IpAddr;

use chatkit_shared::conversation::Reply;
use chatkit_shared::http::{Error, RequestLog};
use chatkit_shared::identity::{Identity, Session};
use chatkit_shared::ids;
use chatkit_shared::protocol::Request;
use chatkit_shared::store::MessageAdmission;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::answer::Answer;
use crate::event::{Order, Origin};
use crate::message::{Message, Wish};
use crate::{App, unavailable};

/// A message that was let in.
struct Asked<'a> {
    request_id: &'a str,
    log: &'a RequestLog,
    address: Option<IpAddr>,
    session: Session,
}

impl App {
    /// Answers a message, or orders that it is.
    pub(crate) async fn respond(&self, text: Option<&str>, origin: &Origin) {
        let request_id = self.engine.ids.mint(ids::REQUEST);
        let log = self.log(&request_id, "MESSAGE", "$default", origin.address);
        let message = match text {
            Some(text) => Message::parse(text),
            None => Err((None, Error::bad_request("a message is text"))),
        };
        let (id, wish) = match message {
            Ok(message) => (message.id, Ok(message.wish)),
            Err((id, error)) => (id, Err(error)),
        };
        let mut answer = Answer::new(self, &origin.connection, id.clone(), &request_id);
        let answered = async {
            // Before anything else: who sends nonsense is counted, too.
            let session = self.admit(&origin.connection).await?;
            log.owner(&session.identity.owner);
            match wish? {
                Wish::Renew(token) => self.renew(&token, &origin.connection, &mut answer).await,
                Wish::Ping => self.keep(&session, &mut answer).await,
                Wish::Answer(request) => {
                    let asked = Asked { request_id: &request_id, log: &log, address: origin.address, session };
                    self.answer(asked, id, request, &origin.connection, &mut answer).await
                }
            }
        };
        match answered.await {
            Ok(status) => log.status(status),
            Err(error) => {
                log.refused(&error);
                answer.error(&error).await;
            }
        }
    }

    /// Whose connection it is.
    async fn admit(&self, connection: &str) -> Result<Session, Error> {
        let now = self.engine.clock.now();
        match self.connections.admit_message(connection, &self.messages, now).await? {
            MessageAdmission::Admitted(session) => Ok(*session),
            MessageAdmission::Refused { retry_after } => Err(Error::rate_limited(retry_after)),
            MessageAdmission::Unknown => Err(Error::unauthorized("the connection is not known, please connect again")),
        }
    }

    /// Goes on with another session token of the same user's.
    async fn renew(
        &self,
        token: &SecretString,
        connection: &str,
        answer: &mut Answer<'_>,
    ) -> Result<StatusCode, Error> {
        let session = self.session(token.expose_secret()).await?;
        if !self.connections.renew(connection, &session).await? {
            return Err(Error::unauthorized("the session token is not this connection's user's"));
        }
        Ok(told(&session, answer).await)
    }

    /// Says that the connection is there, and how long its session is.
    async fn keep(&self, session: &Session, answer: &mut Answer<'_>) -> Result<StatusCode, Error> {
        self.check(session)?;
        Ok(told(session, answer).await)
    }

    /// # Errors
    /// `unauthorized`, once the session has ended.
    fn check(&self, session: &Session) -> Result<(), Error> {
        if self.engine.clock.now() < session.expires_at {
            return Ok(());
        }
        Err(Error::unauthorized("the session token has expired, please send a new one as `token`"))
    }

    async fn answer(
        &self,
        asked: Asked<'_>,
        id: Option<String>,
        request: String,
        connection: &str,
        answer: &mut Answer<'_>,
    ) -> Result<StatusCode, Error> {
        self.check(&asked.session)?;
        let now = self.engine.clock.now();
        let Session { identity, began_at, .. } = asked.session;
        let operation = Request::parse(request.as_bytes()).map_err(|error| Error::bad_request(error.to_string()))?;
        asked.log.operation(operation.operation());
        if operation.is_streamed() {
            let minted = self.sessions.mint(&identity, began_at, now, &self.engine.ids).await;
            let (token, _) = minted.map_err(|error| unavailable().because(error))?;
            let order = Order {
                connection: connection.to_owned(),
                address: asked.address,
                id,
                request_id: asked.request_id.to_owned(),
                ordered_at: now.as_second(),
                token: token.into(),
                request,
            };
            if let Err(error) = self.calls.invoke(&order.event()).await {
                // It may have arrived all the same: an answer may be refused only once nobody can begin it any more.
                if self.claim(&order.request_id).await? {
                    return Err(unavailable().because(error));
                }
            }
            return Ok(StatusCode::ACCEPTED);
        }
        let identity = Identity { address: asked.address, ..identity };
        let processed = Box::pin(self.engine.process(&identity, operation, asked.log.clone().on_end()));
        match answer.wait_for(processed).await? {
            Reply::Document(document) => answer.reply(&document).await,
            Reply::Events(events) => answer.events(events).await,
        }
        Ok(StatusCode::OK)
    }
}

/// Tells a client until when its session is good.
async fn told(session: &Session, answer: &mut Answer<'_>) -> StatusCode {
    answer.reply(&json!({ "expires_at": session.expires_at.as_second() })).await;
    StatusCode::OK
}
