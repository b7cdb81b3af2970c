use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::Site;

/// A call whose signature is good. It holds what stands in the body under `data`.
pub(super) struct Verified<T>(pub(super) T);

/// The body of a call, of a tool as of an action.
#[derive(serde::Deserialize)]
struct Call<T> {
    data: T,
}

impl<T: DeserializeOwned> FromRequest<Site> for Verified<T> {
    type Rejection = (StatusCode, &'static str);

    async fn from_request(request: Request, site: &Site) -> Result<Self, Self::Rejection> {
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, site).await;
        let body = body.map_err(|_| (StatusCode::BAD_REQUEST, "the body cannot be read\n"))?;
        // The signature is over the bytes as they came, and over the time: an old call cannot be sent again.
        let verified = site.webhook.verify(&body, &headers);
        verified.map_err(|_| (StatusCode::UNAUTHORIZED, "the signature is not good\n"))?;
        let Call { data } = serde_json::from_slice(&body)
            .map_err(|_| (StatusCode::BAD_REQUEST, "this is neither a tool's call nor an action\n"))?;
        Ok(Self(data))
    }
}
