//! Files on their way to the model.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chatkit_shared::files::{Files, MediaType, ObjectKey};
use chatkit_shared::identity::Owner;
use chatkit_shared::model::{FileSource, Input, InputFile, InputPart, Prompt};

use super::{PNG, Site, alice};
use crate::harness::objects::Failure;

fn stored(id: &str, size: u64) -> InputFile {
    let source = FileSource::Stored(id.to_owned());
    InputFile { name: format!("{id}.png"), media_type: "image/png".to_owned(), size, source }
}

fn prompt(parts: Vec<InputPart>) -> Prompt {
    let input = vec![Input::User(parts), Input::Assistant("A".to_owned())];
    Prompt { input, ..Prompt::default() }
}

async fn files(site: &Site, ids: &[&str]) -> (Files, Owner) {
    let files = site.files();
    let owner = Owner::new("t", "u").unwrap();
    let png = MediaType::parse("image/png").unwrap();
    for id in ids {
        files.put(&ObjectKey::file(&owner, id), &png, Bytes::from_static(PNG)).await.unwrap();
    }
    (files, owner)
}

#[tokio::test]
async fn resolve_inlines_files_for_a_server_that_cannot_reach_the_bucket() {
    let site = Site::start().await;
    let (files, owner) = files(&site, &["a", "b", "grown"]).await;
    let size = PNG.len() as u64;
    let text = InputPart::Text("Look".to_owned());
    let elsewhere = InputFile { source: FileSource::Url("https://example.com/x".to_owned()), ..stored("x", 1) };
    let mut asked = prompt(vec![
        text.clone(),
        InputPart::Image(stored("a", size)),
        InputPart::File(stored("b", size)),
        InputPart::File(stored("gone", size)),
        InputPart::File(stored("grown", size - 1)),
        InputPart::File(stored("huge", 36_000_001)),
        InputPart::Image(elsewhere.clone()),
    ]);
    files.resolve(&owner, &mut asked).await.unwrap();
    let bytes = |id: &str| InputFile { source: FileSource::Base64(STANDARD.encode(PNG)), ..stored(id, size) };
    let missing = |id: &str, what: &str| InputPart::Text(format!("[The file \"{id}.png\" {what}.]"));
    assert_eq!(
        asked,
        prompt(vec![
            text,
            InputPart::Image(bytes("a")),
            InputPart::File(bytes("b")),
            missing("gone", "no longer exists"),
            missing("grown", "is too large to be shown"),
            missing("huge", "is too large to be shown"),
            InputPart::Image(elsewhere),
        ])
    );

    // Somebody else's files are not there.
    let mut asked = prompt(vec![InputPart::Image(stored("a", size))]);
    files.resolve(&Owner::new("t", "v").unwrap(), &mut asked).await.unwrap();
    assert_eq!(asked, prompt(vec![missing("a", "no longer exists")]));
}

#[tokio::test]
async fn resolve_when_files_are_too_large_leaves_out_the_oldest_first() {
    let site = Site::start().await;
    let (files, owner) = files(&site, &["old", "new"]).await;
    let mut asked = prompt(vec![InputPart::File(stored("old", 20_000_000))]);
    asked.input.push(Input::User(vec![InputPart::File(stored("new", 20_000_000))]));
    files.resolve(&owner, &mut asked).await.unwrap();
    let parts: Vec<_> = asked.input.iter().filter(|input| matches!(input, Input::User(_))).collect();
    assert_eq!(
        parts[0],
        &Input::User(vec![InputPart::Text("[The file \"old.png\" is too large to be shown.]".to_owned())])
    );
    let is_base64 = |file: &InputFile| matches!(file.source, FileSource::Base64(_));
    assert!(matches!(parts[1], Input::User(parts) if matches!(&parts[..], [InputPart::File(file)] if is_base64(file))));
}

#[tokio::test]
async fn resolve_when_the_bucket_is_down_fails() {
    let site = Site::start().await;
    let (files, owner) = files(&site, &["a"]).await;
    site.objects.fail("GET", Failure::Status(503), 2);
    let mut asked = prompt(vec![InputPart::Image(stored("a", 100))]);
    assert!(files.resolve(&owner, &mut asked).await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn turn_with_a_missing_file_names_it_to_the_model() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "plan.png", "image/png", PNG).await;
    let thread_id = site.thread("alice", &[&id]).await;
    site.files().delete(&ObjectKey::file(&alice(), &id)).await.unwrap();
    site.send("alice", Some(&thread_id), "And now?", &[]).await.events();
    let asked = site.app.model.requests().into_iter().rev().find(|request| !request.is_title()).unwrap();
    let said = asked.conversation();
    assert_eq!(said[0], "user: Look [The file \"plan.png\" no longer exists.]");
    assert_eq!(said[2], "user: And now?");
}
