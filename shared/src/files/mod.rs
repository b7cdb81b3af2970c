//! Files in a private bucket, through S3's own API.
//!
//! ```text
//! config.rs   which bucket, and which files are accepted     media_type.rs  `image/png`, and the list of types
//! object.rs   the key of a file in the bucket                error.rs       failures, one kind per reaction
//! client.rs   requests, one retry, and presigned URLs        prompt.rs      files in a prompt
//! signature.rs  what a file is by its first bytes
//! ```
//!
//! A file is first under `uploads/…`, where anyone with the presigned URL can write while it is valid, and which a rule
//! of the bucket empties after a day. When a message with a file is stored, the file is copied to `files/…`, on
//! condition that it has not changed since it was checked. So a later upload changes nothing, and files that are never
//! sent disappear.
//!
//! A presigned URL gives access to one object. It goes to the owner of the file and to the model, and never into the
//! store, a log or an error.

mod client;
mod config;
mod error;
mod media_type;
mod object;
mod prompt;
mod signature;

use std::sync::Arc;

use reqwest::Client;
use rusty_s3::{Bucket, Credentials};

pub use client::FileHead;
pub use config::FileLimits;
pub use error::FilesError;
pub use media_type::{MediaType, MediaTypes};
pub use object::ObjectKey;

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
    /// Whether the model's server can fetch files from the bucket.
    public: bool,
}

impl Files {
    pub fn limits(&self) -> &FileLimits {
        &self.0.limits
    }
}
