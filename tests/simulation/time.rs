//! Time that passes only when nothing is left to do. Tokio's paused clock alone would jump to the next timer whenever
//! all wait for a socket, though the bytes are there already.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Builder;
use tokio::sync::Notify;

/// How often the sockets are looked at before time passes: longer than any way from one end of one to the other.
const ROUNDS: usize = 12;

#[derive(Debug, Default)]
struct Rest {
    rounds: AtomicUsize,
    again: Notify,
}

/// Says that something was done, so that time does not pass yet. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Rest>);

impl Activity {
    pub(super) fn note(&self) {
        self.0.rounds.store(0, Ordering::Relaxed);
    }
}

/// Runs a world on this thread, from the beginning of its time.
pub(super) fn run<F: Future>(world: impl FnOnce(Activity) -> F) -> F::Output {
    let activity = Activity::default();
    let rest = Arc::clone(&activity.0);
    let park = move || {
        if rest.rounds.fetch_add(1, Ordering::Relaxed) < ROUNDS {
            rest.again.notify_one();
        } else {
            rest.rounds.store(0, Ordering::Relaxed);
        }
    };
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).on_thread_park(park).build().unwrap();
    let rest = Arc::clone(&activity.0);
    runtime.block_on(async {
        let once_more = async {
            loop {
                rest.again.notified().await;
            }
        };
        tokio::select! {
            biased;
            () = once_more => unreachable!(),
            end = world(activity) => end,
        }
    })
}
