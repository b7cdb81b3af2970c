use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shop::{self, PRODUCTS};
use super::{Site, Verified};

/// The call of a tool. Besides, `data` says in which thread, and who asks (`user`): trust that, and not the arguments,
/// when it matters who it is.
#[derive(Deserialize)]
pub(super) struct ToolCall {
    tool: String,
}

pub(super) async fn run(State(site): State<Site>, Verified(call): Verified<ToolCall>) -> Response {
    match &*call.tool {
        "find_products" => find_products(&site),
        "ask_preferences" => ask_preferences(),
        _ => (StatusCode::NOT_FOUND, "this shop has no such tool\n").into_response(),
    }
}

/// Streams effects as they happen: a line of progress, a widget that grows under one key, and the output for the model.
fn find_products(site: &Site) -> Response {
    let found = |count: usize| {
        let names = PRODUCTS.map(|product| product.name).join(", ");
        json!({"type": "widget", "key": "products", "widget": shop::list(&PRODUCTS[..count]), "copy_text": names})
    };
    let products =
        PRODUCTS.map(|product| json!({"id": product.id, "name": product.name, "price": shop::money(product.price)}));
    let effects = [
        json!({"type": "progress_update", "text": "Looking through the shelves", "icon": "search"}),
        found(1),
        found(2),
        found(3),
        json!({"type": "output", "output": {"shown": true, "products": products}}),
    ];
    let pace = site.pace;
    let events = stream::iter(effects).then(move |effect| async move {
        tokio::time::sleep(pace).await;
        Event::default().json_data(effect)
    });
    Sse::new(events).into_response()
}

/// Answers at once: questions for the person, which end the turn, and what the model is told meanwhile.
fn ask_preferences() -> Response {
    let options = |values: &[&str]| values.iter().map(|value| json!({ "value": value })).collect::<Vec<Value>>();
    let inputs = json!([
        {"type": "multiple_choice", "id": "where", "question": "Where would you like to go?",
         "options": options(&["The sea", "The mountains", "A city"])},
        {"type": "multiple_choice", "id": "likes", "question": "What do you like there?", "multiple": true,
         "options": options(&["Food", "Museums", "Walking", "Nothing at all"])},
        {"type": "freeform", "id": "wishes", "question": "Anything else?", "description": "Dates, budget, company"},
    ]);
    Json(json!({
        "output": "The visitor is being asked.",
        "effects": [{"type": "structured_input", "inputs": inputs}],
    }))
    .into_response()
}
