use futures_util::StreamExt;
use serde_json::Value;

use super::rounds::ModelEvents;
use super::{Turn, TurnEnd, Writer};
use crate::endpoints::{EffectStream, Expects};
use crate::engine::prompt::prompt;
use crate::engine::{Error, public_messages};
use crate::ids;
use crate::store::{RunTrigger, StoreError};

impl Turn {
    /// Does what the site's endpoint says of an action. Returns the model's events if the endpoint wants an answer.
    pub(super) async fn run_action(&mut self, action: Value) -> Result<Option<ModelEvents>, TurnEnd> {
        let mut effects = self.action_effects(action)?;
        while let Some(effect) = self.next(&mut effects).await? {
            let steps = self.answer.apply_effect(0, effect?);
            self.perform(steps).await?;
        }
        self.complete_answer().await?;
        self.ask_questions().await?;
        if !self.answer.wants_answer() {
            return Ok(None);
        }
        self.flush().await?;
        self.ask_model_after_action().await.map(Some)
    }

    /// The same for an answer that is not a stream. What came before a failure is kept, as in a stream.
    pub(crate) async fn run_sync_action(&mut self, action: Value) -> Result<(), Error> {
        let mut effects = self.action_effects(action)?;
        let mut failure = None;
        while let Some(effect) = effects.next().await {
            match effect {
                Ok(effect) => {
                    let steps = self.answer.apply_effect(0, effect);
                    self.perform(steps).await?;
                }
                Err(error) => failure = Some(error),
            }
        }
        self.complete_answer().await?;
        if failure.is_none() {
            self.ask_questions().await?;
        }
        self.flush().await?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    fn action_effects(&self, action: Value) -> Result<EffectStream, Error> {
        let engine = &self.engine;
        let endpoint = engine.assistant.actions.as_ref().ok_or_else(no_actions)?;
        let request = self.endpoint_request("action", action);
        let id = engine.ids.mint(ids::REQUEST);
        Ok(engine.endpoints.call(endpoint, Expects::Effects, &id, engine.clock.now(), &request))
    }

    async fn ask_questions(&mut self) -> Result<(), StoreError> {
        let questions = self.answer.ask_questions();
        self.perform(questions).await
    }

    /// Makes a turn of an action: it is admitted, takes the thread's lease, and the model answers the thread as it is now.
    async fn ask_model_after_action(&mut self) -> Result<ModelEvents, TurnEnd> {
        let Writer::Thread(writer) = &mut self.writer else {
            return Err(TurnEnd::failed(public_messages::no_answer()));
        };
        let load = self.engine.load_now(&writer.owner, &writer.thread_id);
        let (admitted, loaded) = self.engine.admit_and_load(&self.identity, load).await?;
        let last_id = loaded.items.last().map(|last| last.item.id().to_owned());
        let history = self.engine.history(loaded.items, loaded.has_older);
        self.prompt = prompt(&self.engine.assistant, &self.identity, &writer.thread_id, &history);
        let admitted = self.admitted.insert(admitted);
        self.engine.hold_first_round(admitted, &self.prompt, 0).await?;
        // The endpoint may have taken its time: the answer follows what is there now, and runs since then are over.
        if let Some(last_id) = last_id {
            writer.question_id = last_id;
            self.answer.continue_behind(&writer.question_id);
        }
        writer.run = self.engine.new_run(None, loaded.thread.last_run());
        let (run, now) = (&writer.run, self.engine.clock.now());
        let leased =
            writer.store.runs.begin(&writer.owner, &writer.thread_id, run, None, RunTrigger::Nothing, now).await;
        leased.map_err(Error::from)?;
        writer.has_lease = true;
        Ok(self.engine.model_events(&self.identity.owner, self.prompt.clone()))
    }
}

pub(crate) fn no_actions() -> Error {
    Error::Invalid("this server takes no actions: its assistant names no endpoint for them".to_owned())
}
