use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response};
use rusty_s3::S3Action;
use tokio::time::{sleep, timeout};

use super::{Files, FilesError, MediaType, Object};

const COPY_SOURCE: &str = "x-amz-copy-source";
const COPY_SOURCE_IF_MATCH: &str = "x-amz-copy-source-if-match";

/// Before the one retry. S3 answers within some 20 ms, and what failed was mostly a connection that had died.
const PAUSE: Duration = Duration::from_millis(50);

/// How long S3 may be silent, before its answer and between two parts of it. Not for the whole: a large file takes a
/// while.
const SILENCE: Duration = Duration::from_secs(10);

/// What S3 writes into an answer that began well: a copy takes a while, so its status comes first.
const LATE_FAILURE: &[u8] = b"<Error>";

/// Bytes of an answer that is no file.
const LARGEST_ANSWER: u64 = 64 * 1024;

/// What is known of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Bytes.
    pub size: u64,
    /// What it was uploaded as; `None` if that makes no sense.
    pub media_type: Option<MediaType>,
    /// Changes whenever the content does.
    pub etag: String,
}

/// A request that failed because of the connection or with a failure of S3's own is sent once more. Each is the same the
/// second time.
impl Files {
    /// Looks at a file; `None` if there is nothing.
    pub async fn head(&self, object: &Object) -> Result<Option<Found>, FilesError> {
        let url = self.sign(&self.0.bucket.head_object(Some(&self.0.credentials), object.key()));
        let answer = match twice(|| send(self.0.client.head(url.clone()))).await {
            Ok(answer) => answer,
            Err(FilesError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let header = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        Ok(Some(Found {
            size: header(CONTENT_LENGTH).and_then(|size| size.parse().ok()).unwrap_or_default(),
            media_type: header(CONTENT_TYPE).and_then(MediaType::parse),
            etag: header(ETAG).unwrap_or_default().to_owned(),
        }))
    }

    /// Copies a file inside the bucket, with its type, on condition that it still is what [`Files::head`] saw.
    /// [`FilesError::Changed`] if it is not.
    pub async fn copy(&self, from: &Object, to: &Object, etag: &str) -> Result<(), FilesError> {
        let source = format!("{}/{}", self.0.bucket.name(), from.key());
        let mut action = self.0.bucket.put_object(Some(&self.0.credentials), to.key());
        action.headers_mut().insert(COPY_SOURCE, source.as_str());
        action.headers_mut().insert(COPY_SOURCE_IF_MATCH, etag);
        let url = self.sign(&action);
        twice(|| async {
            let request = self.0.client.put(url.clone()).header(CONTENT_LENGTH, 0);
            let request = request.header(HeaderName::from_static(COPY_SOURCE), &source);
            let answer = send(request.header(HeaderName::from_static(COPY_SOURCE_IF_MATCH), etag)).await?;
            let answer = read(answer, LARGEST_ANSWER).await?;
            let failed = answer.windows(LATE_FAILURE.len()).any(|part| part == LATE_FAILURE);
            if failed { Err(FilesError::Unavailable { source: "the copy failed".into() }) } else { Ok(()) }
        })
        .await
    }

    /// Keeps a file.
    pub async fn put(&self, object: &Object, media_type: &MediaType, bytes: Bytes) -> Result<(), FilesError> {
        let mut action = self.0.bucket.put_object(Some(&self.0.credentials), object.key());
        action.headers_mut().insert("content-type", media_type.as_str());
        let url = self.sign(&action);
        let request = || self.0.client.put(url.clone()).header(CONTENT_TYPE, media_type.as_str()).body(bytes.clone());
        twice(|| send(request())).await.map(|_| ())
    }

    /// Reads a file of at most this many bytes.
    /// [`FilesError::NotFound`] if it does not exist, [`FilesError::TooLarge`] if it has more.
    pub async fn get(&self, object: &Object, at_most: u64) -> Result<Bytes, FilesError> {
        let url = self.sign(&self.0.bucket.get_object(Some(&self.0.credentials), object.key()));
        twice(|| async { read(send(self.0.client.get(url.clone())).await?, at_most).await }).await
    }

    /// Removes a file. One that does not exist is fine.
    pub async fn delete(&self, object: &Object) -> Result<(), FilesError> {
        let url = self.sign(&self.0.bucket.delete_object(Some(&self.0.credentials), object.key()));
        match twice(|| send(self.0.client.delete(url.clone()))).await {
            Ok(_) | Err(FilesError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn twice<T, F: Future<Output = Result<T, FilesError>>>(attempt: impl Fn() -> F) -> Result<T, FilesError> {
    match attempt().await {
        Err(error) if error.is_unavailable() => {
            tracing::warn!(error = &error as &dyn std::error::Error, "asking the store of files once more");
            sleep(PAUSE).await;
            attempt().await
        }
        answer => answer,
    }
}

async fn send(request: RequestBuilder) -> Result<Response, FilesError> {
    let answer = timeout(SILENCE, request.send()).await.map_err(FilesError::silence)?.map_err(FilesError::transport)?;
    if answer.status().is_success() { Ok(answer) } else { Err(FilesError::status(answer.status())) }
}

async fn read(answer: Response, at_most: u64) -> Result<Bytes, FilesError> {
    let mut bytes = BytesMut::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = timeout(SILENCE, chunks.next()).await.map_err(FilesError::silence)? {
        bytes.extend_from_slice(&chunk.map_err(FilesError::transport)?);
        if u64::try_from(bytes.len()).is_ok_and(|size| size > at_most) {
            return Err(FilesError::TooLarge);
        }
    }
    Ok(bytes.freeze())
}
