use std::future::Future;
use std::pin::{Pin, pin};

use futures_util::future::{Either, MaybeDone, maybe_done, select};
use futures_util::{FutureExt, StreamExt, stream};

use super::admission::Admitted;
use super::rounds::{ModelEvents, received};
use super::summary::Summary;
use super::title::{PendingTitle, Title};
use super::{FirstWrite, OnEnd, Start, ThreadWriter, Turn, TurnPlan, TurnReport, Writer};
use crate::assistant::Titles;
use crate::engine::operations::attachments::Upload;
use crate::engine::run::RunStream;
use crate::engine::{Engine, Error, Events, Failure, Outcome, public_messages};
use crate::files::Files;
use crate::identity::{Identity, Owner};
use crate::model::{ModelError, ModelErrorKind, ModelStream, Prompt, TokenUsage};
use crate::store::{Run, RunTrigger, StoredItem, UsageRecord};
use crate::telemetry::chain;

/// The model being called, while the turn's first write is under way.
type ModelCall = Pin<Box<MaybeDone<Pin<Box<dyn Future<Output = Result<ModelStream, ModelError>> + Send>>>>>;

impl Engine {
    /// Starts the turn of an operation: calls the model while the first write is under way, tells the client the first
    /// events, and lets the turn run in a task of its own. Where `plan` failed, nothing is written.
    pub(crate) async fn start_turn(
        &self,
        admitted: Admitted,
        plan: Result<TurnPlan, Error>,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        let (mut admitted, mut plan) = match plan {
            // It joins the run that answers it already.
            Err(Error::Conflict) => {
                admitted.cancel().await;
                return Err(Error::Conflict);
            }
            plan => admitted.or_release(plan).await?,
        };
        plan.set_turn(admitted.turn_id());
        let started = self.clock.now();
        let has_files = plan.first_write.has_files();
        let mut beside = plan.title_message.as_deref().map_or(0, |message| self.max_title_tokens(message));
        let (mut model_call, mut summary) = (None, None);
        if plan.page_calls.is_empty() {
            let held = match has_files {
                true => self.hold_prompt(&mut admitted, &mut plan.prompt, beside).await,
                false => {
                    let owner = &plan.identity.owner;
                    self.hold_first_round(&mut admitted, owner, &mut plan.prompt, beside).await
                }
            };
            (admitted, ()) = admitted.or_release(held).await?;
            summary = self.hold_summary(&mut admitted, &plan, beside).await;
            beside += summary.as_ref().map_or(0, Summary::max_tokens);
            model_call = (!has_files).then(|| self.call_model(&plan));
        }
        let mut written = match &mut model_call {
            Some(call) => {
                admitted.model_was_called();
                write_while_model_starts(self.write_first(&plan), call).await
            }
            None => self.write_first(&plan).await,
        };
        if written.is_ok() && has_files {
            written = self.hold_files(&mut admitted, &mut plan, beside).await;
            model_call = Some(self.call_model(&plan));
        }
        match written {
            Ok(()) => {}
            // Something may be written, and a client repeats what a 5xx answers; so this is a stream that failed.
            Err(Error::Failed(Failure::Store(error))) => {
                self.release_called(admitted, &plan).await;
                return Ok(failed_stream(&plan.identity, plan.prompt.model, error.into(), on_end));
            }
            Err(error) => {
                self.release_called(admitted, &plan).await;
                return Err(error);
            }
        }
        let TurnPlan { operation, identity, thread, run, question_id, first_write, prompt, .. } = plan;
        let writer = ThreadWriter {
            has_lease: true,
            is_retry: matches!(first_write, FirstWrite::Retry),
            superseded_item_ids: plan.superseded_item_ids,
            ..ThreadWriter::new(self, &identity.owner, thread.id, run, question_id)
        };
        let title = plan.title_message.filter(|_| self.assistant.titles != Titles::Off).map(|message| {
            let (owner, thread_id) = (identity.owner.clone(), writer.thread_id.clone());
            PendingTitle::of(Title { engine: self.clone(), owner, thread_id, message })
        });
        let (mut turn, events) = Turn::new(self, &identity, operation, Writer::Thread(writer.into()), prompt);
        (turn.started, turn.title, turn.summary) = (started, title, summary.map(Summary::start));
        for event in plan.first_events {
            turn.emit(event);
        }
        let start = model_call.map_or(Start::Page(plan.page_calls), |call| Start::Model(model_events(call)));
        turn.with_thread_title(thread.title).with_admitted(admitted).spawn(start, on_end);
        Ok(events)
    }

    /// Settles a turn that does not take place though the model may have been called, which bills for the prompt then.
    async fn release_called(&self, admitted: Admitted, plan: &TurnPlan) {
        let (owner, model, now) = (&plan.identity.owner, &plan.prompt.model, self.clock.now());
        let usage = self.prices.upper_bound(model, admitted.used_at_least(), 0);
        if usage.input > 0 {
            let record = self.usage_record(owner, plan.operation, model, now, Outcome::Error, usage);
            self.record_usage(&UsageRecord { thread_id: Some(plan.thread.id.clone()), ..record }).await;
        }
        admitted.release().await;
    }

