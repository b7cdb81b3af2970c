//! How a turn begins: the lease, and the user's item beside it.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;

use super::attributes::Record;
use super::error::{StoreError, refused};
use super::key::{self, Key};
use super::records::{DELETED, RETRIED_BY, RETRIED_ITEM, RUN_DIGEST, RUN_ID, RUN_UNTIL, Run, StoredItem, ThreadRecord};
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

    /// Takes the lease of a thread for `run` and stores `item`, in one round trip. A different message takes a live
    /// run over (the person pressed stop and went on); only the same one, by its digest, is a conflict.
    ///
    /// An item that answers a pending one, under its id, is stored only where that still waits; else it is a conflict.
    /// One with attachments takes them, in one transaction with the lease.
    ///
    /// `seen` is the id of a run that the caller knows to be over though its lease has not ended. If the lease is
    /// refused, `item` is taken back: what stood there before stands there again.
    ///
    /// # Errors
    /// [`BeginError`].
    pub async fn begin_run(
        &self,
        owner: &Owner,
        thread_id: &str,
        run: &Run,
        seen: Option<&str>,
        item: Option<&StoredItem>,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let head = key::head(owner, thread_id).ok_or(BeginError::NotFound)?;
        if let Some(message) = item.filter(|item| !attachments(&item.item).is_empty()) {
            let lease = Head::Lease(self.leasing(&head, run, seen, None, now).into(), run);
            return self.send_message(owner, thread_id, lease, message, lease_refusal).await;
        }
        let put = async {
            match item {
                Some(item) if item.item.is_answer() => {
                    let before = self.answer_item(owner, thread_id, item).await?;
                    before.map(Some).ok_or(BeginError::Conflict)
                }
                Some(item) => Ok(self.upsert(owner, thread_id, item).await?),
                None => Ok(None),
            }
        };
        let (leased, stored) = tokio::join!(self.lease(&head, run, seen, None, now), put);
        let item = item.and_then(|stored| key::item(owner, thread_id, stored.item.id()));
        if leased.is_ok() && stored.is_ok() {
            return Ok(());
        }
        // Taking back is best effort: the lease ends by itself, and the turn has not begun either way.
        if let Ok(()) | Err(BeginError::Store(_)) = leased {
            let _ = self.end_run(owner, thread_id, &run.id).await;
        }
        match (&leased, &stored) {
            // Nothing may stay behind in a thread that is gone.
            (Err(BeginError::NotFound), _) | (Err(_), Ok(None)) => self.take_back(item).await,
            (Err(_), Ok(Some(before))) => {
                let request = self.client.put_item().table_name(&*self.table).set_item(Some(before.clone()));
                let _ = Box::pin(request.send()).await;
            }
            // Whether the item was written, and over what, nobody knows.
            (_, Err(_)) | (Ok(()), Ok(_)) => {}
        }
        leased.and(stored.map(|_| ()))
    }

    /// Takes the lease for a run that answers a stored item anew, and notes that on the head: every older run that
    /// answers this item or a later one withdraws when it ends. `seen` is the run that stands on the head, over or not.
    ///
    /// # Errors
    /// [`BeginError`]; a conflict when another retry of the same message was faster.
    pub async fn begin_retry(
        &self,
        owner: &Owner,
        thread_id: &str,
        run: &Run,
        item_id: &str,
        seen: Option<&str>,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let head = key::head(owner, thread_id).ok_or(BeginError::NotFound)?;
        self.lease(&head, run, seen, Some(item_id), now).await
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
        retried: Option<&str>,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let Err(error) = Box::pin(self.leasing(head, run, seen, retried, now).send()).await else { return Ok(()) };
        Err(lease_refusal(&refused(error)?))
    }

    fn leasing(
        &self,
        head: &Key,
        run: &Run,
        seen: Option<&str>,
        retried: Option<&str>,
        now: Timestamp,
    ) -> UpdateItemFluentBuilder {
        let mut update = "SET #id = :id, #digest = :digest, #until = :until".to_owned();
        let mut request = self.client.update_item();
        if let Some(item_id) = retried {
            update.push_str(", #retried_item = :retried_item, #retried_by = :id");
            request = request
                .expression_attribute_names("#retried_item", RETRIED_ITEM)
                .expression_attribute_names("#retried_by", RETRIED_BY)
                .expression_attribute_values(":retried_item", AttributeValue::S(item_id.to_owned()));
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
