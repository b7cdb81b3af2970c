//! The identity `x-user-id`, which is not verified. For a developer's own machine.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use chatkit_shared::http::{RefusedIdentity, TrustedIdentity};
use chatkit_shared::identity::{Identity, Owner};

/// Takes the user from the header `x-user-id`, with all permissions.
pub(crate) async fn trust_header(mut request: Request, next: Next) -> Response {
    if let Some(value) = request.headers().get("x-user-id") {
        let owner = value.to_str().ok().and_then(|user| Owner::new(Owner::DEFAULT_TENANT, user).ok());
        match owner {
            Some(owner) => {
                let permissions = vec![Identity::ANALYTICS_READ.to_owned()];
                let identity = Identity { permissions, ..Identity::of(owner) };
                request.extensions_mut().insert(TrustedIdentity(identity));
            }
            None => {
                let refusal = RefusedIdentity("the header `x-user-id` must have 1 to 256 visible characters");
                request.extensions_mut().insert(refusal);
            }
        }
    }
    next.run(request).await
}
