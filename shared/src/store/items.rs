//! Single items of a thread.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::error::{StoreError, refused};
use super::key::{self, Key};
use super::records::{ITEM, StoredItem};
use super::threads::Threads;
use crate::identity::Owner;
use crate::protocol::FeedbackKind;

impl Threads {
    /// One item, hidden or not, as it is now (strongly consistent: the client answers a tool call within milliseconds);
    /// none if there is no such item or thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item(&self, owner: &Owner, thread_id: &str, item_id: &str) -> Result<Option<StoredItem>, StoreError> {
        let Some(key) = key::item(owner, thread_id, item_id) else { return Ok(None) };
        let get = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let get = get.consistent_read(true);
        let (gone, answer) =
            tokio::try_join!(self.thread_is_gone(owner, thread_id), async { Ok(Box::pin(get.send()).await?) })?;
        let stored = answer.item.filter(|_| !gone).as_ref().map(StoredItem::read).transpose()?;
        Ok(stored.filter(|stored| stored.item.id() == item_id))
    }

    /// The newest items before one, oldest first, hidden ones among them, as [`Threads::load`] gives them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn items_before(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_id: &str,
        newest: u32,
    ) -> Result<Vec<StoredItem>, StoreError> {
        let Some(key) = key::item(owner, thread_id, item_id) else { return Ok(Vec::new()) };
        let limit = i32::try_from(newest.max(1)).unwrap_or(i32::MAX);
        let query = self.query_items(key.partition.clone()).scan_index_forward(false).limit(limit);
        let answer = Box::pin(query.set_exclusive_start_key(Some(key.attributes())).send()).await?;
        answer.items().iter().rev().map(StoredItem::read).collect()
    }

    /// Stores an item, new or changed. Feedback that was given on it stays. Does not look at the thread: a turn that
    /// may have outlived its thread asks [`Threads::thread_now`] at its end.
    ///
    /// # Errors
    /// [`StoreError`]; also when the thread's id is none that can exist.
    pub async fn put_item(&self, owner: &Owner, thread_id: &str, stored: &StoredItem) -> Result<(), StoreError> {
        Box::pin(self.upserting(owner, thread_id, stored)?.send()).await?;
        Ok(())
    }

    /// Gives an item a new content; whether it is still there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_item(&self, owner: &Owner, thread_id: &str, stored: &StoredItem) -> Result<bool, StoreError> {
        let request = self
            .upserting(owner, thread_id, stored)?
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", key::PARTITION);
        match Box::pin(request.send()).await {
            Ok(_) => Ok(true),
            Err(error) => refused(error).map(|_| false),
        }
    }

    /// Stores an item that no longer waits; whether it has waited until now.
    pub(super) async fn answer_item(
        &self,
        owner: &Owner,
        thread_id: &str,
        stored: &StoredItem,
    ) -> Result<bool, StoreError> {
        let request = self
            .upserting(owner, thread_id, stored)?
            .condition_expression("attribute_exists(#pending)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match Box::pin(request.send()).await {
            Ok(_) => Ok(true),
            Err(error) => {
                let old = refused(error)?;
                // It is there already when an answer was lost and the write is sent again.
                Ok(old.contains_key(ITEM) && StoredItem::read(&old)? == *stored)
            }
        }
    }

    pub(super) fn upserting(
        &self,
        owner: &Owner,
        thread_id: &str,
        stored: &StoredItem,
    ) -> Result<UpdateItemFluentBuilder, StoreError> {
        let key = key::item(owner, thread_id, stored.item.id()).ok_or_else(|| StoreError::unreadable(key::SORT))?;
        let mut request = self.client.update_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (name, value) in stored.attributes()? {
            request = request.expression_attribute_names(format!("#{name}"), name);
            match value {
                Some(value) => {
                    set.push(format!("#{name} = :{name}"));
                    request = request.expression_attribute_values(format!(":{name}"), value);
                }
                None => remove.push(format!("#{name}")),
            }
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        Ok(request.update_expression(expression))
    }

    /// Notes a thumb up or down on items, and whether all of them exist. Those that do are marked either way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feedback(
        &self,
        owner: &Owner,
        thread_id: &str,
        item_ids: &[String],
        kind: FeedbackKind,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mark = |item_id: &String| self.mark(key::item(owner, thread_id, item_id), kind, at);
        let marks = stream::iter(item_ids.iter().map(mark).collect::<Vec<_>>())
            .buffer_unordered(8)
            .try_fold(true, |all, exists| async move { Ok(all && exists) });
        let (gone, all) = tokio::try_join!(self.thread_is_gone(owner, thread_id), marks)?;
        Ok(all && !gone)
    }

    async fn mark(&self, key: Option<Key>, kind: FeedbackKind, at: Timestamp) -> Result<bool, StoreError> {
        let Some(key) = key else { return Ok(false) };
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression("SET feedback = :kind, feedback_at = :at")
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_values(":kind", AttributeValue::S(kind.as_str().to_owned()))
            .expression_attribute_values(":at", AttributeValue::S(at.to_string()));
        match Box::pin(request.send()).await {
            Ok(_) => Ok(true),
            Err(error) => refused(error).map(|_| false),
        }
    }

    /// A query over the items of a thread.
    pub(super) fn query_items(&self, partition: String) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#sk", key::SORT)
            .expression_attribute_values(":pk", AttributeValue::S(partition))
            .expression_attribute_values(":prefix", AttributeValue::S(key::ITEM.to_owned()))
    }
}
