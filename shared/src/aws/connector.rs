//! The AWS SDK over the process's HTTP client, in place of one that the SDK would build for itself with a pool and a
//! store of root certificates of its own.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::{Body, Client, Request};

/// Sends the SDK's requests. Its retries and the time of an attempt are the SDK's business, above this; the time in
/// which a connection must be made is the HTTP client's.
#[derive(Debug, Clone)]
pub(super) struct Connector(Client);

impl Connector {
    pub(super) const fn new(client: Client) -> Self {
        Self(client)
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
            let response: http::Response<Body> = client.execute(request).await.map_err(failed)?.into();
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What failed decides whether the SDK tries again.
fn failed(error: reqwest::Error) -> ConnectorError {
    // A URL may be presigned, and says nothing that the SDK does not know.
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
