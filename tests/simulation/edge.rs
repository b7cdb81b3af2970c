//! The two edges of an instance: what it calls, and how that fails.

mod database;
mod model;
mod site;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use http_body_util::BodyExt;
use tokio::sync::watch;
use tokio::time::sleep;

use super::world::World;

#[derive(Clone)]
pub(super) struct Edge {
    world: Arc<World>,
    /// Whether the instance has ended.
    ends: watch::Receiver<bool>,
}

/// Everything that an instance calls, under one address.
pub(super) fn router(world: Arc<World>, ends: watch::Receiver<bool>) -> Router {
    Router::new().fallback(answer).with_state(Edge { world, ends })
}

async fn answer(State(edge): State<Edge>, request: Request) -> Response<Body> {
    edge.world.activity.note();
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return cut(),
    };
    if edge.is_over() {
        return cut();
    }
    let answer = match (parts.headers.get("x-amz-target"), parts.uri.path()) {
        (Some(target), _) => {
            let operation = target.to_str().unwrap().rsplit('.').next().unwrap().to_owned();
            database::answer(&edge, &operation, &body).await
        }
        (None, "/tools") => site::answer(&edge, &parts.headers, &body).await,
        (None, _) => model::answer(&edge, &body).await,
    };
    edge.world.activity.note();
    // Whatever comes after the end of a process reaches nobody.
    if edge.is_over() { cut() } else { answer }
}

impl Edge {
    fn is_over(&self) -> bool {
        *self.ends.borrow()
    }
}

async fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds)).await;
}

/// An answer that breaks the connection.
fn cut() -> Response<Body> {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::builder().header("content-length", 100).body(Body::from_stream(broken)).unwrap()
}

fn json(status: u16, body: &impl ToString) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}
