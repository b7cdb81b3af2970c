use std::time::Duration;

use super::attachments::taken;
use crate::endpoints::EndpointError;
use crate::files::FilesError;
use crate::model::ModelError;
use crate::store::{BeginError, Payer, StoreError};

/// Why an operation is refused before anything is written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The parameters make no sense; the text says which and why.
    #[error("{0}")]
    Invalid(String),
    /// The operation exists in the protocol, not on this server.
    #[error("the operation `{0}` is not supported")]
    Unsupported(&'static str),
    /// No such thing, or somebody else's: the two cannot be told apart.
    #[error("this {0} does not exist")]
    NotFound(&'static str),
    /// The thread is locked or closed.
    #[error("the thread takes no more messages")]
    NotWritable,
    /// The same message is being answered already.
    #[error("the message is being answered already")]
    Conflict,
    /// Too many operations.
    #[error("too many requests")]
    RateLimited {
        /// After how long the next one is admitted.
        retry_after: Duration,
    },
    /// Too many tokens.
    #[error("the token budget is used up")]
    BudgetExceeded {
        /// When the budget is renewed.
        retry_after: Duration,
        /// Whose it is.
        payer: Payer,
    },
    /// The server keeps no files.
    #[error("files are not configured")]
    NoFiles,
    /// The store of files does not answer.
    #[error("the store of files failed")]
    Files(#[from] FilesError),
    /// The store does not answer.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The site's endpoint does not answer an operation whose answer is no stream.
    #[error("the endpoint of actions failed")]
    Endpoint(#[from] EndpointError),
    /// The model does not answer an operation whose answer is no stream.
    #[error("the model failed")]
    Model(#[from] ModelError),
}

impl From<BeginError> for Error {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::NotFound => Self::NotFound("thread"),
            BeginError::Conflict => Self::Conflict,
            BeginError::Taken(id) => taken(&id),
            BeginError::Store(error) => Self::Store(error),
        }
    }
}
