//! The tests of the whole system, as one binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test code")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod gateway;
mod harness;
mod lambda;
mod model;
mod store;
