use std::future::Future;

use tokio::task::JoinHandle;
use tracing::Instrument;

/// Runs work in a task of its own, with the request's span. A turn goes on when its reader leaves, so it cannot live in
/// the reader's stream; on Lambda nothing outlives the invocation all the same, because the stream ends after the turn.
pub fn spawn_detached<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place: the answer's stream outlasts what is started here")]
    tokio::spawn(work.in_current_span())
}

/// Runs work to its end even if its caller is dropped: a client that leaves in the middle of an operation's writes must
/// not leave a message without an answer, or half a deletion.
pub async fn run_to_completion<F>(work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    match spawn_detached(work).await {
        Ok(output) => output,
        // Nothing aborts the task, so it can only have panicked.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
