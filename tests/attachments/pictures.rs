//! Pictures that the model makes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{PNG, Site, load};
use crate::harness::app::thread_id;
use crate::harness::dynamodb::Fault;
use crate::harness::model::Answer;
use crate::harness::objects::Failure;
use crate::harness::responses::image_generation;

const ASSISTANT: &str = r#"{"tools":[{"type":"image_generation","partial_images":2}]}"#;

fn drawn() -> Answer {
    let picture = |bytes: &[u8]| STANDARD.encode([PNG, bytes].concat());
    image_generation(&[&picture(b" 1"), &picture(b" 2")], &picture(b" 3"), "There it is")
}

/// What was told of a picture: each event's kind, and the addresses in it.
fn told(events: &[Value]) -> (Vec<&str>, Vec<Value>) {
    let is_about = |event: &&Value| {
        event["item"]["type"] == "generated_image"
            || event["update"]["type"] == "generated_image.updated"
            || event["type"] == "thread.item.removed"
            || event["type"] == "notice"
    };
    let events: Vec<_> = events.iter().filter(is_about).collect();
    let images = events.iter().filter_map(|event| {
        let image = event.pointer("/update/image").or(event.pointer("/item/image"))?;
        Some(json!([image["url"], event.pointer("/update/progress")]))
    });
    (events.iter().map(|event| event["type"].as_str().unwrap()).collect(), images.collect())
}

#[tokio::test]
async fn generated_image_is_shown_stored_and_removed() {
    let site = Site::with([("ASSISTANT", ASSISTANT)]).await;
    site.app.model.rather(|request| !request.is_title(), drawn());
    let events = site.app.create("alice", "Draw!").await;
    let (kinds, images) = told(&events);
    assert_eq!(kinds, ["thread.item.added", "thread.item.updated", "thread.item.updated", "thread.item.done"]);
    assert_eq!([&images[0][1], &images[1][1], &images[2][1]], [&json!(0.5), &json!(1.0), &Value::Null]);
    for (image, bytes) in images.iter().zip([b" 1", b" 2", b" 3"]) {
        assert_eq!(load(&image[0]).await, (200, "image/png".to_owned(), [PNG, bytes].concat()));
    }

    // The picture is one of the thread's files; what led there goes by itself.
    let thread_id = thread_id(&events);
    let thread = site.get("alice", &thread_id).await;
    let item = &thread["items"]["data"][1];
    assert_eq!(item["type"], "generated_image");
    assert_eq!(load(&item["image"]["url"]).await.2, [PNG, b" 3"].concat());
    let records = site.app.dynamo.records("threads");
    assert!(!format!("{records:?}").contains("X-Amz-"), "no address is kept");
    site.delete_thread("alice", &thread_id).await;
    assert!(site.objects.keys().iter().all(|key| key.starts_with("uploads/")), "{:?}", site.objects.keys());
}

#[tokio::test]
async fn generated_image_whose_item_cannot_be_stored_is_removed() {
    let site = Site::with([("ASSISTANT", ASSISTANT)]).await;
    site.app.model.rather(|request| !request.is_title(), drawn());
    site.app.dynamo.fail("UpdateItem", "generated_image", Fault::ServerError, 3);
    let events = site.app.create("alice", "Draw!").await;
    assert_eq!(events.last().unwrap()["type"], "error");
    assert_eq!(site.kept(), [""; 0]);
}

#[tokio::test]
async fn generated_image_is_sent_to_the_model_in_later_turns() {
    let site = Site::with([("ASSISTANT", ASSISTANT)]).await;
    site.app.model.rather(|request| request.conversation() == ["user: Draw!"], drawn());
    let thread_id = thread_id(&site.app.create("alice", "Draw!").await);
    site.app.add("alice", &thread_id, "Bluer, please").await;
    let asked = site.app.model.requests().pop().unwrap();
    let shown = asked.body["input"][1]["content"][1]["image_url"].as_str().unwrap();
    assert_eq!(shown, format!("data:image/png;base64,{}", STANDARD.encode([PNG, b" 3"].concat())));
}

#[tokio::test]
async fn generated_image_that_cannot_be_stored_is_withdrawn() {
    let site = Site::with([("ASSISTANT", ASSISTANT)]).await;
    site.objects.fail("PUT", Failure::Status(503), 6);
    site.app.model.rather(|request| !request.is_title(), drawn());
    let events = site.app.create("alice", "Draw!").await;
    let (kinds, _) = told(&events);
    assert_eq!(kinds, ["thread.item.added", "thread.item.removed", "notice"]);
    let thread = site.get("alice", &thread_id(&events)).await;
    let items: Vec<_> = thread["items"]["data"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(items, ["user_message", "assistant_message"]);
}
