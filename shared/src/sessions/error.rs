use std::time::Duration;

use super::HostedError;
use crate::identity::{SessionError, SigningError};
use crate::store::StoreError;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret that is to be exchanged is not accepted.
    #[error(transparent)]
    Token(#[from] SessionError),
    /// The site vouches for another user than the secret's.
    #[error("the session belongs to another user")]
    OtherUser,
    /// A known user must prove who they are each time.
    #[error("this session is refreshed with the user's own token beside it")]
    UserTokenMissing,
    /// The secret or its family is too old, or was ended.
    #[error("the session has ended, please start a new one")]
    Ended,
    /// A secret is exchanged once. Its family has ended with this.
    #[error("the session was refreshed before, please start a new one")]
    AlreadyRefreshed,
    /// The client address asks too often.
    #[error("too many requests")]
    RateLimited {
        /// After how long the next request is admitted.
        retry_after: Duration,
    },
    /// The idempotency key was sent with another request before.
    #[error("the key belongs to another request")]
    KeyTaken,
    /// Our own token cannot be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// OpenAI gives no session.
    #[error(transparent)]
    Hosted(#[from] HostedError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
