use std::future::Future;

use tokio::task::JoinHandle;
use tracing::Instrument;

/// Runs work beside the answer that is being read. A turn goes on when its reader leaves, so it cannot live inside the
/// reader's stream; on Lambda nothing outlives the invocation all the same, because the stream ends after the turn.
pub(super) fn beside<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place: the answer's stream outlasts what is started here")]
    tokio::spawn(work.in_current_span())
}

/// Runs work to its end even if whoever waits for it leaves: a request that is dropped half way through the writes that
/// begin a turn would leave a message that nobody answers, a deletion would leave what is deleted.
pub(super) async fn to_its_end<F>(work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    match beside(work).await {
        Ok(output) => output,
        // Nothing aborts the task, so it can only have panicked.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
