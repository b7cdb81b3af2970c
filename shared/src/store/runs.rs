//! How a turn begins: the lease, and the user's item beside it.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;

use super::attributes::Record;
use super::error::{StoreError, refused};
use super::key::{self, Key};
use super::records::{
    ANSWERED_BY, DELETED, RETRIES, RUN_DIGEST, RUN_ID, RUN_UNTIL, Retry, Run, StoredItem, ThreadRecord, json,
};
use super::sending::{Head, attachments};
use super::threads::Threads;
use crate::identity::Owner;

/// Why a turn cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// There is no such thread, or no longer.
    #[error("the thread does not exist")]
    NotFound,
    /// The same request is being answered right now.
    #[error("the same message is being answered already")]
    Conflict,
    /// An attachment of the message, by its id, is another message's, or gone.
    #[error("an attachment is not free")]
    Taken(String),
    /// The store failed.
    #[error("the turn could not be stored")]
    Store(#[from] StoreError),
}

/// What a run begins with.
#[derive(Debug, Clone, Copy)]
pub enum Opening<'a> {
    /// What stands there.
    Nothing,
    /// A message of the user's, under an id that nothing else has.
    Message(&'a StoredItem),
    /// The answer to an item that waits: stored only if it still does, else it is a conflict.
    Answer {
        /// The item as it waits.
        waiting: &'a StoredItem,
        /// The same with its answer, which names the run in `answered_by`.
        answered: &'a StoredItem,
    },
}

impl Threads {
    /// Stores a new thread with its first item, in one round trip. If one of the two writes fails the other is taken
    /// back as far as that is possible, so that a reload shows nothing of it. An item with attachments takes them.
    ///
    /// # Errors
    /// [`BeginError`]; a failure of the store's also when a thread of this id exists already, which is left as it is.
    pub async fn create(&self, owner: &Owner, thread: &ThreadRecord, first: &StoredItem) -> Result<(), BeginError> {
        let head = key::head(owner, &thread.id).ok_or_else(|| StoreError::unreadable(key::SORT))?;
        if !attachments(&first.item).is_empty() {
            let mut record = thread.attributes()?;
            record.extend(head.attributes());
            return self.send_message(owner, &thread.id, Head::New(record), first, |_| exists_already().into()).await;
        }
        let (created, stored) = tokio::join!(self.put_head(&head, thread), self.put_item(owner, &thread.id, first));
        match (created, stored) {
            (Ok(Created::New), Ok(())) => Ok(()),
            (Ok(Created::ExistsAlready), _) => {
                self.take_back(key::item(owner, &thread.id, first.item.id())).await;
                Err(exists_already().into())
            }
            (Err(error), _) | (Ok(Created::New), Err(error)) => {
                let item = key::item(owner, &thread.id, first.item.id());
                tokio::join!(self.take_back(Some(head)), self.take_back(item));
                Err(error.into())
            }
        }
    }

    /// Takes the lease of a thread for `run` and stores what it begins with, in one round trip. A different message takes
    /// a live run over (the person pressed stop and went on); only the same one, by its digest, is a conflict. A message
    /// with attachments takes them, in one transaction with the lease.
    ///
    /// `seen` is the id of a run that the caller knows to be over though its lease has not ended. If the turn does not
    /// begin, a message is taken back, and what waited for an answer waits again, as far as that is possible.
    ///
    /// # Errors
    /// [`BeginError`].
    pub async fn begin_run(
        &self,
        owner: &Owner,
        thread_id: &str,
        run: &Run,
        seen: Option<&str>,
        opening: Opening<'_>,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let head = key::head(owner, thread_id).ok_or(BeginError::NotFound)?;
        if let Opening::Message(message) = opening
            && !attachments(&message.item).is_empty()
        {
            let lease = Head::Lease(self.leasing(&head, run, seen, None, now).into(), run);
            return self.send_message(owner, thread_id, lease, message, lease_refusal).await;
        }
        let put = async {
            match opening {
                Opening::Nothing => Ok(()),
                Opening::Message(message) => Ok(self.put_item(owner, thread_id, message).await?),
                Opening::Answer { answered, .. } => {
                    let has_waited = self.answer_item(owner, thread_id, answered).await?;
                    if has_waited { Ok(()) } else { Err(BeginError::Conflict) }
                }
            }
        };
        let (leased, stored) = tokio::join!(self.lease(&head, run, seen, None, now), put);
        if leased.is_ok() && stored.is_ok() {
            return Ok(());
        }
        // Taking back is best effort: the lease ends by itself, and the turn has not begun either way.
        if let Ok(()) | Err(BeginError::Store(_)) = leased {
            let _ = self.end_run(owner, thread_id, &run.id).await;
        }
        match (opening, &leased, &stored) {
            (Opening::Nothing, _, _) => {}
            // Nothing may stay behind in a thread that is gone.
            (Opening::Message(item), _, _) | (Opening::Answer { answered: item, .. }, Err(BeginError::NotFound), _) => {
                self.take_back(key::item(owner, thread_id, item.item.id())).await;
            }
            // Another answer counts.
            (Opening::Answer { .. }, _, Err(BeginError::Conflict)) => {}
            (Opening::Answer { waiting, .. }, _, _) => {
                let _ = self.put_back(owner, thread_id, waiting, run).await;
            }
        }
        leased.and(stored)
    }

