use std::time::Duration;

use futures_util::future::OptionFuture;
use jiff::Timestamp;
use tokio::time::timeout;

use super::admission::Admitted;
use super::summary::{MAX_SUMMARY_WAIT, PendingSummary};
use super::title::{MAX_TITLE_WAIT, PendingTitle};
use super::{Turn, TurnEnd, TurnReport};
use crate::engine::{Engine, Outcome, public_messages};
use crate::identity::Owner;
use crate::ids;
use crate::model::TokenUsage;
use crate::protocol::{Event, Thread};
use crate::store::UsageRecord;
use crate::telemetry::chain;

impl Turn {
    /// Stores the last item and releases the lease, waits for the title, settles what was used, and says the last word.
    pub(super) async fn finish(mut self, mut end: TurnEnd) -> TurnReport {
        let billed = self.take_billed_round();
        self.usage += billed;
        if self.is_ended_elsewhere() {
            // Whoever has ended it has stored what came, and settled it.
            self.admitted.take().into_iter().for_each(Admitted::forget);
            end = TurnEnd::failed(public_messages::no_answer());
        } else {
            // The record comes before the turn is settled, and need not wait for the item where nothing else is
            // awaited.
            let is_all_used = self.title.is_none() && self.summary.is_none() && self.writer.is_thread();
            let record = if is_all_used { self.usage_record(end.outcome) } else { None };
            let engine = self.engine.clone();
            let recorded = OptionFuture::from(record.as_ref().map(|record| engine.record_usage(record)));
            let (stored, _) = tokio::join!(self.store_last(), recorded);
            let ended_with_item = stored.unwrap_or_else(|error| {
                (end.outcome, end.closing_notice) = (Outcome::Error, Some(public_messages::not_stored()));
                end.failure.get_or_insert(error);
                false
            });
            self.finish_title(end.outcome).await;
            self.finish_summary(end.outcome).await;
            let is_recorded = record.is_some_and(|record| record.outcome == end.outcome);
            self.settle(end.outcome, is_recorded).await;
            let last_word = end.closing_notice.as_ref().map(|message| message.to_event(&self.identity));
            self.record_end(last_word.as_ref(), ended_with_item).await;
        }
        if let Some(message) = &end.closing_notice {
            self.say(message);
        }
        let TurnEnd { outcome, failure, .. } = end;
        let Self { prompt, usage, first_event_at, .. } = self;
        TurnReport { model: prompt.model, usage, first_event_at, outcome, failure }
    }

    /// For a title that the site's endpoint has given meanwhile: the model's would only be told after it.
    pub(super) fn give_up_title(&mut self) {
        if let Some(PendingTitle { title, .. }) = self.title.take() {
            self.usage += title.most();
        }
    }

    /// The end of the turn waits a little for the title. A person who waits to hear what went wrong does not.
    async fn finish_title(&mut self, outcome: Outcome) {
        let wait = if outcome == Outcome::Error { Duration::ZERO } else { MAX_TITLE_WAIT };
        let made = async {
            while self.title.is_some() {
                self.beside().await;
            }
        };
        if timeout(wait, made).await.is_ok() {
            return;
        }
        let Some(PendingTitle { title, .. }) = self.title.take() else { return };
        let (thread, used) = (title.make_plain().await, title.most());
        self.title_made(thread, used);
    }

    /// `thread` is none where the thread has got another title meanwhile.
    pub(super) fn title_made(&mut self, thread: Option<Thread>, used: TokenUsage) {
        self.usage += used;
        if let Some(thread) = thread {
            self.emit(Event::ThreadUpdated { thread });
        }
    }

    /// The same for a summary. One that comes too late is made again by a later turn.
    async fn finish_summary(&mut self, outcome: Outcome) {
        let wait = if outcome == Outcome::Error { Duration::ZERO } else { MAX_SUMMARY_WAIT };
        let made = async {
            while self.summary.is_some() {
                self.beside().await;
            }
        };
        if timeout(wait, made).await.is_err()
            && let Some(PendingSummary { most, .. }) = self.summary.take()
        {
            self.summary_made(None, most);
        }
    }

