//! Runs, as others see them: a client that comes back, one that joins, one that stops the run, and whoever finds a run
//! whose process has died.
//!
//! ```text
//! position.rs   where a client is in a run's events
//! stream.rs     the events of a run, numbered, to those who follow it
//! live.rs       the runs of this process
//! catch_up.rs   what a client lacks, from what is stored; no I/O
//! follow.rs     follow a run here or in another process, stop it, see it in the middle
//! recover.rs    end a run whose process has died
//! ```

mod catch_up;
mod follow;
mod live;
mod position;
mod recover;
mod stream;

pub use self::live::LiveRuns;
pub(super) use self::live::{Command, Registration};
pub use self::position::{NotAPosition, Position};
pub(super) use self::stream::RunStream;
pub use self::stream::{Events, RunEvent};
