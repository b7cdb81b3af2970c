//! The identity `x-user-id`: anybody is whoever they say. For a developer's own machine.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use chatkit_shared::http::Error;
use chatkit_shared::identity::{Identity, Owner, TrustedIdentity};

/// Believes the header `x-user-id`, and allows that user everything.
pub(crate) async fn believe_header(mut request: Request, next: Next) -> Result<Response, Error> {
    if let Some(value) = request.headers().get("x-user-id") {
        let owner = value.to_str().ok().and_then(|user| Owner::new(Owner::DEFAULT_TENANT, user).ok());
        let owner =
            owner.ok_or_else(|| Error::unauthorized("the header `x-user-id` has 1 to 256 visible characters"))?;
        let permissions = vec![Identity::ANALYTICS_READ.to_owned()];
        request.extensions_mut().insert(TrustedIdentity(Identity { owner, anonymous: false, permissions }));
    }
    Ok(next.run(request).await)
}
