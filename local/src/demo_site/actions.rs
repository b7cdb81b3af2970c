use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Verified;
use super::shop::{self, Product};

/// An action. Besides, `data` has the widget that it came from (`item`), the thread and who asks (`user`).
#[derive(Deserialize)]
pub(super) struct ActionCall {
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Payload,
}

/// What the widget wrote into its buttons, and the values of its form. It comes from a browser: anything may be in it.
#[derive(Default, Deserialize)]
struct Payload {
    product: Option<String>,
    price: Option<u32>,
    delivery: Option<String>,
}

pub(super) async fn run(Verified(call): Verified<ActionCall>) -> Response {
    let Action { kind, payload } = call.action;
    let Some(product) = payload.product.as_deref().and_then(shop::product) else {
        return (StatusCode::BAD_REQUEST, "this shop has no such product\n").into_response();
    };
    let effects = match &*kind {
        "add_to_cart" => add_to_cart(product),
        "refresh_price" => refresh_price(product, payload.price.unwrap_or(product.price)),
        "checkout" => check_out(product, payload.delivery.as_deref().unwrap_or("post")),
        _ => return (StatusCode::NOT_FOUND, "this shop has no such action\n").into_response(),
    };
    Json(json!({ "effects": effects })).into_response()
}

/// The list becomes a cart, and the page may count what is in it.
fn add_to_cart(product: &Product) -> Value {
    json!([
        {"type": "replace_widget", "widget": shop::cart(product, product.price), "copy_text": product.name},
        {"type": "client_effect", "name": "cart_changed", "data": {"count": 1}},
    ])
}

/// Answers while the assistant may be talking (`streaming: false` in the widget), so it only changes the widget.
fn refresh_price(product: &Product, last: u32) -> Value {
    let price = if last == product.price { product.price * 9 / 10 } else { product.price };
    json!([{"type": "replace_widget", "widget": shop::cart(product, price), "copy_text": product.name}])
}

/// The cart becomes a receipt; the model is told of the order, and thanks for it.
fn check_out(product: &Product, delivery: &str) -> Value {
    const ORDER: u32 = 1042;
    json!([
        {"type": "replace_widget", "widget": shop::receipt(product, delivery, ORDER), "copy_text": product.name},
        {"type": "hidden_context", "content": format!("The visitor has ordered: {}, order number {ORDER}.", product.name)},
        {"type": "respond"},
    ])
}
