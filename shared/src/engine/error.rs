use std::time::Duration;

use crate::endpoints::EndpointError;
use crate::files::FilesError;
use crate::model::ModelError;
use crate::store::{BeginError, Limit, Payer, Refusal, StoreError};

/// Why an operation is refused or fails, before anything is written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The parameters are wrong; the text, which the client may see, says which and why.
    #[error("{0}")]
    Invalid(String),
    /// It does not exist, or belongs to another user: the two cannot be told apart.
    #[error("this {0} does not exist")]
    NotFound(&'static str),
    /// The thread is locked or closed.
    #[error("the thread takes no more messages")]
    NotWritable,
    #[error("the message is being answered already")]
    Conflict,
    #[error("too many requests")]
    RateLimited { retry_after: Duration },
    #[error("the token budget is used up")]
    BudgetExceeded { retry_after: Duration, payer: Payer },
    #[error("the message can use more tokens than a whole budget")]
    LargerThanBudget,
    #[error("the page is not one of the tenant's")]
    ForeignOrigin,
    #[error("files are not configured")]
    NoFiles,
    #[error(transparent)]
    Failed(Failure),
}

/// What failed of the parts that an operation needs.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A bug; where it happened, the panic has said on standard error.
    #[error("the turn panicked")]
    Panic,
}

impl Error {
    /// For an attachment that another message has, or is being stored with.
    pub(super) fn attachment_taken(id: &str) -> Self {
        Self::Invalid(format!("the attachment `{id}` belongs to another message already"))
    }
}

impl<E: Into<Failure>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<BeginError> for Error {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::NotFound => Self::NotFound("thread"),
            BeginError::Conflict => Self::Conflict,
            BeginError::Taken(id) => Self::attachment_taken(&id),
            BeginError::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(Refusal { retry_after, limit }: Refusal) -> Self {
        match limit {
            Limit::Turns => Self::RateLimited { retry_after },
            Limit::Tokens(payer) => Self::BudgetExceeded { retry_after, payer },
        }
    }
}
