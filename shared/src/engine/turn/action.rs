use futures_util::StreamExt;
use serde_json::Value;

use super::rounds::ModelEvents;
use super::{Turn, TurnEnd, Writer};
use crate::endpoints::{EffectStream, Expects};
use crate::engine::prompt::prompt;
use crate::engine::{Error, Failure, public_messages};
use crate::ids;
use crate::store::RunTrigger;

impl Turn {
    /// Does what the site's endpoint says of an action. Returns the model's events if the endpoint wants an answer.
    pub(super) async fn run_action(&mut self, action: Value, call_id: &str) -> Result<Option<ModelEvents>, TurnEnd> {
        let mut effects = self.action_effects(action, call_id)?;
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
        let call_id = self.engine.ids.mint(ids::REQUEST);
        let mut effects = self.action_effects(action, &call_id)?;
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

    fn action_effects(&self, action: Value, call_id: &str) -> Result<EffectStream, Error> {
        let engine = &self.engine;
        let endpoint = engine.assistant.actions.as_ref().ok_or_else(no_actions)?;
        let request = self.endpoint_request("action", action);
        Ok(engine.endpoints.call(endpoint, Expects::Effects, call_id, engine.clock.now(), &request))
    }

    async fn ask_questions(&mut self) -> Result<(), Failure> {
        let questions = self.answer.ask_questions();
        self.perform(questions).await
    }

    /// Makes a turn of an action: it is admitted, takes the thread's lease, and the model answers the thread as it is
    /// now.
    async fn ask_model_after_action(&mut self) -> Result<ModelEvents, TurnEnd> {
        let Writer::Thread(writer) = &mut self.writer else {
            return Err(TurnEnd::failed(public_messages::no_answer()));
        };
        let load = self.engine.load_now(&writer.owner, &writer.thread_id);
        let (admitted, loaded) = self.engine.admit_and_load(&self.identity, &writer.thread_id, load).await?;
        let last_id = loaded.items.last().map(|last| last.item.id().to_owned());
        let history = self.engine.history(loaded.items, loaded.has_older);
        self.prompt = prompt(&self.engine.assistant, &self.identity, &writer.thread_id, &history);
        let admitted = self.admitted.insert(admitted);
        self.engine.hold_first_round(admitted, &self.identity.owner, &mut self.prompt, 0).await?;
        // The endpoint may have taken its time: the answer follows what is there now, and runs since then are over.
        if let Some(last_id) = last_id {
            writer.question_id = last_id;
            self.answer.continue_behind(&writer.question_id);
        }
        if loaded.thread.last_run().is_some_and(|last| ids::sort_key(last) >= ids::sort_key(&writer.run.id)) {
            writer.run.id = self.engine.new_run(admitted.turn_id(), None, loaded.thread.last_run()).id;
            self.stream.continue_as(&writer.run.id);
            if let Some(life) = &mut self.life {
                life.continue_as(self.engine.live_runs.register(&writer.owner, &writer.thread_id, &writer.run.id));
            }
        }
        writer.run.turn_id = admitted.turn_id().map(ToOwned::to_owned);
        writer.run.question_id.clone_from(&writer.question_id);
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
