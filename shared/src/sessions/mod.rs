//! What `start` and `refresh` hand out: a client secret, of our own or of OpenAI's.

mod address_limit;
mod broker;
mod exchange;

use serde::Serialize;

pub use address_limit::AddressLimit;
pub use broker::Sessions;

/// The body of an answer of `start` and `refresh`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ClientSecret {
    /// What the widget authenticates with.
    pub client_secret: String,
    /// When it ends, in unix seconds.
    pub expires_at: i64,
    /// In how many seconds that is.
    pub expires_in: i64,
}
