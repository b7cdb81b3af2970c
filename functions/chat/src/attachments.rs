//! `POST /chatkit/attachments`: ChatKit's `direct` upload. A multipart form with the field `file` in, the attachment
//! out. For larger files there is the operation `attachments.create`, whose uploads do not pass through here.

use axum::Extension;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use chatkit_shared::http::{Caller, Code, Error, RequestLog, json};

use crate::App;

/// Lambda accepts events of 6 MB, and API Gateway encodes a body that is not text as base64, which is a third larger.
const MAX_UPLOAD_BYTES: usize = 4_400_000;

pub(crate) fn route() -> MethodRouter<App> {
    post(upload).layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES))
}

async fn upload(
    State(app): State<App>,
    Caller(identity): Caller,
    Extension(log): Extension<RequestLog>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Error> {
    log.operation("attachments.upload");
    let form = form.map_err(|_| {
        Error::new(Code::UnsupportedMediaType, "the body must be sent as `multipart/form-data` with a boundary")
    })?;
    let File { name, mime_type, bytes } = file(form).await?;
    let attachment = app.engine.upload_attachment(&identity, name, &mime_type, bytes).await?;
    Ok(json(&attachment))
}

/// The file as the browser sends it.
struct File {
    name: String,
    mime_type: String,
    bytes: Bytes,
}

async fn file(mut form: Multipart) -> Result<File, Error> {
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let (name, mime_type) = (text(field.file_name()), text(field.content_type()));
        let bytes = Field::bytes(field).await.map_err(unreadable)?;
        return Ok(File { name, mime_type, bytes });
    }
    Err(Error::bad_request("the form has no field `file`"))
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// The cause is left out: it may quote the form.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn unreadable(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "the file is larger than 4.4 MB; larger ones can be uploaded with `attachments.create`";
        Error::new(Code::PayloadTooLarge, message)
    } else {
        Error::bad_request("the form could not be read")
    }
}
