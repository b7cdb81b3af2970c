//! The tests of the whole system, as one binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod conversation;
mod gateway;
mod harness;
mod lambda;
mod model;
mod store;
mod transcribe;
