use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{RequestBuilder, Response, Url};
use rusty_s3::S3Action;
use tokio::time::timeout;

use super::signature::LOOK_BYTES;
use super::{Files, FilesError, MediaType, ObjectKey};
use crate::https::{read_at_most, send_with_retry};

/// How long an upload may start.
const UPLOAD_URL_LIFETIME: Duration = Duration::from_mins(15);
/// Each load of a thread has new URLs.
const DOWNLOAD_URL_LIFETIME: Duration = Duration::from_hours(1);
/// Our own requests are sent at once, but clocks differ.
const REQUEST_LIFETIME: Duration = Duration::from_mins(5);

const COPY_SOURCE: &str = "x-amz-copy-source";
const COPY_SOURCE_IF_MATCH: &str = "x-amz-copy-source-if-match";

/// Before the one retry. S3 answers within some 20 ms, and what failed was mostly a connection that had died.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// How long S3 may be silent, before its answer and between two parts of it. Not for the whole: a large file takes a
/// while.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// What S3 writes into an answer that began well: a copy takes a while, so its status comes first.
const LATE_FAILURE: &[u8] = b"<Error>";

/// For answers that are not files.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHead {
    /// In bytes.
    pub size: u64,
    /// As it was uploaded; `None` if it is not a media type.
    pub media_type: Option<MediaType>,
    /// Changes whenever the content does.
    pub etag: String,
    /// Its first bytes.
    pub start: Bytes,
}

