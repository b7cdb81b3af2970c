//! What a client sends: a ChatKit request, alone or in an envelope, a new session token, or a sign of life.

use chatkit_shared::http::Error;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of a request's id.
const LONGEST_ID: usize = 64;

/// A message.
#[derive(Debug)]
pub(crate) struct Message {
    /// What its answer's frames carry; none where the request came alone.
    pub(crate) id: Option<String>,
    /// What it wants.
    pub(crate) wish: Wish,
}

#[derive(Debug)]
pub(crate) enum Wish {
    /// An answer to this ChatKit request, which is not parsed yet.
    Answer(String),
    /// To go on with this session token.
    Renew(SecretString),
    /// To keep the connection, and to see that it is there.
    Ping,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<String>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    token: Option<SecretString>,
    ping: Option<bool>,
}

impl Message {
    /// Reads a text. Without the fields of an envelope it is a request itself.
    ///
    /// # Errors
    /// `bad_request`, with the message's id where there is one to read.
    pub(crate) fn parse(text: &str) -> Result<Self, (Option<String>, Error)> {
        let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
            let message = "a message is a JSON object: a ChatKit request, `{\"id\", \"request\"}`, `{\"id\", \"token\"}` or \
                           `{\"id\", \"ping\": true}`";
            return Err((None, Error::bad_request(message)));
        };
        let id = envelope.id;
        if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > LONGEST_ID) {
            return Err((None, Error::bad_request(format!("`id` must have 1 to {LONGEST_ID} bytes"))));
        }
        let wish = match (envelope.request, envelope.token, envelope.ping) {
            (Some(request), None, None) => Wish::Answer(request.get().to_owned()),
            (None, Some(token), None) => Wish::Renew(token),
            (None, None, Some(true)) => Wish::Ping,
            (None, None, None) => Wish::Answer(text.to_owned()),
            _ => return Err((id, Error::bad_request("a message has one of `request`, `token` and `\"ping\": true`"))),
        };
        Ok(Self { id, wish })
    }
}
