//! An answer in API Gateway's streaming format: a JSON prelude, eight NUL bytes, the body as it comes.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use lambda_http::Error;
use lambda_http::lambda_runtime::MetadataPrelude;
use lambda_http::lambda_runtime::streaming::Body;

use crate::telemetry::chain;

/// What separates the prelude from the body.
const DELIMITER: Bytes = Bytes::from_static(&[0; 8]);

/// The answer's bytes. They cannot fail: they end where the body of the answer fails.
pub(super) fn body(response: Response) -> Result<Body, Error> {
    let (parts, body) = response.into_parts();
    let mut headers = parts.headers;
    let cookies = headers.get_all(SET_COOKIE).iter().map(|cookie| String::from_utf8_lossy(cookie.as_bytes()).into());
    let cookies = cookies.collect();
    headers.remove(SET_COOKIE);
    join_repeated(&mut headers);
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
    let prelude = serde_json::to_vec(&MetadataPrelude { status_code: parts.status, headers, cookies })?;
    let bytes = stream::iter([prelude.into(), DELIMITER]).chain(chunks(body));
    Ok(Body::new(StreamBody::new(bytes.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk))))))
}

/// The body's bytes up to its end, its error or its panic. An error would have to be written into the text that the
/// client reads; a panic would take the connection to Lambda with it, and so the environment.
fn chunks(body: axum::body::Body) -> impl Stream<Item = Bytes> {
    let caught = AssertUnwindSafe(body.into_data_stream()).catch_unwind();
    caught.scan((), |(), chunk| {
        let chunk = match chunk {
            Ok(Ok(chunk)) => Some(chunk),
            Ok(Err(error)) => {
                tracing::error!(error = chain(&error), "a response body failed");
                None
            }
            Err(_) => {
                tracing::error!("a response body panicked");
                None
            }
        };
        future::ready(chunk)
    })
}

/// Makes one line of a header that is set several times: the prelude would hold an array where API Gateway's format
/// has a string.
fn join_repeated(headers: &mut HeaderMap) {
    let is_repeated = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
    let repeated: Vec<HeaderName> = headers.keys().filter(is_repeated).cloned().collect();
    for name in repeated {
        let values: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&values.join(b", ".as_slice())) {
            headers.insert(name, joined);
        }
    }
}