    /// What is stored is withdrawn with the turn.
    pub(super) fn summary_made(&mut self, item_id: Option<String>, used: TokenUsage) {
        self.usage += used;
        self.writer.remember(item_id);
    }

    /// Writes the usage record, then settles the turn and looks whether its thread is still there. Once a turn is
    /// settled, nobody writes its record for a process that has died.
    async fn settle(&mut self, outcome: Outcome, is_recorded: bool) {
        let record = if is_recorded { None } else { self.usage_record(outcome) };
        // Without a model there was no turn.
        let Some(admitted) = self.admitted.take() else { return self.withdraw().await };
        let (engine, used) = (self.engine.clone(), self.usage.total());
        let recorded = OptionFuture::from(record.as_ref().map(|record| engine.record_usage(record)));
        if self.writer.is_thread() {
            recorded.await;
            tokio::join!(admitted.settle_or_log(used), self.withdraw());
        } else {
            tokio::join!(admitted.settle_or_log(used), recorded);
        }
    }

    /// What the turn has used by now; none where no model was asked.
    fn usage_record(&self, outcome: Outcome) -> Option<UsageRecord> {
        let turn_id = self.admitted.as_ref()?.turn_id().map(|turn_id| format!("{}_{turn_id}", ids::REQUEST));
        let record = self.engine.usage_record(
            &self.identity.owner,
            self.operation,
            &self.prompt.model,
            self.started,
            outcome,
            self.usage,
        );
        Some(UsageRecord {
            // Another process that finds the turn unsettled writes the same record.
            id: turn_id.unwrap_or_else(|| record.id.clone()),
            thread_id: self.writer.thread_id().map(ToOwned::to_owned),
            first_token_ms: self.first_token_at.map(|at| milliseconds_between(self.started, at)),
            ..record
        })
    }

    /// Removes what the turn has stored if its thread is gone or its question was retried.
    pub(crate) async fn withdraw(&mut self) {
        match self.writer.withdraw().await {
            Ok(file_ids) => self.drop_files(&file_ids).await,
            Err(error) => {
                tracing::error!(error = chain(&error), "could not look whether the thread of a turn still exists");
            }
        }
    }
}

impl Engine {
    /// Turns what is reserved into what was used, and writes the usage record.
    pub(crate) async fn settle(&self, admitted: Admitted, record: &UsageRecord) {
        let used = record.input_tokens + record.output_tokens;
        tokio::join!(admitted.settle_or_log(used), self.record_usage(record));
    }

    /// Writes a usage record. A failure costs the operator's statistics, not the person's answer.
    pub(super) async fn record_usage(&self, record: &UsageRecord) {
        if let Err(error) = self.store.usage.record(record, self.limits.usage_retention_days).await {
            tracing::error!(error = chain(&error), "could not write the usage record of a turn");
        }
    }

    /// The usage record of what `model` did for an operation that ends now.
    pub(crate) fn usage_record(
        &self,
        owner: &Owner,
        operation: &str,
        model: &str,
        started: Timestamp,
        outcome: Outcome,
        usage: TokenUsage,
    ) -> UsageRecord {
        let TokenUsage { input, cached, output, reasoning, cache_write, calls, picodollars, unpriced } = usage;
        UsageRecord {
            id: self.ids.mint(ids::REQUEST),
            at: started,
            tenant: owner.tenant().to_owned(),
            user: owner.user().to_owned(),
            thread_id: None,
            operation: operation.to_owned(),
            model: model.to_owned(),
            outcome,
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            cache_write_tokens: cache_write,
            calls,
            picodollars,
            is_priced: !unpriced && self.prices.has(model),
            duration_ms: milliseconds_between(started, self.clock.now()),
            first_token_ms: None,
        }
    }
}

fn milliseconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or_default()
}
