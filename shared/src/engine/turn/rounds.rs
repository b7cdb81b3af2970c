use std::future::ready;
use std::pin::Pin;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{Turn, TurnEnd};
use crate::engine::answer::Step;
use crate::engine::prompt_size::max_prompt_tokens;
use crate::engine::{Engine, Outcome, public_messages};
use crate::identity::Owner;
use crate::model::{FunctionCall, IncompleteReason, Input, ModelError, ModelEvent, ModelStream, Prompt, TokenUsage};
use crate::store::{Refusal, StoreError};

/// What the model sends in one round. An error is the last item.
pub(crate) type ModelEvents = Pin<Box<dyn Stream<Item = Result<Received, ModelError>> + Send>>;

/// What is received from the model.
pub(crate) enum Received {
    /// The model has accepted the prompt, and bills for it whatever becomes of the answer. Comes first.
    Accepted,
    Event(ModelEvent),
}

/// What is received of an answer that is being opened; a failure to open it is the first item.
pub(super) fn received(opened: impl Stream<Item = Result<ModelStream, ModelError>> + Send + 'static) -> ModelEvents {
    let events =
        |answer: ModelStream| stream::once(ready(Ok(Received::Accepted))).chain(answer.map_ok(Received::Event));
    opened.map_ok(events).try_flatten().boxed()
}

/// A round for which the model bills, as far as it can be known without the model's own count.
#[derive(Clone, Copy)]
pub(super) struct BilledRound {
    prompt_tokens: u64,
    /// Of the answer, when the round began.
    bytes_before: u64,
    began: Timestamp,
}

impl Engine {
    /// Asks the model.
    pub(crate) fn model_events(&self, owner: &Owner, prompt: Prompt) -> ModelEvents {
        let (engine, owner) = (self.clone(), owner.clone());
        received(stream::once(async move { engine.ask_model(&owner, prompt).await }))
    }
}

impl Turn {
    /// Asks the model until it calls no more tools, or the page or the person has to answer first.
    pub(super) async fn run_rounds(&mut self, mut model: ModelEvents) -> Result<TurnEnd, TurnEnd> {
        for round in 1.. {
            let (end, calls) = self.listen(&mut model).await?;
            if calls.is_empty() {
                let is_silent = end.outcome == Outcome::Ok && !self.answer.has_substance();
                return Ok(if is_silent { TurnEnd::failed(public_messages::no_answer()) } else { end });
            }
            drop(model);
            if round >= self.engine.assistant.max_rounds {
                // Some servers do not know that a model can be told not to call.
                calls.iter().for_each(|call| self.unstored_inputs.remove(call));
                return Ok(TurnEnd::incomplete(public_messages::cut_off(IncompleteReason::Other)));
            }
            if self.run_tools(calls).await? {
                return Ok(TurnEnd::ok());
            }
            // In the last round the model has to answer with what it knows.
            let is_last = round + 1 >= self.engine.assistant.max_rounds;
            self.prompt.tool_choice = is_last.then(|| "none".into());
            if let Some(refusal) = self.hold_next_round().await? {
                return Ok(TurnEnd::incomplete(public_messages::budget_exhausted(refusal.limit)));
            }
            self.answer.next_round();
            model = self.engine.model_events(&self.identity.owner, self.prompt.clone());
        }
        Ok(TurnEnd::ok())
    }

    /// Tells the client what the model does until the round ends: how it ends, and the calls that wait for an output.
    async fn listen(&mut self, model: &mut ModelEvents) -> Result<(TurnEnd, Vec<FunctionCall>), TurnEnd> {
        let round = BilledRound {
            prompt_tokens: max_prompt_tokens(&self.prompt),
            bytes_before: self.answer.bytes(),
            began: self.engine.clock.now(),
        };
        let mut calls = Vec::new();
        let (end, counted) = loop {
            match self.next(model).await {
                Err(end) => break (end, None),
                Ok(None) => break (TurnEnd::failed(public_messages::no_answer()), None),
                Ok(Some(Err(error))) => {
                    if error.may_have_answered() {
                        self.billed_round = Some(round);
                    }
                    break (error.into(), None);
                }
                Ok(Some(Ok(Received::Accepted))) => self.billed_round = Some(round),
                Ok(Some(Ok(Received::Event(event)))) => {
                    let round_end = round_end(&event);
                    self.record(&event, &mut calls);
                    let steps = self.answer.on_event(event);
                    let emits = steps.iter().any(|step| matches!(step, Step::Emit(_)));
                    self.perform(steps).await?;
                    if emits {
                        self.first_event_at.get_or_insert(self.engine.clock.now());
                    }
                    match round_end {
                        round_end if self.answer.is_full() => {
                            let end = TurnEnd::incomplete(public_messages::cut_off(IncompleteReason::MaxOutputTokens));
                            break (end, round_end.and_then(|(_, counted)| counted));
                        }
                        Some(round_end) => break round_end,
                        None => {}
                    }
                }
            }
        };
        let most = self.take_billed_round();
        self.usage += counted.map_or(most, |counted| self.engine.prices.priced(&self.prompt.model, counted));
        self.counted_tokens = counted.map(|counted| counted.total());
        if let Some(tokens) = self.counted_tokens {
            self.prompt.set_counted(tokens);
        }
        // Calls of an answer that was cut off, or failed, are not what the model meant.
        if end.outcome != Outcome::Ok {
            calls.drain(..).for_each(|call| self.unstored_inputs.remove(&call));
        }
        Ok((end, calls))
    }

