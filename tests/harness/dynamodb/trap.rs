//! Something that happens at a write of the test's choice, such as the end of the process that sent it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::meter::READS;
use super::{Dynamo, Fault};

#[derive(Default)]
pub(super) struct Trap(Mutex<Option<Set>>);

struct Set {
    writes_left: usize,
    fault: Fault,
    spring: Box<dyn FnOnce() + Send>,
}

impl Dynamo {
    /// Has something happen at the write that comes after so many others, which is never answered: [`Fault::CutBefore`]
    /// it is carried out, or [`Fault::CutAfter`]. A trap that was set before is gone.
    pub(crate) fn trap(&self, writes: usize, fault: Fault, spring: impl FnOnce() + Send + 'static) {
        let set = Set { writes_left: writes, fault, spring: Box::new(spring) };
        *self.proxy.trap.0.lock().unwrap() = Some(set);
    }

    /// Whether the trap that was set has sprung.
    pub(crate) fn has_sprung(&self) -> bool {
        self.proxy.trap.0.lock().unwrap().is_none()
    }

    /// Whether nothing waits for an answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.proxy.pending.0.load(Ordering::SeqCst) == 0
    }
}

impl Trap {
    /// What happens at this request, before it is carried out or after.
    pub(super) fn sprung(&self, operation: &str) -> Option<(Fault, Box<dyn FnOnce() + Send>)> {
        let mut trap = self.0.lock().unwrap();
        if READS.contains(&operation) {
            return None;
        }
        match trap.as_mut() {
            Some(set) if set.writes_left > 0 => {
                set.writes_left -= 1;
                None
            }
            _ => trap.take().map(|set| (set.fault, set.spring)),
        }
    }
}

/// How many requests are under way.
#[derive(Default)]
pub(super) struct Pending(AtomicUsize);

/// One of them, as long as this is there: a request may be given up in the middle.
pub(super) struct Request<'a>(&'a Pending);

impl Pending {
    pub(super) fn begin(&self) -> Request<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Request(self)
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
