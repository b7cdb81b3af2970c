//! Pictures that the model makes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chatkit_shared::model::{Model, ModelErrorKind, ModelEvent, Picture, Prompt};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::super::translation::{COMPLETED, started};
use super::super::{ask, events, prompt};
use crate::harness::model::{Answer, ScriptedModel};
use crate::harness::outside::client;
use crate::harness::responses::{
    With, completed, image_events, image_generation, image_partial, in_item, incomplete, item_added, item_done,
    message_added, sse,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n the rest";

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn png(text: &str) -> Vec<u8> {
    [PNG, text.as_bytes()].concat()
}

fn picture(media_type: &'static str, bytes: &[u8]) -> Picture {
    Picture { media_type, bytes: Bytes::copy_from_slice(bytes) }
}

fn image_started(image: u64) -> ModelEvent {
    ModelEvent::ImageStarted { image }
}

fn partial(image: u64, text: &str, progress: f64) -> ModelEvent {
    ModelEvent::ImagePartial { image, picture: picture("image/png", &png(text)), progress }
}

fn over(image: u64, picture: Option<Picture>) -> ModelEvent {
    ModelEvent::ImageDone { image, upstream_id: Some("ig_1".to_owned()), picture }
}

fn item(result: impl Into<Value>) -> Value {
    json!({"id": "ig_1", "type": "image_generation_call", "status": "completed"}).with("result", result)
}

/// The events of an answer to a prompt with this tool.
async fn events_with(tool: Value, answer: Answer) -> Vec<ModelEvent> {
    let upstream = ScriptedModel::start().await;
    upstream.then(answer);
    let prompt = Prompt { tools: vec![tool], ..prompt() };
    let stream = Model::new(&upstream.config(), client()).stream(&prompt).await.unwrap();
    stream.try_collect().await.unwrap()
}

#[tokio::test]
async fn image_with_partial_images_shows_its_progress() {
    let answer = || {
        let [first, second, third, whole] = ["1", "2", "3", "whole"].map(|text| base64(&png(text)));
        image_generation(&[&first, &second, &third], &whole, "There it is.")
    };
    for (tool, progress) in [
        (json!({"type": "image_generation", "partial_images": 3}), [1.0 / 3.0, 2.0 / 3.0, 1.0]),
        (json!({"type": "image_generation", "partial_images": 2}), [0.5, 1.0, 1.0]),
        (json!({"type": "image_generation", "partial_images": 0}), [0.0; 3]),
        (json!({"type": "image_generation", "partial_images": "two"}), [0.0; 3]),
        (json!({"type": "image_generation"}), [0.0; 3]),
        (json!({"type": "web_search"}), [0.0; 3]),
    ] {
        let events = events_with(tool, answer()).await;
        let [first, second, third] = progress;
        assert_eq!(
            events[..6],
            [
                image_started(0),
                partial(0, "1", first),
                partial(0, "2", second),
                partial(0, "3", third),
                over(0, Some(picture("image/png", &png("whole")))),
                started(0, "msg_1"),
            ]
        );
    }
}

#[tokio::test]
async fn image_type_is_read_from_the_first_bytes() {
    for (bytes, output_format, media_type) in [
        (PNG, json!("jpeg"), Some("image/png")),
        (b"\xff\xd8\xff\xe0", json!(null), Some("image/jpeg")),
        (b"RIFF1234WEBPVP8 ", json!("png"), Some("image/webp")),
        (b"GIF89a", json!(7), Some("image/gif")),
        (b"something", json!("webp"), Some("image/webp")),
        (b"something", json!("jpeg"), Some("image/jpeg")),
        (b"something", json!("png"), Some("image/png")),
        (b"<svg onload='alert()'>", json!("svg"), None),
        (b"something", json!(null), None),
        (b"", json!("png"), None),
    ] {
        let item = item(base64(bytes)).with("output_format", output_format);
        assert_eq!(
            events(sse([item_done(&item), completed(json!(null))])).await,
            [image_started(0), over(0, media_type.map(|media_type| picture(media_type, bytes))), COMPLETED]
        );
    }
}

#[tokio::test]
async fn image_that_failed_ends_without_a_picture() {
    for result in [json!(null), json!(""), json!("no base64!"), json!(["of a strange form"])] {
        let answer = [item_added(&item(json!(null))), item_done(&item(result).with("status", "failed"))];
        let answer = answer.into_iter().chain([completed(json!(null))]);
        assert_eq!(events(sse(answer)).await, [image_started(0), over(0, None), COMPLETED]);
    }
}

#[tokio::test]
async fn image_with_missing_events_is_complete_once() {
    let whole = item(base64(PNG));
    let listed = || completed(json!(null)).response("output", json!([whole]));
    let end = || completed(json!(null));
    let generating = || in_item("response.image_generation_call.generating");
    for answer in [
        vec![item_done(&whole), end()],
        vec![generating(), generating(), item_done(&whole), item_done(&whole), listed()],
        vec![item_added(&whole), image_partial(0, "no base64!"), listed()],
        vec![item_added(&whole), item_done(&whole), image_partial(0, &base64(PNG)), listed()],
        vec![listed()],
    ] {
        let events = events(sse(answer.clone())).await;
        let [ModelEvent::ImageStarted { image: 0 }, ModelEvent::ImageDone { image: 0, picture: shown, .. }, COMPLETED] =
            &events[..]
        else {
            panic!("{answer:?}: {events:?}")
        };
        assert_eq!(shown, &Some(picture("image/png", PNG)));
    }
}

#[tokio::test]
async fn image_that_never_arrives_ends_with_the_answer() {
    let over = |image| ModelEvent::ImageDone { image, upstream_id: None, picture: None };
    let answer = [item_added(&item(json!(null))), item_added(&item(json!(null))).item(1), completed(json!(null))];
    assert_eq!(events(sse(answer)).await, [image_started(0), image_started(1), over(0), over(1), COMPLETED]);

    let answer = [item_added(&item(json!(null))), incomplete("content_filter", json!(null))];
    assert_eq!(events(sse(answer)).await[..2], [image_started(0), over(0)]);
}

#[tokio::test]
async fn images_that_interleave_stay_apart() {
    let [first, second] = ["first", "second"].map(|text| base64(&png(text)));
    let events_of = |place, result: &str| image_events(&[], result).into_iter().map(move |event| event.item(place));
    let (first, second) = (events_of(0, &first).collect::<Vec<_>>(), events_of(1, &second).collect::<Vec<_>>());
    let interleaved = first.into_iter().zip(second).flat_map(|(first, second)| [first, second]);
    let whole = |image, text: &str| over(image, Some(picture("image/png", &png(text))));
    assert_eq!(
        events(sse(interleaved.chain([completed(json!(null))]))).await,
        [image_started(0), image_started(1), whole(0, "first"), whole(1, "second"), COMPLETED]
    );
}

#[tokio::test]
async fn large_image_is_read_only_when_the_prompt_wants_images() {
    let bytes = [PNG, &vec![7; 9 << 20]].concat();
    let answer = || sse([message_added("msg_1"), item_done(&item(base64(&bytes))).item(1), completed(json!(null))]);
    let events = events_with(json!({"type": "image_generation"}), answer()).await;
    assert_eq!(events[1..3], [image_started(0), over(0, Some(picture("image/png", &bytes)))]);

    let (_, error) = ask(answer()).await;
    assert_eq!(error.unwrap().kind, ModelErrorKind::Broken("it is too large"));
}
