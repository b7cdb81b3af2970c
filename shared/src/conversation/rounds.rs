//! The rounds of a turn: the model is asked, what it does is told as it comes, and its calls are answered, until it calls no
//! more.

use super::answer::{Answer, Step};
use super::heard::{Heard, ModelEvents};
use super::prompt::tokens;
use super::respond::{Ended, Turn};
use super::settle::add;
use super::{Engine, Outcome, messages, title};
use crate::model::{FunctionCall, IncompleteReason, Input, ModelEvent, TokenUsage};
use crate::store::{Refusal, StoreError};

impl Turn {
    /// Asks the model until it calls no more functions, or somebody else has to answer first.
    pub(super) async fn answer(&mut self, mut model: ModelEvents, answer: &mut Answer) -> Result<Ended, Ended> {
        for round in 1.. {
            let (ended, calls) = self.listen(&mut model, answer).await?;
            if calls.is_empty() {
                let is_silent = ended.outcome == Outcome::Ok && !answer.has_substance();
                return Ok(if is_silent { Ended::failed(messages::no_answer()) } else { ended });
            }
            drop(model);
            if round >= self.engine.assistant.max_rounds {
                calls.iter().for_each(|call| self.progress.trail.remove(call));
                // Some servers do not know that a model can be told not to call.
                let epilogue = Some(messages::cut_off(IncompleteReason::Other));
                return Ok(Ended { outcome: Outcome::Incomplete, epilogue, cause: None });
            }
            if self.call(calls, answer).await? {
                return Ok(Ended::well());
            }
            self.prompt.tool_choice = None;
            if round + 1 >= self.engine.assistant.max_rounds {
                // The last time, the model has to answer with what it knows.
                self.prompt.tool_choice = Some("none".into());
            }
            if let Some(refusal) = self.hold_more().await? {
                let epilogue = Some(messages::budget_exhausted(refusal.limit));
                return Ok(Ended { outcome: Outcome::Incomplete, epilogue, cause: None });
            }
            answer.next_round();
            model = self.engine.ask(&self.identity.owner, self.prompt.clone());
        }
        Ok(Ended::well())
    }

    /// Tells what the model does until its answer ends: how, and what it calls, if it waits for that.
    async fn listen(
        &mut self,
        model: &mut ModelEvents,
        answer: &mut Answer,
    ) -> Result<(Ended, Vec<FunctionCall>), Ended> {
        let (asked, said) = (tokens(&self.prompt), answer.characters());
        // What it takes where the model's own count never comes: what was asked, if it was taken, and what came.
        let mut estimate = TokenUsage::default();
        let mut calls = Vec::new();
        loop {
            let ended = match self.next(model).await {
                Err(_) => (Ended::failed(messages::took_too_long()), None),
                Ok(None) => (Ended::failed(messages::no_answer()), None),
                Ok(Some(Err(error))) => {
                    let epilogue = messages::failed(&error);
                    (Ended { cause: Some(error.into()), ..Ended::failed(epilogue) }, None)
                }
                Ok(Some(Ok(Heard::Accepted))) => {
                    estimate.input = asked;
                    continue;
                }
                Ok(Some(Ok(Heard::Event(event)))) => {
                    let ended = ending(&event);
                    self.note(&event, &mut calls);
                    let steps = answer.take(event);
                    let tells = steps.iter().any(|step| matches!(step, Step::Emit(_)));
                    estimate.output = (answer.characters() - said).div_ceil(4);
                    if let Err(error) = self.perform(steps).await {
                        add(&mut self.progress.usage, estimate);
                        return Err(error.into());
                    }
                    if tells {
                        self.progress.first_event_at.get_or_insert(self.engine.clock.now());
                    }
                    match (ended, answer.is_full()) {
                        (ended, true) => {
                            let epilogue = Some(messages::cut_off(IncompleteReason::MaxOutputTokens));
                            let full = Ended { outcome: Outcome::Incomplete, epilogue, cause: None };
                            (full, ended.and_then(|(_, tokens)| tokens))
                        }
                        (Some(ended), false) => ended,
                        (None, false) => continue,
                    }
                }
            };
            let (ended, counted) = ended;
            add(&mut self.progress.usage, counted.unwrap_or(estimate));
            // Calls of an answer that was cut off, or failed, are not what the model meant.
            if ended.outcome != Outcome::Ok {
                calls.drain(..).for_each(|call| self.progress.trail.remove(&call));
            }
            return Ok((ended, calls));
        }
    }

    /// Remembers what the next round has to be told.
    fn note(&mut self, event: &ModelEvent, calls: &mut Vec<FunctionCall>) {
        match event {
            ModelEvent::TextDelta { .. } => {
                self.progress.first_token_at.get_or_insert(self.engine.clock.now());
            }
            ModelEvent::MessageDone { content, .. } => {
                let text = content.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
                self.prompt.input.push(Input::Assistant(text));
            }
            ModelEvent::Opaque(value) => self.learn(Input::Opaque(value.clone())),
            ModelEvent::Answered { call, output } => {
                self.learn(Input::Call(call.with_valid_arguments()));
                self.learn(Input::CallOutput { call_id: call.call_id.clone(), output: output.clone() });
            }
            ModelEvent::Call(call) => {
                calls.push(call.clone());
                self.learn(Input::Call(call.with_valid_arguments()));
            }
            _ => {}
        }
    }

    /// Tells the model in its next round, and later turns.
    pub(super) fn learn(&mut self, input: Input) {
        self.progress.trail.push(input.clone());
        self.prompt.input.push(input);
    }

    /// Holds as much of the budgets as the next round can cost; why there is no room, if so.
    async fn hold_more(&mut self) -> Result<Option<Refusal>, StoreError> {
        let Some(reservation) = &mut self.reservation else { return Ok(None) };
        let Engine { store, assistant, clock, .. } = &self.engine;
        let used = self.progress.usage.input + self.progress.usage.output;
        let beside = self.progress.title.as_ref().map_or(0, |pending| title::worst_case(&pending.title.message));
        let total = used + tokens(&self.prompt) + u64::from(assistant.max_output_tokens) + beside;
        store.budgets.hold(reservation, total, clock.now()).await
    }
}

/// How the model's answer ended, if this event says so, and what it took.
fn ending(event: &ModelEvent) -> Option<(Ended, Option<TokenUsage>)> {
    match event {
        ModelEvent::Completed(tokens) => Some((Ended::well(), *tokens)),
        ModelEvent::Incomplete { reason, usage } => {
            let epilogue = Some(messages::cut_off(*reason));
            Some((Ended { outcome: Outcome::Incomplete, epilogue, cause: None }, *usage))
        }
        _ => None,
    }
}
