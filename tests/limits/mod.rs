//! How much one address and one user may ask, over any number of processes.

mod address;
mod bound;
mod explained;
mod shared;
mod tokens;
mod uncounted;
mod user;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use tower::ServiceExt;

/// Sends all requests at once, in turn to each of the routers.
async fn race(routers: &[Router], requests: Vec<Request<Body>>) -> Vec<Response<Body>> {
    let sent = requests.into_iter().enumerate().map(|(number, request)| {
        let router = routers[number % routers.len()].clone();
        async move { router.oneshot(request).await.unwrap() }
    });
    futures_util::future::join_all(sent).await
}

fn count(responses: &[Response<Body>], status: u16) -> usize {
    responses.iter().filter(|response| response.status() == status).count()
}
