use serde_json::{Value, json};

/// Something that the shop sells.
pub(super) struct Product {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) icon: &'static str,
    /// In cents.
    pub(super) price: u32,
}

pub(super) const PRODUCTS: [Product; 3] = [
    Product { id: "bag", name: "Canvas bag", about: "Carries a week", icon: "suitcase", price: 4_900 },
    Product { id: "lamp", name: "Reading lamp", about: "Warm, and never in the way", icon: "lightbulb", price: 3_250 },
    Product { id: "notebook", name: "Notebook", about: "Dotted, 160 pages", icon: "notebook", price: 1_200 },
];

/// The product with this id.
pub(super) fn product(id: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.id == id)
}

/// A list with a button for each product.
pub(super) fn list(products: &[Product]) -> Value {
    let rows = products.iter().map(|product| {
        json!({"type": "ListViewItem", "key": product.id, "gap": 3, "align": "center", "children": [
            {"type": "Box", "padding": 2, "radius": "md", "background": "surface-secondary", "children": [
                {"type": "Icon", "name": product.icon, "size": "lg"},
            ]},
            {"type": "Col", "flex": 1, "gap": 0, "children": [
                {"type": "Text", "value": product.name, "weight": "semibold"},
                {"type": "Caption", "value": product.about},
            ]},
            {"type": "Text", "value": money(product.price)},
            {"type": "Button", "label": "Add", "iconStart": "plus", "size": "sm", "onClickAction": {
                "type": "add_to_cart", "payload": {"product": product.id},
            }},
        ]})
    });
    json!({"type": "ListView", "children": rows.collect::<Vec<_>>()})
}

/// A form with what is bought, at this price in cents.
pub(super) fn cart(product: &Product, price: u32) -> Value {
    let choice = |value: &str, label: &str| json!({"value": value, "label": label});
    json!({
        "type": "Card",
        "asForm": true,
        "confirm": {"label": "Check out", "action": {"type": "checkout", "payload": {"product": product.id}}},
        "children": [
            {"type": "Row", "align": "center", "gap": 2, "children": [
                {"type": "Icon", "name": product.icon},
                {"type": "Title", "value": "Your cart", "size": "sm"},
                {"type": "Spacer"},
                {"type": "Badge", "label": "1 item", "color": "info"},
            ]},
            {"type": "Divider"},
            {"type": "Row", "align": "center", "children": [
                {"type": "Text", "value": product.name},
                {"type": "Spacer"},
                {"type": "Text", "id": "price", "value": money(price), "weight": "semibold"},
                {"type": "Button", "label": "Refresh", "iconStart": "reload", "size": "sm", "variant": "ghost",
                 "onClickAction": {
                    "type": "refresh_price", "streaming": false, "payload": {"product": product.id, "price": price},
                 }},
            ]},
            {"type": "Label", "value": "Delivery", "fieldName": "delivery"},
            {"type": "RadioGroup", "name": "delivery", "ariaLabel": "Delivery", "defaultValue": "post", "direction": "row",
             "options": [choice("post", "By post"), choice("express", "Express")]},
            {"type": "Label", "value": "A note for us", "fieldName": "note"},
            {"type": "Input", "name": "note", "placeholder": "Leave it at the door"},
        ],
    })
}

/// What is left of the cart after the checkout.
pub(super) fn receipt(product: &Product, delivery: &str, order: u32) -> Value {
    json!({"type": "Card", "status": {"text": "Ordered", "icon": "check-circle"}, "children": [
        {"type": "Title", "value": format!("Order {order}"), "size": "sm"},
        {"type": "Text", "value": format!("{}, {}", product.name, money(product.price))},
        {"type": "Caption", "value": if delivery == "express" { "Arrives tomorrow" } else { "Arrives within the week" }},
    ]})
}

/// Cents, as people write them.
pub(super) fn money(cents: u32) -> String {
    format!("€{}.{:02}", cents / 100, cents % 100)
}