    /// Lets an item wait again whose answer began a run that is not to be.
    async fn put_back(
        &self,
        owner: &Owner,
        thread_id: &str,
        waiting: &StoredItem,
        run: &Run,
    ) -> Result<(), StoreError> {
        let request = self
            .upserting(owner, thread_id, waiting)?
            .condition_expression(format!("#{ANSWERED_BY} = :run"))
            .expression_attribute_values(":run", AttributeValue::S(run.id.clone()));
        match Box::pin(request.send()).await {
            Ok(_) => Ok(()),
            Err(error) => refused(error).map(|_| ()),
        }
    }

    /// Takes the lease for a run that answers a stored item anew, and notes that on the head: every older run that
    /// answers this item or a later one withdraws when it ends. `thread` is the head as it was read; the run that stands
    /// there, over or not, is taken over.
    ///
    /// # Errors
    /// [`BeginError`]; a conflict when another retry of the same message was faster.
    pub async fn begin_retry(
        &self,
        owner: &Owner,
        thread: &ThreadRecord,
        run: &Run,
        item_id: &str,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let head = key::head(owner, &thread.id).ok_or(BeginError::NotFound)?;
        let retries = thread.retries_with(Retry { item: item_id.to_owned(), run: run.id.clone() });
        let seen = thread.run.as_ref().map(|run| run.id.as_str());
        self.lease(&head, run, seen, json(Some(&retries))?, now).await
    }

    /// Releases the lease, if it is still this run's: for turns that end without an item.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_run(&self, owner: &Owner, thread_id: &str, run_id: &str) -> Result<(), StoreError> {
        let Some(head) = key::head(owner, thread_id) else { return Ok(()) };
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(head.attributes()))
            .update_expression("REMOVE #id, #digest, #until")
            .condition_expression("#id = :id")
            .expression_attribute_names("#id", RUN_ID)
            .expression_attribute_names("#digest", RUN_DIGEST)
            .expression_attribute_names("#until", RUN_UNTIL)
            .expression_attribute_values(":id", AttributeValue::S(run_id.to_owned()));
        match Box::pin(request.send()).await {
            Ok(_) => Ok(()),
            Err(error) => refused(error).map(|_| ()),
        }
    }

    async fn lease(
        &self,
        head: &Key,
        run: &Run,
        seen: Option<&str>,
        retries: Option<AttributeValue>,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let Err(error) = Box::pin(self.leasing(head, run, seen, retries, now).send()).await else { return Ok(()) };
        Err(lease_refusal(&refused(error)?))
    }

    fn leasing(
        &self,
        head: &Key,
        run: &Run,
        seen: Option<&str>,
        retries: Option<AttributeValue>,
        now: Timestamp,
    ) -> UpdateItemFluentBuilder {
        let mut update = "SET #id = :id, #digest = :digest, #until = :until".to_owned();
        let mut request = self.client.update_item();
        if let Some(retries) = retries {
            update.push_str(", #retries = :retries");
            request = request
                .expression_attribute_names("#retries", RETRIES)
                .expression_attribute_values(":retries", retries);
        }
        request
            .table_name(&*self.table)
            .set_key(Some(head.attributes()))
            .update_expression(update)
            // The run's own id is there when an answer was lost and the write is sent again.
            .condition_expression(
                "attribute_exists(#pk) AND attribute_not_exists(#deleted) AND (attribute_not_exists(#id) \
                 OR #id IN (:id, :seen) OR #digest <> :digest OR #until <= :now)",
            )
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#deleted", DELETED)
            .expression_attribute_names("#id", RUN_ID)
            .expression_attribute_names("#digest", RUN_DIGEST)
            .expression_attribute_names("#until", RUN_UNTIL)
            .expression_attribute_values(":id", AttributeValue::S(run.id.clone()))
            .expression_attribute_values(":seen", AttributeValue::S(seen.unwrap_or(&run.id).to_owned()))
            .expression_attribute_values(":digest", AttributeValue::S(run.digest.clone()))
            .expression_attribute_values(":until", run.until())
            .expression_attribute_values(":now", AttributeValue::N(now.as_microsecond().to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn put_head(&self, head: &Key, thread: &ThreadRecord) -> Result<Created, StoreError> {
        let mut record = thread.attributes()?;
        record.extend(head.attributes());
        let request = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(record.clone()))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", key::PARTITION)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = Box::pin(request.send()).await else { return Ok(Created::New) };
        let old = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => refusal.item(),
            _ => return Err(error.into()),
        };
        // It is the own head when an answer was lost and the write is sent again.
        let own = old == Some(&record);
        Ok(if own { Created::New } else { Created::ExistsAlready })
    }

    /// Deletes what a failed beginning wrote, best effort: the beginning has failed whether or not this works.
    async fn take_back(&self, key: Option<Key>) {
        if let Some(key) = key {
            let request = self.client.delete_item().table_name(&*self.table).set_key(Some(key.attributes()));
            let _ = Box::pin(request.send()).await;
        }
    }
}

/// What it means that a lease is refused where this stands.
fn lease_refusal(old: &Record) -> BeginError {
    if old.is_empty() || old.contains_key(DELETED) { BeginError::NotFound } else { BeginError::Conflict }
}

fn exists_already() -> StoreError {
    StoreError::Other { source: "a thread of this id exists already".into() }
}

/// What became of a new head.
enum Created {
    New,
    ExistsAlready,
}
