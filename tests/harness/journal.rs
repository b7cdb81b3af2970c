//! What has happened so far, for tests that wait for more of it.

use std::fmt::Debug;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How long a test waits for what has to happen: long enough for a machine that does other things as well.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A list that its writer adds to and a test reads and waits on.
#[derive(Debug)]
pub(crate) struct Journal<T>(watch::Sender<Vec<T>>);

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self(watch::Sender::default())
    }
}

impl<T: Clone + Debug> Journal<T> {
    /// Adds an entry, or changes some, and wakes the tests that wait.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let mut result = None;
        self.0.send_modify(|entries| result = Some(change(entries)));
        result.unwrap()
    }

    pub(crate) fn push(&self, entry: T) {
        self.change(|entries| entries.push(entry));
    }

    /// All entries so far.
    pub(crate) fn entries(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// Waits until the entries are as they should be; fails the test if they do not become so.
    pub(crate) async fn until(&self, holds: impl Fn(&[T]) -> bool) {
        let mut entries = self.0.subscribe();
        let waited = timeout(MAX_WAIT, entries.wait_for(|entries| holds(entries))).await.is_ok();
        assert!(waited, "waited in vain: {:#?}", self.entries());
    }
}

/// Waits until something is true that may become so whenever `changes` says, or fails the test with what `shown` shows.
pub(crate) async fn until(changes: &watch::Sender<()>, holds: impl Fn() -> bool, shown: impl Fn() -> String) {
    let mut changes = changes.subscribe();
    let waited = timeout(MAX_WAIT, async {
        while !holds() {
            changes.changed().await.unwrap();
        }
    });
    assert!(waited.await.is_ok(), "waited in vain: {}", shown());
}
