//! What models cost a tenant.

use serde_json::json;

use super::with;
use crate::harness::responses::answer;

#[tokio::test]
async fn tenant_has_its_own_prices() {
    let app = with([]).await;
    app.model.then(answer("Hello there"));
    app.create("ada", "Hi").await;
    let prices = json!({ "models": { "test-model": { "input": 1, "cached_input": 0.5, "output": 2.5 } } });
    app.put_settings("default", &json!({ "prices": prices })).await;
    app.clock.advance(61_000);
    app.model.then(answer("Hello there"));
    app.create("ada", "Hi").await;

    let mut records = app.dynamo.records("usage");
    records.retain(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#"));
    records.sort_by_key(|record| record["sk"]["S"].to_string());
    let costs: Vec<_> = records.iter().map(|record| record["picodollars"]["N"].as_str()).collect();
    // The answer has 7 tokens of input, 5 that were cached and 2 of output, its title 1 of output.
    assert_eq!(costs, [None, Some("26500000")]);
}
