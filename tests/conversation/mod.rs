//! The conversation over HTTP.

mod turns;
