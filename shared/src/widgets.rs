pub fn diff(_: &serde_json::Value, _: &serde_json::Value) -> Vec<crate::protocol::ItemUpdate> {
    Vec::new()
}
