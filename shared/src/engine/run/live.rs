//! The runs of this process: how a follower joins one, and how a person stops it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::stream::Events;
use crate::identity::Owner;
use crate::store::RunSnapshot;

/// The runs of this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LiveRuns(Arc<Mutex<HashMap<String, LiveRun>>>);

#[derive(Debug)]
struct LiveRun {
    owner: Owner,
    thread_id: String,
    commands: UnboundedSender<Command>,
}

/// What others want of a run.
#[derive(Debug)]
pub(crate) enum Command {
    /// What has come so far, and what comes from then on.
    Follow(oneshot::Sender<(RunSnapshot, Events)>),
    Stop,
}

/// A run while it is known; it is forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    runs: LiveRuns,
    run_id: String,
}

impl LiveRuns {
    pub(crate) fn register(
        &self,
        owner: &Owner,
        thread_id: &str,
        run_id: &str,
    ) -> (Registration, UnboundedReceiver<Command>) {
        let (commands, receiver) = unbounded_channel();
        let run = LiveRun { owner: owner.clone(), thread_id: thread_id.to_owned(), commands };
        self.runs().insert(run_id.to_owned(), run);
        (Registration { runs: self.clone(), run_id: run_id.to_owned() }, receiver)
    }

    /// Joins a run of the owner's; none if it does not run here.
    pub(crate) async fn follow(&self, owner: &Owner, run_id: &str) -> Option<(RunSnapshot, Events)> {
        let (reply, live) = oneshot::channel();
        self.send(owner, run_id, Command::Follow(reply)).then_some(())?;
        live.await.ok()
    }

    /// Whether a run of the owner's runs here; it stops if so.
    pub(crate) fn stop(&self, owner: &Owner, run_id: &str) -> bool {
        self.send(owner, run_id, Command::Stop)
    }

    pub(crate) fn contains(&self, owner: &Owner, thread_id: &str, run_id: &str) -> bool {
        self.runs().get(run_id).is_some_and(|run| run.owner == *owner && run.thread_id == thread_id)
    }

    fn send(&self, owner: &Owner, run_id: &str, command: Command) -> bool {
        let runs = self.runs();
        let run = runs.get(run_id).filter(|run| run.owner == *owner);
        run.is_some_and(|run| run.commands.send(command).is_ok())
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<String, LiveRun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.runs.runs().remove(&self.run_id);
    }
}
