//! Files in a private bucket, through S3's own API.
//!
//! ```text
//! config.rs   which bucket, and which files are taken    media_type.rs  `image/png`, and the list of types
//! object.rs   where a file is in the bucket              presign.rs     what a browser may do, for a while
//! client.rs   what the server does itself, one retry     error.rs       failures, one kind per reaction
//! prompt.rs   files on their way to the model
//! ```
//!
//! A file has two places, one after the other. `uploads/…` is written by whoever holds the presigned URL, for as long as
//! that is good, and is emptied by a rule of the bucket after a day. When a message with a file is stored, the file is
//! copied to `files/…`, on condition that it is what was just checked. So whatever comes through the URL later changes
//! nothing, and what nobody sends disappears by itself.
//!
//! A presigned URL is a key to one object: it goes to the person whose file it is and to the model, and never into the
//! store, a log or an error.

mod client;
mod config;
mod error;
mod media_type;
mod object;
mod presign;
mod prompt;

use std::sync::Arc;

use reqwest::Client;
use rusty_s3::{Bucket, Credentials};

pub use client::Found;
pub use config::FileLimits;
pub use error::FilesError;
pub use media_type::{MediaType, MediaTypes};
pub use object::Object;

use crate::clock::Clock;

/// A private bucket. Cheap to clone; clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bucket: Bucket,
    credentials: Credentials,
    client: Client,
    clock: Clock,
    limits: FileLimits,
    /// Whether the world can reach the bucket, so that the model's server can fetch files itself.
    public: bool,
}

impl Files {
    /// Which files are taken.
    pub fn limits(&self) -> &FileLimits {
        &self.0.limits
    }
}
