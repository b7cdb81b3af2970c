//! The store over the real API.

mod budget;
mod faults;
mod golden;
mod isolation;
mod limits;
mod paging;
mod runs;
mod sending;
mod sessions;
mod tables;
mod threads;
mod usage;

use chatkit_shared::identity::Owner;
use chatkit_shared::protocol::{
    AssistantContent, AssistantMessage, Attachment, AttachmentKind, ClientToolCall, ClientToolCallStatus,
    HiddenContext, ItemHeader, Object, Order, Paging, ThreadItem, ThreadStatus, UserContent, UserMessage,
};
use chatkit_shared::store::{AttachmentRecord, Run, Store, StoreError, StoredItem, ThreadRecord};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn owner() -> Owner {
    Owner::new("default", "ada").unwrap()
}

/// A moment, and others by the second.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

/// An id that sorts by its number.
pub(crate) fn id(prefix: &str, number: usize) -> String {
    format!("{prefix}_{number:026}")
}

pub(crate) fn thread(number: usize) -> ThreadRecord {
    ThreadRecord {
        id: id("thr", number),
        title: None,
        created_at: at(0),
        status: ThreadStatus::Active,
        allowed_image_domains: None,
        run: None,
        ended_run_id: None,
        retries: Vec::new(),
    }
}

pub(crate) fn run(number: usize, digest: &str) -> Run {
    Run {
        id: id("msg", number),
        digest: digest.to_owned(),
        until: at(60),
        turn_id: None,
        operation: String::new(),
        question_id: String::new(),
    }
}

/// Deletes a thread, as the engine does.
async fn delete(store: &Store, owner: &Owner, thread_id: &str) -> Result<(), StoreError> {
    match store.threads.begin_delete(owner, thread_id, at(0)).await? {
        Some(deletion) => store.threads.finish_delete(deletion).await,
        None => Ok(()),
    }
}

/// The first item of a new answer.
fn anew() -> StoredItem {
    answer(900, "anew")
}

/// Puts the first item of a new answer in place of what comes after an item, as the engine does.
async fn put_in_place(store: &Store, owner: &Owner, thread_id: &str, item_id: &str) -> Result<(), StoreError> {
    let replaced = store.items.end_of_thread(owner, thread_id, item_id, &id("run", 999)).await?;
    store.items.put_in_place(owner, thread_id, &anew(), replaced).await
}

fn stored(item: ThreadItem) -> StoredItem {
    StoredItem::new(item)
}

fn header(prefix: &str, number: usize) -> ItemHeader {
    ItemHeader { id: id(prefix, number), thread_id: id("thr", 1), created_at: at(0) }
}

pub(crate) fn question(number: usize, text: &str) -> StoredItem {
    stored(ThreadItem::UserMessage(UserMessage {
        header: header("msg", number),
        content: vec![UserContent::InputText { text: text.to_owned() }],
        attachments: Vec::new(),
        quoted_text: None,
        inference_options: Default::default(),
    }))
}

pub(crate) fn attachment(id: &str) -> AttachmentRecord {
    AttachmentRecord {
        id: id.to_owned(),
        name: "notes.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        size: 1,
        created_at: at(0),
        message_id: None,
    }
}

/// A question with attachments.
pub(crate) fn question_with(number: usize, ids: &[&str]) -> StoredItem {
    let attachment = |id: &&str| Attachment {
        id: (*id).to_owned(),
        name: "notes.txt".to_owned(),
        mime_type: "text/plain".to_owned(),
        upload_descriptor: None,
        thread_id: None,
        size: None,
        kind: AttachmentKind::File,
    };
    let mut stored = question(number, "look");
    let ThreadItem::UserMessage(message) = &mut stored.item else { unreachable!() };
    message.attachments = ids.iter().map(attachment).collect();
    stored
}

pub(crate) fn answer(number: usize, text: &str) -> StoredItem {
    stored(ThreadItem::AssistantMessage(AssistantMessage {
        header: header("msg", number),
        content: vec![AssistantContent { annotations: Vec::new(), text: text.to_owned() }],
    }))
}

/// A call that waits for the page.
fn waiting(number: usize) -> StoredItem {
    let call = ClientToolCall {
        header: header("tc", number),
        status: ClientToolCallStatus::Pending,
        call_id: "call_1".to_owned(),
        name: "pick".to_owned(),
        arguments: Object::new(),
        output: None,
    };
    stored(ThreadItem::ClientToolCall(call))
}

/// The same with the page's answer, which a run goes on with.
fn answered(number: usize, run: &Run) -> StoredItem {
    let mut answered = waiting(number);
    let ThreadItem::ClientToolCall(call) = &mut answered.item else { unreachable!() };
    (call.status, call.output) = (ClientToolCallStatus::Completed, Some("lamp".into()));
    StoredItem { answered_by: Some(run.id.clone()), ..answered }
}

pub(crate) fn hidden(number: usize) -> StoredItem {
    stored(ThreadItem::HiddenContextItem(HiddenContext { header: header("msg", number), content: "secret".into() }))
}

pub(crate) fn paging(limit: i64, order: Order, after: Option<&str>) -> Paging {
    Paging { limit: Some(limit), order, after: after.map(ToOwned::to_owned) }
}

/// Everything, oldest first.
pub(crate) fn all() -> Paging {
    paging(9999, Order::Asc, None)
}
