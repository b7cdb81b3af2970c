//! Orders that are not taken, come twice or late, or whose invocation dies.

use serde_json::{Value, json};

use crate::harness::app::create;
use crate::harness::dynamodb::Fault;
use crate::harness::model::Gate;
use crate::harness::responses::{answer, created, delta, message_added, part_added, sse};
use crate::harness::socket::{Client, Sockets};

fn is_turn(event: &Value) -> bool {
    event.get("turn").is_some()
}

/// The order of another request, given now.
fn another(order: &Value, sockets: &Sockets, request_id: &str) -> Value {
    let mut order = order.clone();
    order["turn"]["request_id"] = json!(request_id);
    order["turn"]["ordered_at"] = json!(sockets.app.clock.now().as_second());
    order
}

/// Has a turn, and returns its order.
async fn ordered(sockets: &Sockets, client: &mut Client) -> Value {
    sockets.app.model.then(answer("Hello there"));
    client.ask("1", &create("Hi")).await;
    client.answer().await.events();
    sockets.event(is_turn).await
}

#[tokio::test]
async fn order_that_lambda_refuses_answers_unavailable() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    for statuses in [vec![403], vec![429, 429, 429, 429], vec![404]] {
        sockets.fail(statuses);
        client.ask("1", &create("Hi")).await;
        client.error(Some("1"), "unavailable").await;
    }
    assert_eq!(sockets.app.model.requests().len(), 0);
}

#[tokio::test]
async fn order_that_lambda_took_despite_its_answer_runs_once() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    // Each time Lambda takes it, and says that it does not.
    sockets.mislead_orders([500, 500, 500, 403]);
    client.ask("1", &create("Hi")).await;
    client.answer().await.events();
    sockets.wait_for_events(4, is_turn).await;
    // Nothing else has come of it.
    client.send(r#"{"id":"2","ping":true}"#).await;
    client.reply("2").await;
    assert_eq!(sockets.app.model.requests().iter().filter(|request| !request.is_title()).count(), 1);

    // One that was refused is void, should it come after all.
    sockets.fail([403]);
    client.ask("3", &create("Hi")).await;
    let refused = client.error(Some("3"), "unavailable").await["request_id"].as_str().unwrap().to_owned();
    let order = another(&sockets.event(is_turn).await, &sockets, &refused);
    sockets.invoke(&order).await;
    assert_eq!(sockets.app.model.requests().iter().filter(|request| !request.is_title()).count(), 1);
}

#[tokio::test]
async fn order_that_is_delivered_twice_runs_once() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    let order = ordered(&sockets, &mut client).await;
    let asked = sockets.app.model.requests().len();
    for _ in 0..2 {
        sockets.invoke(&order).await;
    }
    sockets.app.clock.advance(45_000);
    sockets.invoke(&order).await;
    client.send(r#"{"id":"2","ping":true}"#).await;
    client.reply("2").await;
    assert_eq!(sockets.app.model.requests().len(), asked);
}

#[tokio::test]
async fn order_whose_invocation_died_ends_in_an_error() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    let gate = Gate::closed();
    let script = sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Hello")]).wait(&gate);
    sockets.app.model.then(script);
    client.ask("1", &create("Hi")).await;
    // The title is made beside the answer.
    let mut frames = String::new();
    while !(frames.contains("\"delta\":\"Hello\"") && frames.contains("\"A title\"")) {
        frames += &client.frame().await.to_string();
    }
    // No more comes of the first one. Lambda's second try is a minute later.
    let order = sockets.event(is_turn).await;
    sockets.app.clock.advance(60_000);
    sockets.invoke(&order).await;
    let message = "the answer broke off, please load the thread";
    let error = json!({
        "error": "unavailable", "message": message, "request_id": order["turn"]["request_id"], "status": 503,
    });
    assert_eq!(client.frame().await, json!({ "id": "1", "error": error }));
    assert_eq!(sockets.app.model.requests().iter().filter(|request| !request.is_title()).count(), 1);

    // Also when its session has ended since, and the request had no id.
    let mut order = order;
    order["turn"]["id"] = json!(null);
    sockets.app.clock.advance(16 * 60_000);
    sockets.invoke(&order).await;
    assert_eq!(client.frame().await, json!({ "error": error }));
}

#[tokio::test]
async fn order_that_waited_too_long_is_refused() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    let order = ordered(&sockets, &mut client).await;
    let asked = sockets.app.model.requests().len();

    let late = another(&order, &sockets, "req_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    sockets.app.clock.advance(46_000);
    sockets.invoke(&late).await;
    let frame = client.frame().await;
    assert_eq!(
        (&frame["seq"], &frame["error"]["message"]),
        (&json!(0), &json!("the request waited for too long, please try again"))
    );
    assert_eq!(frame["error"]["status"], 503);
    assert_eq!(sockets.app.model.requests().len(), asked);

    // One that was held up for less is carried out.
    let order = another(&order, &sockets, "req_01BX5ZZKBKACTAV9WEVGEMMVRZ");
    sockets.app.clock.advance(45_000);
    sockets.app.model.then(answer("Hello again"));
    sockets.invoke(&order).await;
    client.answer().await.events();
}

#[tokio::test]
async fn order_whose_claim_response_was_lost_runs() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    sockets.app.dynamo.fail("UpdateItem", "O#", Fault::CutAfter, 1);
    client.ask("1", &create("Hi")).await;
    client.answer().await.events();
}
