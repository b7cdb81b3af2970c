use std::future::Future;

use tokio::task::JoinHandle;

/// Runs work beside the answer that is being read. A turn goes on when its reader leaves, so it cannot live inside the
/// reader's stream; on Lambda nothing outlives the invocation all the same, because the stream ends after the turn.
pub(super) fn beside<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place: the answer's stream outlasts what is started here")]
    tokio::spawn(work)
}