    /// The most that the round under way has used: what came of the answer has so many bytes, and a model thinks
    /// unseen.
    pub(super) fn billed_round_usage(&self) -> TokenUsage {
        /// More than any hosted model writes.
        const MAX_TOKENS_PER_SECOND: u64 = 1_000;
        let Some(BilledRound { prompt_tokens, bytes_before, began }) = self.billed_round else {
            return TokenUsage::default();
        };
        let seconds = self.engine.clock.now().duration_since(began).as_secs().max(0).unsigned_abs();
        let output = self.answer.bytes() - bytes_before + seconds * MAX_TOKENS_PER_SECOND;
        let (input, output) = (prompt_tokens, output.min(self.max_output_tokens()));
        self.engine.prices.upper_bound(&self.prompt.model, input, output)
    }

    /// The same of a round that is over.
    pub(super) fn take_billed_round(&mut self) -> TokenUsage {
        let usage = self.billed_round_usage();
        self.billed_round = None;
        usage
    }

    fn max_output_tokens(&self) -> u64 {
        u64::from(self.prompt.max_output_tokens.unwrap_or(self.engine.assistant.max_output_tokens))
    }

    /// Records what the next round has to be told.
    fn record(&mut self, event: &ModelEvent, calls: &mut Vec<FunctionCall>) {
        match event {
            ModelEvent::TextDelta { .. } => {
                self.first_token_at.get_or_insert(self.engine.clock.now());
            }
            ModelEvent::MessageDone { content, .. } => {
                let text = content.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
                self.prompt.input.push(Input::Assistant(text));
            }
            ModelEvent::Opaque(value) => self.push_to_prompt(Input::Opaque(value.clone())),
            ModelEvent::Answered { call, output } => {
                self.push_to_prompt(Input::Call(call.with_valid_arguments()));
                self.push_to_prompt(Input::CallOutput { call_id: call.call_id.clone(), output: output.clone() });
            }
            ModelEvent::Call(call) => {
                calls.push(call.clone());
                self.push_to_prompt(Input::Call(call.with_valid_arguments()));
            }
            _ => {}
        }
    }

    /// For the next round, and for later turns.
    pub(super) fn push_to_prompt(&mut self, input: Input) {
        self.unstored_inputs.push(input.clone());
        self.prompt.input.push(input);
    }

    /// Reserves what the next round can use; if a budget refuses, which one.
    async fn hold_next_round(&mut self) -> Result<Option<Refusal>, StoreError> {
        let max_output_tokens = self.max_output_tokens();
        let Some(admitted) = &mut self.admitted else { return Ok(None) };
        let title_tokens = self.title.as_ref().map_or(0, |pending| pending.title.most().total());
        let summary_tokens = self.summary.as_ref().map_or(0, |pending| pending.most.total());
        let beside = title_tokens + summary_tokens;
        let total = self.usage.total() + max_prompt_tokens(&self.prompt) + max_output_tokens + beside;
        self.engine.hold_further_round(admitted, total).await
    }
}

/// How the round ended, if this event says so, and the model's own count of what it used.
fn round_end(event: &ModelEvent) -> Option<(TurnEnd, Option<TokenUsage>)> {
    match event {
        ModelEvent::Completed(counted) => Some((TurnEnd::ok(), *counted)),
        ModelEvent::Incomplete { reason, usage } => {
            Some((TurnEnd::incomplete(public_messages::cut_off(*reason)), *usage))
        }
        _ => None,
    }
}
