use std::time::Duration;

use reqwest::Url;

/// An endpoint of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is: `https`, or `http` on this machine.
    pub url: Url,
    /// How long a call may take in all.
    pub timeout: Duration,
    /// How many times a call that failed is sent again.
    pub retries: u32,
    /// Bytes of an answer.
    pub largest_answer: usize,
}
