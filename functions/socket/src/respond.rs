//! `$default`: a message. An error is answered with a frame; API Gateway is always told that all is well.

use std::net::IpAddr;

use chatkit_shared::http::{Error, RequestLog};
use chatkit_shared::identity::{Identity, Session, SessionId};
use chatkit_shared::ids;
use chatkit_shared::protocol::Request;
use chatkit_shared::store::MessageAdmission;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tracing::Instrument;

use crate::answer::Answer;
use crate::event::{Order, Origin};
use crate::message::ClientMessage;
use crate::{App, unavailable};

/// A request of a connection that is open and within its limit of messages.
struct AdmittedMessage<'a> {
    request_id: &'a str,
    log: &'a RequestLog,
    address: Option<IpAddr>,
    session: Session,
    last_event_id: Option<String>,
}

impl App {
    /// Answers a message, or orders a turn that does.
    pub(crate) async fn on_message(&self, text: Option<&str>, origin: &Origin) {
        let request_id = self.engine.ids.mint(ids::REQUEST);
        let log = self.log(&request_id, "MESSAGE", "$default", origin.address);
        Box::pin(self.respond(text, origin, &request_id, &log)).instrument(log.span()).await;
    }

    async fn respond(&self, text: Option<&str>, origin: &Origin, request_id: &str, log: &RequestLog) {
        let (id, message) = match text {
            Some(text) => ClientMessage::parse(text),
            None => (None, Err(Error::bad_request("a message is text"))),
        };
        let mut answer = Answer::new(self, &origin.connection, id.clone(), request_id);
        let answered = async {
            // Before anything else, so that messages that cannot be read count against the limit, too.
            let session = self.admit(&origin.connection).await?;
            log.owner(&session.identity.owner);
            match message? {
                ClientMessage::Token(token) => self.renew(&token, &origin.connection, &mut answer).await,
                ClientMessage::Ping => {
                    self.check_expiry(&session)?;
                    Ok(send_expiry(&session, &mut answer).await)
                }
                ClientMessage::Request { request, last_event_id } => {
                    let address = origin.address;
                    let admitted = AdmittedMessage { request_id, log, address, session, last_event_id };
                    self.answer(admitted, id, request, &origin.connection, &mut answer).await
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

    /// The session of a connection.
    async fn admit(&self, connection: &str) -> Result<Session, Error> {
        let now = self.engine.clock.now();
        match self.connections.admit_message(connection, &self.messages, now).await? {
            MessageAdmission::Admitted(session) => Ok(*session),
            MessageAdmission::Refused { retry_after } => Err(Error::rate_limited(retry_after)),
            MessageAdmission::Unknown => Err(Error::unauthorized("the connection is not known, please connect again")),
        }
    }

    /// Continues the connection with another session token of the same user.
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
        Ok(send_expiry(&session, answer).await)
    }

    fn check_expiry(&self, session: &Session) -> Result<(), Error> {
        if self.engine.clock.now() < session.expires_at {
            return Ok(());
        }
        Err(Error::unauthorized("the session token has expired, please send a new one as `token`"))
    }

    async fn answer(
        &self,
        message: AdmittedMessage<'_>,
        id: Option<String>,
        request: String,
        connection: &str,
        answer: &mut Answer<'_>,
    ) -> Result<StatusCode, Error> {
        let AdmittedMessage { request_id, log, address, session, last_event_id } = message;
        self.check_expiry(&session)?;
        let now = self.engine.clock.now();
        let Session { identity, began_at, .. } = session;
        let operation = Request::parse(request.as_bytes()).map_err(|error| Error::bad_request(error.to_string()))?;
        log.request(&operation);
        match operation {
            Request::Stream(_) => {
                let session_id = SessionId::first(&self.engine.ids);
                let minted = self.sessions.mint(&identity, &session_id, began_at, now).await;
                let (token, _) = minted.map_err(|error| unavailable().because(error))?;
                let order = Order {
                    connection: connection.to_owned(),
                    address,
                    languages: identity.languages,
                    id,
                    request_id: request_id.to_owned(),
                    ordered_at: now.as_second(),
                    token: token.into(),
                    request,
                    last_event_id,
                };
                if let Err(error) = self.calls.invoke(&order.event()).await {
                    // Lambda may have taken the order all the same. The client gets an error only if the turn cannot
                    // run any more.
                    if self.claim(&order.request_id).await? {
                        return Err(unavailable().because(error));
                    }
                }
                Ok(StatusCode::ACCEPTED)
            }
            Request::Call(call) => {
                let identity = Identity { address, ..identity };
                let document = Box::pin(self.engine.call(&identity, call, log.clone().on_end()));
                let document = answer.wait_for(document).await?;
                answer.reply(&document).await;
                Ok(StatusCode::OK)
            }
        }
    }
}

/// Tells a client when its session expires.
async fn send_expiry(session: &Session, answer: &mut Answer<'_>) -> StatusCode {
    answer.reply(&json!({ "expires_at": session.expires_at.as_second() })).await;
    StatusCode::OK
}
