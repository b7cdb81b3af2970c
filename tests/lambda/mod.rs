//! The functions as Lambda runs them: built programs behind the test gateway.

mod attachments;
mod concurrency;
mod event;
mod hello;
mod socket;
mod system;
