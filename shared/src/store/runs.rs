//! Runs: how one takes the lease of a thread, beside what it begins with, and how it ends.

use jiff::Timestamp;

use super::error::{BeginError, StoreError};
use super::key::{self, Key};
use super::record::{Record, json, number, text};
use super::records::{
    ANSWERED_BY, DELETED, ITEM, PENDING, RETRIES, RUN_DIGEST, RUN_ENDED, RUN_ID, RUN_OPERATION, RUN_QUESTION, RUN_TURN,
    RUN_UNTIL, Retry, Run, StoredItem, ThreadRecord,
};
use super::sending;
use super::table::{Change, Table, Write};
use super::threads::NOT_DELETED;
use super::update::Update;
use crate::identity::Owner;

/// The runs of threads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runs {
    pub(super) table: Table,
}

/// What a run begins with.
#[derive(Debug, Clone, Copy)]
pub enum RunTrigger<'a> {
    /// What the thread has.
    Nothing,
    /// A message of the user's, under an id that nothing else has.
    Message(&'a StoredItem),
    /// The answer to an item that waits: stored only if it still does, else it is a conflict.
    Answer {
        /// The item as it waits, or as it was answered for a run that has never begun.
        waiting: &'a StoredItem,
        /// The same with its answer, which names the run in `answered_by`.
        answered: &'a StoredItem,
    },
}

impl Runs {
    /// Takes the lease of a thread for `run` and stores what it begins with, in one round trip. A different message
    /// takes a live run over (the person pressed stop and went on); only the same one, by its digest, is a conflict. A
    /// message with attachments takes them, in one transaction with the lease.
    ///
    /// `expected_run_id` is the run that the caller knows to be over though its lease has not ended. If the run does
    /// not begin, a message is rolled back, and what waited for an answer waits again, as far as that is possible.
    pub async fn begin(
        &self,
        owner: &Owner,
        thread_id: &str,
        run: &Run,
        expected_run_id: Option<&str>,
        trigger: RunTrigger<'_>,
        now: Timestamp,
    ) -> Result<(), BeginError> {
        let head = key::head(owner, thread_id).ok_or(BeginError::NotFound)?;
        let lease = lease(head, run, expected_run_id, now);
        if let RunTrigger::Message(message) = trigger
            && sending::has_attachments(message)
        {
            let lease = Change::Update(lease);
            let sent = sending::send(&self.table, owner, lease, thread_id, message, lease_refusal).await;
            if let Err(BeginError::Store(_)) = sent {
                // Whether it was written is unknown, and the person is told that it was not.
                let _ = self.rollback_message(owner, thread_id, message, Some(run)).await;
            }
            return sent;
        }
        let (leased, stored) = tokio::join!(self.lease(lease), self.store(owner, thread_id, trigger));
        if leased.is_ok() && stored.is_ok() {
            return Ok(());
        }
        // Rolling back is best effort: the lease ends by itself, and the run does not begin either way.
        if let Ok(()) | Err(BeginError::Store(_)) = leased {
            let _ = self.end(owner, thread_id, &run.id).await;
        }
        match (trigger, &leased, &stored) {
            (RunTrigger::Nothing, _, _) => {}
            // Nothing may stay behind in a thread that is gone.
            (RunTrigger::Message(item), _, _)
            | (RunTrigger::Answer { answered: item, .. }, Err(BeginError::NotFound), _) => {
                if let Some(key) = key::item(owner, thread_id, item.item.id()) {
                    let _ = self.table.delete(&key).await;
                }
            }
            // Another answer counts.
            (RunTrigger::Answer { .. }, _, Err(BeginError::Conflict)) => {}
            (RunTrigger::Answer { waiting, .. }, _, _) => {
                let _ = self.restore(owner, thread_id, waiting, run).await;
            }
        }
        leased.and(stored)
    }

