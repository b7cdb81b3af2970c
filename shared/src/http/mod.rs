//! What every route needs, and the only place that maps failures to HTTP.

mod address;
mod body;
mod cors;
mod error;
mod log;
mod pseudonyms;
mod request;
pub mod sse;

pub use address::ClientAddress;
pub use body::{JsonBody, LARGEST_BODY, json};
pub use error::{Code, Error};
pub use log::RequestLog;
pub use pseudonyms::Pseudonyms;
pub use request::{HttpLayer, REQUEST_ID};
