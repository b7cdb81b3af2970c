//! What `start` and `refresh` hand out, and what they do not.

mod exchange;
mod forged;
mod hosted;
mod hosted_failures;
mod logout;
mod own;
mod visitors;
