//! Pictures that the model made.

use std::sync::Arc;

use bytes::Bytes;
use chatkit_shared::assistant::Assistant;
use chatkit_shared::conversation::{Engine, Error, Limits};
use chatkit_shared::files::Files;
use chatkit_shared::ids::Ids;
use chatkit_shared::model::{Model, Picture};
use chatkit_shared::protocol::{GeneratedImage, GeneratedImageItem, ItemHeader, ThreadItem};
use chatkit_shared::store::StoredItem;

use super::{PNG, Site, alice, load};
use crate::harness::app::App;
use crate::harness::objects::Failure;

fn engine(app: &App) -> Engine {
    Engine {
        threads: app.dynamo.threads(),
        counters: app.dynamo.counters(),
        usage: app.dynamo.usage(),
        files: Files::from_env(&app.env, app.clock.clone()).unwrap(),
        model: Model::new(&app.model.config()).unwrap(),
        assistant: Arc::new(Assistant::from_env(&app.env).unwrap()),
        limits: Limits::from_env(&app.env).unwrap(),
        clock: app.clock.clone(),
        ids: Ids::seeded(app.clock.clone(), 2),
    }
}

fn picture() -> Picture {
    Picture { media_type: "image/png", bytes: Bytes::from_static(PNG) }
}

#[tokio::test]
async fn a_picture_is_kept_shown_and_removed() {
    let site = Site::start().await;
    let thread_id = site.thread("alice", &[]).await;
    let (engine, item_id) = (engine(&site.app), "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    let image = engine.keep_picture(&alice(), item_id, &picture()).await.unwrap();
    assert_eq!(image, GeneratedImage { id: item_id.to_owned(), url: "stored:".to_owned() });
    let header = ItemHeader { id: item_id.to_owned(), thread_id: thread_id.clone(), created_at: site.app.clock.now() };
    let item = ThreadItem::GeneratedImage(GeneratedImageItem { header, image: Some(image) });
    let stored = StoredItem { item, upstream_id: None, ends_run: None };
    engine.threads.put_item(&alice(), &thread_id, &stored).await.unwrap();

    let thread = site.get("alice", &thread_id).await;
    let image = thread["items"]["data"].as_array().unwrap().last().unwrap()["image"].clone();
    assert_eq!(load(&image["url"]).await, (200, "image/png".to_owned(), PNG.to_vec()));
    assert_eq!(site.objects.keys().len(), 1);
    site.delete_thread("alice", &thread_id).await;
    assert_eq!(site.objects.keys(), [""; 0]);
}

#[tokio::test]
async fn a_picture_that_cannot_be_kept() {
    let site = Site::start().await;
    site.objects.fail("PUT", Failure::Status(503), 2);
    let failed = engine(&site.app).keep_picture(&alice(), "msg_1", &picture()).await;
    assert!(matches!(failed, Err(Error::Files(error)) if error.is_unavailable()));
    let off = engine(&App::start().await).keep_picture(&alice(), "msg_1", &picture()).await;
    assert!(matches!(off, Err(Error::NoFiles)));
}
