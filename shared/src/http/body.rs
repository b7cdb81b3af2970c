use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Code, Error};

/// Of a request body.
const MAX_BODY_BYTES: usize = 1 << 20;

/// An answer in JSON.
pub fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(error) => Error::internal(error).into_response(),
    }
}

/// Refuses a body that is not said to be JSON: `unsupported_media_type`. A page of another origin can send JSON only if
/// a preflight has let it.
pub fn expect_json(headers: &HeaderMap) -> Result<(), Error> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType, "the body must be sent as `application/json`"))
}

/// The bytes of a JSON body, not parsed yet.
///
/// Rejections: `unsupported_media_type` unless the content type is JSON, `payload_too_large` over 1 MB.
#[derive(Debug)]
pub struct JsonBody(pub Bytes);

impl JsonBody {
    /// The body as a `T`, or `bad_request` with the path of the wrong field.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.0);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            Error::bad_request(match error.path().to_string().as_str() {
                // No message of the parser is sure to quote no value.
                "." => "the body is not the JSON object that this route takes".to_owned(),
                path => format!("`{path}` is missing or has the wrong type"),
            })
        })?;
        deserializer.end().map_err(|_| Error::bad_request("the body has something behind its JSON object"))?;
        Ok(value)
    }
}

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        expect_json(request.headers())?;
        Ok(Self(read_body(request.into_body()).await?))
    }
}

/// The bytes of a body. Refuses one over 1 MB: `payload_too_large`.
pub async fn read_body(body: Body) -> Result<Bytes, Error> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Error::new(Code::PayloadTooLarge, "the body is larger than 1 MB"))
        }
        Err(error) => Err(Error::bad_request("the body could not be read").because(error)),
    }
}
