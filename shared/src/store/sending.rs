//! A message with attachments: it is stored together with what it takes, or not at all.

use super::attachments::MESSAGE;
use super::error::{BeginError, StoreError};
use super::key::{self, Key};
use super::record::{Record, text};
use super::records::StoredItem;
use super::table::{Change, Refused, Table};
use super::update::Update;
use crate::identity::Owner;
use crate::protocol::ThreadItem;

/// Changes the head of a thread, stores a message and claims each of its attachments, all or nothing. `refusal` says
/// what it means that the head's condition did not hold, from the record as it is.
pub(super) async fn send(
    table: &Table,
    owner: &Owner,
    head: Change,
    thread_id: &str,
    message: &StoredItem,
    refusal: impl Fn(&Record) -> BeginError,
) -> Result<(), BeginError> {
    let mut changes = vec![head, Change::Update(message.write(owner, thread_id)?)];
    let attachments = attachments(&message.item);
    for id in &attachments {
        let key = key::attachment(owner, id).ok_or_else(|| BeginError::Taken((*id).to_owned()))?;
        let claim = Update::of(key).set(MESSAGE, text(message.item.id())).when(key::EXISTS);
        changes.push(Change::Update(claim.when(format!("attribute_not_exists(#{MESSAGE})"))));
    }
    match table.transact(changes).await? {
        None => Ok(()),
        Some(Refused { index: 0, record }) => Err(refusal(&record)),
        Some(Refused { index, .. }) => {
            let id = index.checked_sub(2).and_then(|index| attachments.get(index)).copied();
            Err(BeginError::Taken(id.unwrap_or_default().to_owned()))
        }
    }
}

/// Removes a message that was just stored, or may have been, and the head of its thread where that began with it. Its
/// attachments are free again.
pub(super) async fn unsend(
    table: &Table,
    owner: &Owner,
    thread_id: &str,
    message: &StoredItem,
    with_head: bool,
) -> Result<(), StoreError> {
    let (head, item) = (key::head(owner, thread_id), key::item(owner, thread_id, message.item.id()));
    let deleted = item.into_iter().chain(head.filter(|_| with_head)).map(Change::Delete);
    let free = |key: Key| {
        let update = Update::of(key).remove(MESSAGE).when(key::EXISTS).when(format!("#{MESSAGE} = :message"));
        Change::Update(update.value("message", text(message.item.id())))
    };
    let freed = attachments(&message.item).into_iter().filter_map(|id| key::attachment(owner, id)).map(free);
    // Where one is refused there is no claim, so nothing was written.
    table.transact(deleted.chain(freed).collect()).await?;
    Ok(())
}

pub(super) fn has_attachments(message: &StoredItem) -> bool {
    !attachments(&message.item).is_empty()
}

/// The ids of the attachments that a message takes.
fn attachments(item: &ThreadItem) -> Vec<&str> {
    match item {
        ThreadItem::UserMessage(message) => message.attachments.iter().map(|attachment| &*attachment.id).collect(),
        _ => Vec::new(),
    }
}
