//! The site's own endpoints: where server tools run and actions go.

mod effect;
mod stub;
pub use stub::*;

use std::time::Duration;

pub use effect::{Effect, Output};
use reqwest::Url;

/// An endpoint of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub url: Url,
    /// How long a call may take in all.
    pub timeout: Duration,
    /// How many times a call that failed is sent again.
    pub retries: u32,
    /// Bytes of an answer.
    pub largest_answer: usize,
}