/// A request that failed because of the connection or an error of S3 is sent once more. All requests are idempotent.
impl Files {
    /// Whether a file exists.
    pub(super) async fn exists(&self, key: &ObjectKey) -> Result<bool, FilesError> {
        let url = self.sign(&self.0.bucket.head_object(Some(&self.0.credentials), key.as_str()));
        match retry_once(|| send(self.0.client.head(url.clone()))).await {
            Ok(_) => Ok(true),
            Err(FilesError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a file is, with its first bytes; `None` if it does not exist.
    pub async fn look(&self, key: &ObjectKey) -> Result<Option<FileHead>, FilesError> {
        let url = self.sign(&self.0.bucket.get_object(Some(&self.0.credentials), key.as_str()));
        let range = format!("bytes=0-{}", LOOK_BYTES - 1);
        let looked = retry_once(|| async {
            let answer = send(self.0.client.get(url.clone()).header(RANGE, &range)).await?;
            let header = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
            // As in `bytes 0-1023/20000`. A server that knows no ranges sends the whole file, and its length.
            let size = header(CONTENT_RANGE).and_then(|range| range.rsplit('/').next()).or(header(CONTENT_LENGTH));
            let (size, media_type) = (size.and_then(|size| size.parse().ok()), header(CONTENT_TYPE));
            let (media_type, etag) =
                (media_type.and_then(MediaType::parse), header(ETAG).unwrap_or_default().to_owned());
            let size = size.unwrap_or_default();
            Ok(FileHead { size, media_type, etag, start: read(answer, size.min(LOOK_BYTES as u64)).await? })
        });
        match looked.await {
            Ok(head) => Ok(Some(head)),
            Err(FilesError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Copies a file inside the bucket, with its type, on condition that it has not changed since [`Files::look`].
    /// [`FilesError::Changed`] if it is not.
    pub async fn copy(&self, from: &ObjectKey, to: &ObjectKey, etag: &str) -> Result<(), FilesError> {
        let source = format!("{}/{}", self.0.bucket.name(), from.as_str());
        let mut action = self.0.bucket.put_object(Some(&self.0.credentials), to.as_str());
        action.headers_mut().insert(COPY_SOURCE, source.as_str());
        action.headers_mut().insert(COPY_SOURCE_IF_MATCH, etag);
        let url = self.sign(&action);
        retry_once(|| async {
            let request = self.0.client.put(url.clone()).header(CONTENT_LENGTH, 0);
            let request = request.header(HeaderName::from_static(COPY_SOURCE), &source);
            let answer = send(request.header(HeaderName::from_static(COPY_SOURCE_IF_MATCH), etag)).await?;
            let answer = read(answer, MAX_ANSWER_BYTES).await?;
            let failed = answer.windows(LATE_FAILURE.len()).any(|part| part == LATE_FAILURE);
            if failed { Err(FilesError::Unavailable { source: "the copy failed".into() }) } else { Ok(()) }
        })
        .await
    }

    /// Stores a file.
    pub async fn put(&self, key: &ObjectKey, media_type: &MediaType, bytes: Bytes) -> Result<(), FilesError> {
        let mut action = self.0.bucket.put_object(Some(&self.0.credentials), key.as_str());
        action.headers_mut().insert("content-type", media_type.as_str());
        let url = self.sign(&action);
        let request = || self.0.client.put(url.clone()).header(CONTENT_TYPE, media_type.as_str()).body(bytes.clone());
        retry_once(|| send(request())).await.map(|_| ())
    }

    /// Reads a file of at most this many bytes.
    /// [`FilesError::NotFound`] if it does not exist, [`FilesError::TooLarge`] if it has more.
    pub async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<Bytes, FilesError> {
        let url = self.sign(&self.0.bucket.get_object(Some(&self.0.credentials), key.as_str()));
        retry_once(|| async { read(send(self.0.client.get(url.clone())).await?, max_bytes).await }).await
    }

    /// Removes a file, if it exists.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError> {
        let url = self.sign(&self.0.bucket.delete_object(Some(&self.0.credentials), key.as_str()));
        match retry_once(|| send(self.0.client.delete(url.clone()))).await {
            Ok(_) | Err(FilesError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn retry_once<T, F: Future<Output = Result<T, FilesError>>>(attempt: impl Fn() -> F) -> Result<T, FilesError> {
    let pause = |error: &FilesError, sent| (sent == 1 && error.is_unavailable()).then_some(RETRY_PAUSE);
    send_with_retry("the bucket", pause, attempt).await
}

async fn send(request: RequestBuilder) -> Result<Response, FilesError> {
    let answer = timeout(IDLE_TIMEOUT, request.send())
        .await
        .map_err(|_| FilesError::silence())?
        .map_err(FilesError::transport)?;
    if answer.status().is_success() { Ok(answer) } else { Err(FilesError::status(answer.status())) }
}

async fn read(answer: Response, max_bytes: u64) -> Result<Bytes, FilesError> {
    let chunks = tokio_stream::StreamExt::timeout(answer.bytes_stream(), IDLE_TIMEOUT);
    let chunks = chunks.map(|chunk| chunk.map_err(|_| FilesError::silence())?.map_err(FilesError::transport));
    let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    Ok(read_at_most(chunks, max_bytes, || FilesError::TooLarge).await?.into())
}

impl Files {
    /// A URL for a `PUT` of exactly this size and type, for 15 minutes. S3 refuses anything else, as both are signed.
    pub(crate) fn upload_url(&self, key: &ObjectKey, media_type: &MediaType, size: u64) -> String {
        let mut action = self.0.bucket.put_object(Some(&self.0.credentials), key.as_str());
        let headers = action.headers_mut();
        headers.insert("content-length", size.to_string());
        headers.insert("content-type", media_type.as_str());
        action.sign_with_time(UPLOAD_URL_LIFETIME, &self.0.clock.now()).into()
    }

    /// A URL from which the picture can be loaded, for an hour.
    pub fn url(&self, key: &ObjectKey) -> String {
        let action = self.0.bucket.get_object(Some(&self.0.credentials), key.as_str());
        action.sign_with_time(DOWNLOAD_URL_LIFETIME, &self.0.clock.now()).into()
    }

    /// The same for a file that somebody else has made. A browser saves it under this name and opens nothing, unless it
    /// is a picture without programs; as the source of an image it shows it all the same.
    pub fn url_of(&self, key: &ObjectKey, media_type: &str, name: &str) -> String {
        if MediaType::parse(media_type).is_some_and(|media_type| media_type.is_raster()) {
            return self.url(key);
        }
        let mut action = self.0.bucket.get_object(Some(&self.0.credentials), key.as_str());
        // RFC 6266, with the characters that RFC 8187 lets stand.
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        action.query_mut().insert("response-content-disposition", format!("attachment; filename*=UTF-8''{name}"));
        action.sign_with_time(DOWNLOAD_URL_LIFETIME, &self.0.clock.now()).into()
    }

    /// The same for the model's server, for at least an hour. It stays the same for an hour, so that a prompt begins
    /// with the bytes of the one before, which that server has in its cache.
    pub(super) fn prompt_url(&self, key: &ObjectKey) -> String {
        let now = self.0.clock.now();
        let hour = now.as_second() - now.as_second().rem_euclid(3_600);
        let action = self.0.bucket.get_object(Some(&self.0.credentials), key.as_str());
        let since = Timestamp::from_second(hour).unwrap_or(now);
        action.sign_with_time(DOWNLOAD_URL_LIFETIME + Duration::from_hours(1), &since).into()
    }

    fn sign<'a>(&self, action: &impl S3Action<'a>) -> Url {
        action.sign_with_time(REQUEST_LIFETIME, &self.0.clock.now())
    }
}
