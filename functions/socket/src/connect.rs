//! Who may connect, and for how long.
//!
//! The only header that a browser can send with a WebSocket is `Sec-WebSocket-Protocol`, and every other client can
//! send it, too. So it carries the session token behind the protocol's name: `new WebSocket(url, ["chatkit", token])`.
//! A token in the URL would end up in logs.

use chatkit_shared::http::{Code, Error, other_origin};
use chatkit_shared::identity::{Identity, Languages, Session};
use http::HeaderMap;
use http::header::{ACCEPT_LANGUAGE, SEC_WEBSOCKET_PROTOCOL};

use crate::App;

/// The protocol's name, with which the server answers: it has to answer with one of the names that were offered.
pub(crate) const PROTOCOL: &str = "chatkit";

impl App {
    /// Opens a connection for an allowed page, or what is no browser, unless its user has too many.
    pub(crate) async fn connect(&self, headers: &HeaderMap, connection: &str) -> Result<Session, Error> {
        self.origins.admit(headers)?;
        let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
        let protocols: Vec<_> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        let [PROTOCOL, token] = *protocols else {
            let message = "a connection needs `Sec-WebSocket-Protocol: chatkit, <session token>`";
            return Err(Error::unauthorized(message));
        };
        let mut session = self.session(token).await?;
        let languages = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        session.identity.languages = languages.map(Languages::accepted).unwrap_or_default();
        let identity = Identity { origin: other_origin(headers), ..session.identity.clone() };
        self.engine.admit_page(&identity).await?;
        let now = self.engine.clock.now();
        if self.connections.open(connection, &session, self.max_connections, now).await? {
            return Ok(session);
        }
        Err(Error::new(Code::RateLimitExceeded, "too many open connections"))
    }

    pub(crate) async fn session(&self, token: &str) -> Result<Session, Error> {
        Ok(self.sessions.authenticate(token, self.engine.clock.now(), self.modes).await?)
    }
}
