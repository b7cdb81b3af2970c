//! An embedded DynamoDB. The functions of this process call it through the AWS SDK, without a port that anything else
//! on this machine could find; [`router`] is for functions in other processes.

use std::fmt;
use std::path::Path;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use chatkit_shared::setup::SetupError;
use dynoxide::{Database, DynoxideError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The header that names the operation, as in `DynamoDB_20120810.GetItem`.
const TARGET: &str = "x-amz-target";
/// DynamoDB's own bound.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The database in this folder, or one in memory.
pub(crate) fn open(data: Option<&Path>) -> Result<Database, SetupError> {
    match data.map(|data| data.join("dynamodb.sqlite")) {
        Some(path) => Database::new(&path.to_string_lossy())
            .map_err(|error| format!("cannot open `{}`: {error}", path.display()).into()),
        None => Database::memory().map_err(|error| format!("cannot open a database: {error}").into()),
    }
}

/// What carries out the SDK's requests in place of an HTTP client.
pub fn http_client(database: Database) -> SharedHttpClient {
    SharedHttpClient::new(InProcess(database))
}

/// DynamoDB's API at the path `/<secret>/`.
pub fn router(database: Database, secret: &str) -> Router {
    Router::new()
        .route(&format!("/{secret}/"), post(serve))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(database)
}

async fn serve(
    State(database): State<Database>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(http::HeaderName, &'static str); 1], String) {
    let target = headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let (status, body) = answer(&database, target, &body);
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body)
}

/// Carries out a request; `target` is as in the header. Status and body of the answer.
pub fn answer(database: &Database, target: &str, body: &[u8]) -> (StatusCode, String) {
    match perform(database, target.rsplit('.').next().unwrap_or_default(), body) {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error.to_json())
        }
    }
}

/// The operations of `shared/src/store/`.
fn perform(database: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<String> {
    match operation {
        "BatchWriteItem" => call(body, |request| database.batch_write_item(request)),
        "CreateTable" => call(body, |request| database.create_table(request)),
        "DeleteItem" => call(body, |request| database.delete_item(request)),
        "DescribeTable" => call(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => call(body, |request| database.describe_time_to_live(request)),
        "GetItem" => call(body, |request| database.get_item(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "UpdateTimeToLive" => call(body, |request| database.update_time_to_live(request)),
        _ => Err(DynoxideError::ValidationException(format!("the embedded DynamoDB has no `{operation}`"))),
    }
}

fn call<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    perform: impl FnOnce(I) -> dynoxide::Result<O>,
) -> dynoxide::Result<String> {
    let request =
        serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    serde_json::to_string(&perform(request)?).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

#[derive(Clone)]
struct InProcess(Database);

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an embedded DynamoDB")
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().ok_or_else(|| ConnectorError::user("a body that is not in memory".into()));
        HttpConnectorFuture::ready(body.map(|body| {
            let (status, body) = answer(&self.0, request.headers().get(TARGET).unwrap_or_default(), body);
            HttpResponse::new(status.into(), SdkBody::from(body))
        }))
    }
}
