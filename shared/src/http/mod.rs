//! What every route needs, and the only place that maps failures to HTTP.

mod address;
mod body;
mod cors;
mod error;
mod log;
mod request;
pub mod sse;

pub use address::ClientAddress;
pub use body::{JsonBody, LARGEST_BODY, json};
pub use error::{Code, Error};
pub use log::{LogAddress, RequestLog};
pub use request::{HttpLayer, REQUEST_ID};
