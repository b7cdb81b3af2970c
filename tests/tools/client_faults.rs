//! What the page returned cannot be stored.

use serde_json::json;

use super::{Shop, first_turn, kinds, said};
use crate::harness::dynamodb::Fault;
use crate::harness::responses::{answer, function_call};

#[tokio::test]
async fn client_tool_output_that_cannot_be_stored_can_be_sent_again() {
    let shop = Shop::with([]).await;
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    let (_, thread_id) = first_turn(&shop, "What have I picked?").await;
    shop.app.dynamo.fail("UpdateItem", "client_tool_call", Fault::CutAfter, 3);
    shop.app.model.on(|request| !request.is_title(), answer("A lamp"));
    let events = shop.output(&thread_id, json!("lamp")).await.events();
    assert_eq!(kinds(&events), ["error"]);
    assert_eq!(shop.items(&thread_id).await[1]["status"], "pending");

    let events = shop.output(&thread_id, json!("lamp")).await.events();
    assert_eq!(*said(&events), "A lamp");
    assert_eq!(shop.items(&thread_id).await[1]["output"], "lamp");
}
