//! An embedded S3, in a folder.
//!
//! It checks signatures as S3 does, with an implementation that shares no code with ours: the method, the key, and the
//! value of each signed header, so it refuses an upload of another size or type than was signed. Unlike S3 it has no
//! rules that empty `uploads/`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use chatkit_shared::clock::Clock;
use chatkit_shared::setup::SetupError;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use serde::Deserialize;
use tempfile::TempDir;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// The one bucket.
pub const BUCKET: &str = "files";

/// The id of its key, which every URL names.
pub const KEY_ID: &str = "local";

/// Where the objects are.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Removes a temporary folder at the end.
    _temporary: Option<TempDir>,
}

impl Folder {
    /// `objects` in this folder, or a temporary one that goes with the process.
    pub fn open(data: Option<&Path>) -> Result<Self, SetupError> {
        let (path, temporary) = match data {
            Some(data) => (data.join("objects"), None),
            None => {
                let folder = TempDir::new().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        std::fs::create_dir_all(path.join(BUCKET))
            .map_err(|error| format!("cannot create `{}`: {error}", path.display()))?;
        Ok(Self { path, _temporary: temporary })
    }
}

#[derive(Clone)]
struct Objects {
    service: S3Service,
    clock: Clock,
    _folder: Arc<Folder>,
}

/// The API, for requests that are signed with [`KEY_ID`] and this secret. Pages of these origins may use the URLs.
pub fn router(folder: Folder, secret: &str, origins: &[String], clock: Clock) -> Result<Router, SetupError> {
    let files =
        FileSystem::new(&folder.path).map_err(|error| format!("cannot open `{}`: {error:?}", folder.path.display()))?;
    let mut config = S3Config::default();
    // It uses the clock of the machine; `serve` checks how long a URL is valid, with our clock.
    config.presigned_url_max_skew_time_secs = u32::MAX;
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single(KEY_ID, secret));
    service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    let objects = Objects { service: service.build(), clock, _folder: Arc::new(folder) };
    let origins = origins.to_vec();
    let is_allowed = move |origin: &HeaderValue, _: &_| origins.iter().any(|allowed| allowed == origin);
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_allowed))
        .allow_methods([Method::GET, Method::HEAD, Method::PUT])
        .allow_headers(AllowHeaders::mirror_request());
    Ok(Router::new().fallback(serve).layer(cors).with_state(objects))
}

/// When a presigned URL was made, for how long, and for which headers.
#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "X-Amz-Date")]
    date: String,
    #[serde(rename = "X-Amz-Expires")]
    seconds: i64,
    #[serde(rename = "X-Amz-SignedHeaders")]
    headers: String,
}

impl Signed {
    fn until(&self) -> Option<i64> {
        let date = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.date).ok()?.to_zoned(TimeZone::UTC).ok()?;
        date.timestamp().as_second().checked_add(self.seconds)
    }

    /// Whether the request has no instruction that its signer did not give, such as that its upload is a copy.
    fn covers(&self, headers: &HeaderMap) -> bool {
        let mut instructions = headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
        instructions.all(|name| self.headers.split(';').any(|signed| signed == name))
    }
}

async fn serve(
    State(objects): State<Objects>,
    signed: Result<Query<Signed>, QueryRejection>,
    request: Request,
) -> Response {
    let refuse = |reason: &'static str| (StatusCode::FORBIDDEN, reason).into_response();
    let Ok(Query(signed)) = signed else { return refuse("the URL is not signed\n") };
    match signed.until() {
        Some(until) if objects.clock.now().as_second() <= until => {}
        Some(_) => return refuse("the URL has expired\n"),
        None => return refuse("the URL is not signed\n"),
    }
    if !signed.covers(request.headers()) {
        return refuse("a header is not signed\n");
    }
    match objects.service.call(request.map(Body::http_body_unsync)).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(error) => {
            tracing::error!(error = ?error, "the embedded S3 failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
