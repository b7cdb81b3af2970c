//! DynamoDB, as it is near: slow at times, throttled, failed, cut before or after a write.

use axum::body::Body;
use axum::http::Response;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Edge, cut, pause};
use crate::simulation::sabotage::Verdict;

pub(super) async fn answer(edge: &Edge, operation: &str, body: &[u8]) -> Response<Body> {
    let (world, dice) = (&edge.world, &edge.world.database_dice);
    pause(dice.between(1, 6)).await;
    let mut request: Value = serde_json::from_slice(body).unwrap();
    let fault = if world.is_calm() { 1_000 } else { dice.below(1_000) };
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
    let (status, answer) = carry_out(&world.database, operation, &request);
    match fault {
        34..42 => return cut(),
        42..48 => pause(dice.between(100, 4_000)).await,
        _ => {}
    }
    respond(status, answer)
}

fn carry_out(database: &Database, operation: &str, request: &Value) -> (u16, String) {
    match operation {
        "GetItem" => run(request, |request| database.get_item(request)),
        "PutItem" => run(request, |request| database.put_item(request)),
        "UpdateItem" => run(request, |request| database.update_item(request)),
        "DeleteItem" => run(request, |request| database.delete_item(request)),
        "Query" => run(request, |request| database.query(request)),
        "BatchGetItem" => run(request, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(request, |request| database.batch_write_item(request)),
        "TransactWriteItems" => run(request, |request| database.transact_write_items(request)),
        "TransactGetItems" => run(request, |request| database.transact_get_items(request)),
        other => panic!("the simulation's database has no {other}"),
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    request: &Value,
    carry_out: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> (u16, String) {
    match carry_out(serde_json::from_value(request.clone()).unwrap()) {
        Ok(answer) => (200, serde_json::to_string(&answer).unwrap()),
        Err(error) => (error.status_code(), error.to_json()),
    }
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
