//! The end of a turn: its title, what it took, and what is left of it where its thread is gone.

use std::time::Duration;

use futures_util::future::OptionFuture;
use jiff::Timestamp;
use tokio::time::timeout;

use super::place::Place;
use super::respond::{PendingTitle, Turn};
use super::title::PATIENCE;
use super::{Engine, Outcome};
use crate::ids;
use crate::model::TokenUsage;
use crate::protocol::{Event, Thread};
use crate::store::{StoreError, UsageRecord};
use crate::telemetry::chain;

impl Turn {
    /// A title that is still being made would only be told behind the one that counts.
    pub(super) fn give_up_title(&mut self) {
        if let Some(PendingTitle { title, .. }) = self.progress.title.take() {
            add(&mut self.progress.usage, title.estimate());
        }
    }

    /// The end of the turn waits a little for a title. Whoever waits to hear what went wrong does not.
    pub(super) async fn finish_title(&mut self, outcome: Outcome) {
        let Some(PendingTitle { title, made }) = self.progress.title.take() else { return };
        let patience = if outcome == Outcome::Error { Duration::ZERO } else { PATIENCE };
        let (thread, tokens) = match timeout(patience, made).await {
            Ok(named) => named,
            Err(_) => (title.make_plain().await, title.estimate()),
        };
        self.named(thread, tokens);
    }

    /// The title is made, or not: it is told, and what it took is counted.
    pub(super) fn named(&mut self, thread: Option<Thread>, tokens: TokenUsage) {
        add(&mut self.progress.usage, tokens);
        if let Some(thread) = thread {
            self.emit(Event::ThreadUpdated { thread });
        }
    }

    /// Gives back what was reserved too much and writes down what was used. A failure here costs the operator's
    /// statistics, not the person's answer.
    pub(super) async fn settle(&mut self, outcome: Outcome) {
        let Engine { clock, store, limits, .. } = &self.engine;
        let record = self.record(outcome, clock.now());
        let used = record.input_tokens + record.output_tokens;
        let settle = async {
            match &self.reservation {
                Some(reservation) => store.budgets.settle(reservation, used).await,
                None => Ok(()),
            }
        };
        // Where no model was asked there was no turn.
        let (is_turn, rows) = (self.reservation.is_some(), &store.usage);
        let count = async { if is_turn { rows.record(&record, limits.usage_retention_days).await } else { Ok(()) } };
        let withdraw = OptionFuture::from(self.place.as_ref().map(Place::withdraw));
        let (settled, recorded, withdrawn) = tokio::join!(settle, count, withdraw);
        for (what, result) in [("budget", settled), ("usage", recorded)] {
            if let Err(error) = result {
                tracing::error!(error = chain(&error), "a turn's {what} was not settled");
            }
        }
        self.withdrawn(withdrawn).await;
    }

    /// Leaves the thread without a turn: takes back what was stored if the thread is gone.
    pub(super) async fn leave(&mut self) {
        let withdrawn = match &self.place {
            Some(place) => Some(place.withdraw().await),
            None => None,
        };
        self.withdrawn(withdrawn).await;
    }

    async fn withdrawn(&mut self, withdrawn: Option<Result<Vec<String>, StoreError>>) {
        match withdrawn {
            None => {}
            Some(Ok(files)) => Box::pin(self.drop_files(&files)).await,
            Some(Err(error)) => tracing::error!(error = chain(&error), "what a turn stored was not looked after"),
        }
    }

    fn record(&self, outcome: Outcome, now: Timestamp) -> UsageRecord {
        let since_start =
            |at: Timestamp| u64::try_from(at.as_millisecond() - self.started.as_millisecond()).unwrap_or_default();
        let TokenUsage { input, cached, output, reasoning } = self.progress.usage;
        UsageRecord {
            id: self.engine.ids.mint(ids::REQUEST),
            at: self.started,
            tenant: self.identity.owner.tenant().to_owned(),
            user: self.identity.owner.user().to_owned(),
            thread_id: self.place.as_ref().map(|place| place.thread_id.clone()),
            operation: self.operation.to_owned(),
            model: self.prompt.model.clone(),
            outcome,
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            duration_ms: since_start(now),
            first_token_ms: self.progress.first_token_at.map(since_start),
        }
    }
}

pub(super) fn add(total: &mut TokenUsage, more: TokenUsage) {
    total.input += more.input;
    total.cached += more.cached;
    total.output += more.output;
    total.reasoning += more.reasoning;
}
