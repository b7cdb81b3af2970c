//! DynamoDB, as it is near: slow at times, throttled, failed, cut before or after a write.

use axum::body::Body;
use axum::http::Response;
use chatkit_local::dynamodb;
use serde_json::Value;

use super::{Edge, cut, pause};
use crate::simulation::sabotage::Verdict;

pub(super) async fn answer(edge: &Edge, operation: &str, body: &[u8]) -> Response<Body> {
    let (world, dice) = (&edge.world, &edge.world.database_dice);
    pause(dice.between(1, 6)).await;
    let mut request: Value = serde_json::from_slice(body).unwrap();
    let fault = if world.is_calm() { 1_000 } else { dice.below(1_000) };
    if fault < 26 {
        world.note_refusal(operation, &request);
    }
    match fault {
        0..10 => return refusal(400, "ProvisionedThroughputExceededException"),
        10..18 => return refusal(500, "InternalServerError"),
        18..26 => return cut(),
        26..34 => pause(dice.between(100, 4_000)).await,
        _ => {}
    }
    // A request that is on its way when its process ends may still arrive.
    if edge.is_over() && dice.percent(50) {
        return cut();
    }
    let verdict = world.sabotage.map_or(Verdict::Pass, |sabotage| sabotage.database(operation, &mut request));
    if verdict == Verdict::Lose {
        return respond(200, "{}".to_owned());
    }
    let (status, answer) = dynamodb::answer(&world.database, operation, request.to_string().as_bytes());
    match fault {
        34..42 => return cut(),
        42..48 => pause(dice.between(100, 4_000)).await,
        _ => {}
    }
    respond(status.as_u16(), answer)
}

fn refusal(status: u16, kind: &str) -> Response<Body> {
    let answer =
        serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "so it is" });
    respond(status, answer.to_string())
}

fn respond(status: u16, answer: String) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    response.body(Body::from(answer)).unwrap()
}
