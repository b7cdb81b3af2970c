//! A message with attachments: it is stored together with what it takes, or not at all.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};

use super::attachments::MESSAGE;
use super::attributes::Record;
use super::error::StoreError;
use super::key::{self, Key};
use super::records::{Run, StoredItem};
use super::runs::BeginError;
use super::threads::Threads;
use super::transaction::Refused;
use crate::identity::Owner;
use crate::protocol::ThreadItem;

/// The thread of a message that is written with it.
pub(super) enum Head<'a> {
    /// A new one, with its key.
    New(Record),
    /// The lease of one that exists, for a run.
    Lease(Box<UpdateItemFluentBuilder>, &'a Run),
}

impl Threads {
    /// Writes the head of a thread, a message and its claim on each of its attachments, all or nothing. `refusal` says
    /// what it means that the head's condition did not hold, from what stands there.
    pub(super) async fn send_message(
        &self,
        owner: &Owner,
        thread_id: &str,
        head: Head<'_>,
        message: &StoredItem,
        refusal: impl Fn(&Record) -> BeginError,
    ) -> Result<(), BeginError> {
        let (head, run) = match head {
            Head::New(record) => {
                let put = Put::builder().table_name(&*self.table).set_item(Some(record));
                let put = put.condition_expression("attribute_not_exists(#pk)");
                let put = put.expression_attribute_names("#pk", key::PARTITION).build().map_err(StoreError::from)?;
                (TransactWriteItem::builder().put(put).build(), None)
            }
            Head::Lease(request, run) => (update(&request)?, Some(run)),
        };
        let mut writes = vec![head, update(&self.upserting(owner, thread_id, message)?)?];
        let attachments = attachments(&message.item);
        for id in &attachments {
            let key = key::attachment(owner, id).ok_or_else(|| BeginError::Taken((*id).to_owned()))?;
            let is_free = "attribute_exists(#pk) AND attribute_not_exists(#message)";
            writes.push(update(&self.claim(&key, message.item.id(), "SET #message = :message", is_free))?);
        }
        match self.transact(&writes).await {
            Ok(None) => Ok(()),
            Ok(Some(Refused { place: 0, record })) => Err(refusal(&record)),
            Ok(Some(Refused { place, .. })) => {
                let id = place.checked_sub(2).and_then(|index| attachments.get(index)).copied();
                Err(BeginError::Taken(id.unwrap_or_default().to_owned()))
            }
            Err(error) => {
                // Whether it was written nobody knows, and the person is told that it was not. Best effort.
                let _ = self.take_back_message(owner, thread_id, message, run).await;
                Err(error.into())
            }
        }
    }

    /// Takes back a message that was just stored, or may have been: its attachments are free again. The lease that `run`
    /// took with it ends; where there is none, the thread began with the message and goes with it.
    ///
    /// # Errors
    /// [`StoreError`]: the message may be there, with its attachments.
    pub async fn take_back_message(
        &self,
        owner: &Owner,
        thread_id: &str,
        message: &StoredItem,
        run: Option<&Run>,
    ) -> Result<(), StoreError> {
        let (head, item) = (key::head(owner, thread_id), key::item(owner, thread_id, message.item.id()));
        let mut writes = Vec::new();
        for key in item.into_iter().chain(head.filter(|_| run.is_none())) {
            let delete = Delete::builder().table_name(&*self.table).set_key(Some(key.attributes()));
            writes.push(TransactWriteItem::builder().delete(delete.build()?).build());
        }
        for key in attachments(&message.item).into_iter().filter_map(|id| key::attachment(owner, id)) {
            let is_held = "attribute_exists(#pk) AND #message = :message";
            writes.push(update(&self.claim(&key, message.item.id(), "REMOVE #message", is_held))?);
        }
        // Where one is refused there is no claim, so nothing was written.
        self.transact(&writes).await?;
        match run {
            Some(run) => self.end_run(owner, thread_id, &run.id).await,
            None => Ok(()),
        }
    }

    /// Changes which message has an attachment.
    fn claim(&self, key: &Key, message_id: &str, change: &str, condition: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression(change)
            .condition_expression(condition)
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#message", MESSAGE)
            .expression_attribute_values(":message", AttributeValue::S(message_id.to_owned()))
    }
}

/// The ids of the attachments that a message takes.
pub(super) fn attachments(item: &ThreadItem) -> Vec<&str> {
    match item {
        ThreadItem::UserMessage(message) => message.attachments.iter().map(|attachment| &*attachment.id).collect(),
        _ => Vec::new(),
    }
}

/// An update as a part of a transaction.
fn update(request: &UpdateItemFluentBuilder) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .set_table_name(request.get_table_name().clone())
        .set_key(request.get_key().clone())
        .set_update_expression(request.get_update_expression().clone())
        .set_condition_expression(request.get_condition_expression().clone())
        .set_expression_attribute_names(request.get_expression_attribute_names().clone())
        .set_expression_attribute_values(request.get_expression_attribute_values().clone())
        .set_return_values_on_condition_check_failure(request.get_return_values_on_condition_check_failure().clone());
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}
