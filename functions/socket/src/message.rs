//! What a client sends: a ChatKit request, alone or in an envelope, a new session token, or a ping.

use chatkit_shared::http::Error;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

const MAX_ID_BYTES: usize = 64;

#[derive(Debug)]
pub(crate) enum ClientMessage {
    /// A ChatKit request, which is not parsed yet, and where a client that sends it again is in its answer.
    Request {
        request: String,
        last_event_id: Option<String>,
    },
    /// The session token with which the connection goes on.
    Token(SecretString),
    Ping,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<String>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    last_event_id: Option<String>,
    token: Option<SecretString>,
    ping: Option<bool>,
}

impl ClientMessage {
    /// Reads a text, with the id that the frames of its answer carry. A text without the fields of an envelope is a
    /// request itself. An error has the id, too, if there is one to read.
    pub(crate) fn parse(text: &str) -> (Option<String>, Result<Self, Error>) {
        let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
            let message = "a message is a JSON object: a ChatKit request, `{\"id\", \"request\", \"last_event_id\"?}`, `{\"id\", \"token\"}` or \
                           `{\"id\", \"ping\": true}`";
            return (None, Err(Error::bad_request(message)));
        };
        let id = envelope.id;
        if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MAX_ID_BYTES) {
            return (None, Err(Error::bad_request(format!("`id` must have 1 to {MAX_ID_BYTES} bytes"))));
        }
        let message = match (envelope.request, envelope.token, envelope.ping) {
            (Some(request), None, None) => {
                Ok(Self::Request { request: request.get().to_owned(), last_event_id: envelope.last_event_id })
            }
            (None, Some(token), None) => Ok(Self::Token(token)),
            (None, None, Some(true)) => Ok(Self::Ping),
            (None, None, None) => Ok(Self::Request { request: text.to_owned(), last_event_id: None }),
            _ => Err(Error::bad_request("a message has one of `request`, `token` and `\"ping\": true`")),
        };
        (id, message)
    }
}