    /// The summary that is to be made beside a turn, where the budgets have room for it.
    async fn hold_summary(&self, admitted: &mut Admitted, plan: &TurnPlan, beside: u64) -> Option<Summary> {
        let summary = Summary::of(self, plan)?;
        let mut prompt = plan.prompt.clone();
        let held = self.hold_prompt(admitted, &mut prompt, beside + summary.max_tokens()).await;
        // Rather none than a shorter answer.
        (held.is_ok() && prompt.max_output_tokens == plan.prompt.max_output_tokens).then_some(summary)
    }

    /// Reserves what a message with files can use, once the model's server can read them. Where that is too much, the
    /// message is rolled back.
    async fn hold_files(&self, admitted: &mut Admitted, plan: &mut TurnPlan, beside: u64) -> Result<(), Error> {
        let owner = &plan.identity.owner;
        let held = self.hold_first_round(admitted, owner, &mut plan.prompt, beside).await;
        let (Err(_), FirstWrite::Thread { message, .. } | FirstWrite::Message { message, .. }) =
            (&held, &plan.first_write)
        else {
            return held;
        };
        let run = matches!(plan.first_write, FirstWrite::Message { .. }).then_some(&plan.run);
        self.store.runs.rollback_message(owner, &plan.thread.id, message, run).await?;
        held
    }

    async fn write_first(&self, plan: &TurnPlan) -> Result<(), Error> {
        let TurnPlan { identity, thread, run, .. } = plan;
        let (owner, now) = (&identity.owner, self.clock.now());
        match &plan.first_write {
            FirstWrite::Thread { message, uploads } => {
                self.store.threads.create(owner, thread, message).await?;
                self.keep_message_files(owner, message, uploads, None).await
            }
            FirstWrite::Message { message, uploads, ended_run_id } => {
                let trigger = RunTrigger::Message(message);
                self.store.runs.begin(owner, &thread.id, run, ended_run_id.as_deref(), trigger, now).await?;
                self.keep_message_files(owner, message, uploads, Some(run)).await
            }
            FirstWrite::Retry => Ok(self.store.runs.begin_retry(owner, thread, run, &plan.question_id, now).await?),
            FirstWrite::Answer { waiting, answered, ended_run_id } => {
                let trigger = RunTrigger::Answer { waiting, answered };
                Ok(self.store.runs.begin(owner, &thread.id, run, ended_run_id.as_deref(), trigger, now).await?)
            }
        }
    }

    /// Keeps the files of a message that was just stored. Where that fails, the message is rolled back, so that it can
    /// be sent again.
    async fn keep_message_files(
        &self,
        owner: &Owner,
        message: &StoredItem,
        uploads: &[Upload],
        run: Option<&Run>,
    ) -> Result<(), Error> {
        if uploads.is_empty() {
            return Ok(());
        }
        let Err(error) = self.keep_uploads(owner, uploads).await else { return Ok(()) };
        self.store.runs.rollback_message(owner, &message.item.header().thread_id, message, run).await?;
        Err(error)
    }

    fn call_model(&self, plan: &TurnPlan) -> ModelCall {
        let (engine, owner, prompt) = (self.clone(), plan.identity.owner.clone(), plan.prompt.clone());
        Box::pin(maybe_done(async move { engine.ask_model(&owner, prompt).await }.boxed()))
    }

    /// Calls the model, with the prompt's files in a form that its server can read.
    pub(super) async fn ask_model(&self, owner: &Owner, mut prompt: Prompt) -> Result<ModelStream, ModelError> {
        self.resolve_files(owner, &mut prompt).await?;
        prompt.user = self.keys.known().map(|keys| keys.safety_identifier(owner));
        self.model.stream(&prompt).await
    }

    /// Brings the files of a prompt into a form that the model's server can read.
    pub(super) async fn resolve_files(&self, owner: &Owner, prompt: &mut Prompt) -> Result<(), ModelError> {
        let Some(files) = &self.files else {
            Files::strip_files(prompt);
            return Ok(());
        };
        files.resolve(owner, prompt).await.map_err(|error| {
            tracing::error!(error = chain(&error), "could not read the files of a prompt");
            ModelError::new(ModelErrorKind::Unavailable)
        })
    }
}

/// Waits for the write alone: the model's answer, should it come first, waits in `call`.
async fn write_while_model_starts<T>(write: impl Future<Output = T>, call: &mut ModelCall) -> T {
    match select(pin!(write), call.as_mut()).await {
        Either::Left((written, _)) => written,
        Either::Right(((), write)) => write.await,
    }
}

fn model_events(mut call: ModelCall) -> ModelEvents {
    let opened = stream::once(async move {
        call.as_mut().await;
        call.as_mut().take_output()
    });
    received(opened.filter_map(|opened| async { opened }))
}

/// The answer to an operation whose first write failed.
fn failed_stream(identity: &Identity, model: String, failure: Failure, on_end: OnEnd) -> Events {
    let (mut stream, events) = RunStream::new(None);
    stream.send(public_messages::failed(&failure).to_event(identity));
    let (usage, outcome) = (TokenUsage::default(), Outcome::Error);
    on_end(TurnReport { model, usage, first_event_at: None, outcome, failure: Some(failure) });
    events
}
