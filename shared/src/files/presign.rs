use std::time::Duration;

use reqwest::Url;
use rusty_s3::S3Action;

use super::{Files, MediaType, Object};

/// How long an upload may be begun.
const UPLOAD: Duration = Duration::from_mins(15);
/// How long a file may be looked at. Whoever loads a thread gets new URLs.
const LOOK: Duration = Duration::from_hours(1);
/// How long a request of our own is good: it is sent at once, but clocks differ.
const REQUEST: Duration = Duration::from_mins(5);

impl Files {
    /// A URL to which a file of exactly this size and type can be sent with `PUT`, for 15 minutes. Both are signed, so S3
    /// refuses anything else.
    pub fn upload_url(&self, object: &Object, media_type: &MediaType, size: u64) -> String {
        let mut action = self.0.bucket.put_object(Some(&self.0.credentials), object.key());
        let headers = action.headers_mut();
        headers.insert("content-length", size.to_string());
        headers.insert("content-type", media_type.as_str());
        action.sign_with_time(UPLOAD, &self.0.clock.now()).into()
    }

    /// A URL from which the file can be loaded, for an hour.
    pub fn url(&self, object: &Object) -> String {
        let action = self.0.bucket.get_object(Some(&self.0.credentials), object.key());
        action.sign_with_time(LOOK, &self.0.clock.now()).into()
    }

    /// The URL of a request that is sent right away.
    pub(super) fn sign<'a>(&self, action: &impl S3Action<'a>) -> Url {
        action.sign_with_time(REQUEST, &self.0.clock.now())
    }
}
