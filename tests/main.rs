//! The tests of the whole system, as one binary.
#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "test code")]

mod analytics;
mod assistant;
mod attachments;
mod conversation;
mod crashes;
mod demonstration;
mod endpoints;
mod fuzz;
mod gateway;
mod harness;
mod http;
mod idempotency;
mod identity;
mod lambda;
mod limits;
mod local;
mod model;
mod plain;
mod runs;
mod sessions;
mod sign_in;
mod simulation;
mod socket;
mod store;
mod tenants;
mod tools;
mod transcribe;
mod widgets;
