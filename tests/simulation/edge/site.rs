//! The site's endpoint, which counts how often it is told something.

use axum::body::Body;
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};

use super::{Edge, cut, json as answer_with, pause};

pub(super) async fn answer(edge: &Edge, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
    let (world, dice) = (&edge.world, &edge.world.site_dice);
    let told: Value = serde_json::from_slice(body).unwrap();
    let data = &told["data"];
    let matter = match data["action"].is_null() {
        true => format!("call {} in {}", data["call_id"], data["thread"]["id"]),
        false => format!("action {}", data["action"]),
    };
    let mut id = headers["webhook-id"].to_str().unwrap().to_owned();
    if let Some(sabotage) = world.sabotage {
        sabotage.call_id(&mut id, dice);
    }
    world.say(format!("the endpoint is told of {matter} as {id}"));
    world.journal.lock().unwrap().calls.entry(matter).or_default().push(id);
    pause(dice.between(20, 1_500)).await;
    if !world.is_calm() {
        match dice.below(100) {
            0..3 => return answer_with(503, &"{}"),
            3..5 => return answer_with(400, &"{}"),
            5..8 => return cut(),
            8..10 => pause(dice.between(1_000, 12_000)).await,
            _ => {}
        }
    }
    let card = |text: &str| json!({ "type": "Card", "children": [{ "type": "Text", "value": text }] });
    let question = json!({
        "type": "multiple_choice", "id": "color", "question": "Which color?",
        "options": [{ "value": "red" }, { "value": "blue" }],
    });
    let answer = match (data["action"]["type"].as_str(), data["tool"].as_str()) {
        (Some("respond"), _) => {
            json!({ "effects": [{ "type": "hidden_context", "content": "Ordered" }, { "type": "respond" }] })
        }
        (Some(_), _) => json!({ "effects": [{ "type": "replace_widget", "widget": card(&dice.next().to_string()) }] }),
        (None, Some("find_stock")) if dice.percent(50) => {
            json!({ "effects": [{ "type": "structured_input", "inputs": [question] }] })
        }
        (None, _) if dice.percent(40) => {
            json!({ "output": "shown", "effects": [{ "type": "widget", "widget": card("one") }] })
        }
        (None, _) => json!({ "output": "found" }),
    };
    answer_with(200, &answer)
}