    /// Takes the lease for a run that answers a stored item again, and records that on the head: every older run that
    /// answers this item or a later one withdraws when it ends. `thread` is the head as it was read; the run that it
    /// names, over or not, is taken over.
    ///
    /// # Errors
    /// A conflict when another retry of the same message was faster.
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
        let expected_run_id = thread.run.as_ref().map(|run| run.id.as_str());
        let leased = self.lease(lease(head, run, expected_run_id, now).set(RETRIES, json(&retries)?)).await;
        if let Err(BeginError::Store(_)) = leased {
            // Whether it was written is unknown, and the run does not begin.
            let _ = self.end(owner, &thread.id, &run.id).await;
        }
        leased
    }

    /// Releases the lease, if it is still this run's: for turns that end without an item.
    pub async fn end(&self, owner: &Owner, thread_id: &str, run_id: &str) -> Result<(), StoreError> {
        let Some(head) = key::head(owner, thread_id) else { return Ok(()) };
        let update = Update::of(head).remove(RUN_ID).remove(RUN_DIGEST).remove(RUN_UNTIL);
        let update = update.remove(RUN_TURN).remove(RUN_OPERATION).remove(RUN_QUESTION);
        let update = update.set(RUN_ENDED, text(run_id));
        self.table.update(update.when(format!("#{RUN_ID} = :id")).value("id", text(run_id))).await?;
        Ok(())
    }

    /// Removes a message that was just stored, or may have been: its attachments are free again. The lease that `run`
    /// took with it ends; where there is none, the thread began with the message and goes with it.
    ///
    /// # Errors
    /// [`StoreError`]: the message may be there, with its attachments.
    pub async fn rollback_message(
        &self,
        owner: &Owner,
        thread_id: &str,
        message: &StoredItem,
        run: Option<&Run>,
    ) -> Result<(), StoreError> {
        sending::unsend(&self.table, owner, thread_id, message, run.is_none()).await?;
        match run {
            Some(run) => self.end(owner, thread_id, &run.id).await,
            None => Ok(()),
        }
    }

    async fn lease(&self, lease: Update) -> Result<(), BeginError> {
        match self.table.update(lease).await? {
            Write::Done(_) => Ok(()),
            Write::Refused(head) => Err(lease_refusal(&head)),
        }
    }

    async fn store(&self, owner: &Owner, thread_id: &str, trigger: RunTrigger<'_>) -> Result<(), BeginError> {
        match trigger {
            RunTrigger::Nothing => Ok(()),
            RunTrigger::Message(message) => {
                self.table.update(message.write(owner, thread_id)?).await?;
                Ok(())
            }
            RunTrigger::Answer { waiting, answered } => {
                let update = answered.write(owner, thread_id)?;
                let update = match &waiting.answered_by {
                    None => update.when(format!("attribute_exists(#{PENDING})")),
                    Some(run_id) => update.when(format!("#{ANSWERED_BY} = :before")).value("before", text(run_id)),
                };
                match self.table.update(update).await? {
                    Write::Done(_) => Ok(()),
                    // It is there already when an answer was lost and the write is sent again.
                    Write::Refused(old) if old.contains(ITEM) && StoredItem::read(&old)? == *answered => Ok(()),
                    Write::Refused(_) => Err(BeginError::Conflict),
                }
            }
        }
    }

    /// Lets an item wait again whose answer began a run that is not to be.
    async fn restore(&self, owner: &Owner, thread_id: &str, waiting: &StoredItem, run: &Run) -> Result<(), StoreError> {
        let update = waiting.write(owner, thread_id)?.when(format!("#{ANSWERED_BY} = :run"));
        self.table.update(update.value("run", text(&run.id))).await?;
        Ok(())
    }
}

/// The write that takes the lease of a thread.
fn lease(head: Key, run: &Run, expected_run_id: Option<&str>, now: Timestamp) -> Update {
    let update =
        Update::of(head).set(RUN_ID, text(&run.id)).set(RUN_DIGEST, text(&run.digest)).set(RUN_UNTIL, run.until());
    let about = [
        (RUN_TURN, run.turn_id.as_deref().unwrap_or_default()),
        (RUN_OPERATION, &*run.operation),
        (RUN_QUESTION, &*run.question_id),
    ];
    let update = about.into_iter().fold(update, |update, (name, value)| match value {
        "" => update.remove(name),
        value => update.set(name, text(value)),
    });
    update
        .when(key::EXISTS)
        .when(NOT_DELETED)
        // The run's own id is there when an answer was lost and the write is sent again.
        .when(
            "(attribute_not_exists(#run_id) OR #run_id IN (:run_id, :expected) OR #run_digest <> :run_digest \
             OR #run_until <= :now)",
        )
        .value("expected", text(expected_run_id.unwrap_or(&run.id)))
        .value("now", number(now.as_microsecond()))
}

/// What it means that a lease is refused, by the head as it is.
fn lease_refusal(head: &Record) -> BeginError {
    if head.is_empty() || head.contains(DELETED) { BeginError::NotFound } else { BeginError::Conflict }
}
