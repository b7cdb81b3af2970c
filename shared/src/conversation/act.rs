//! Actions: what people do in widgets goes to the site's endpoint, which says what happens.

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::answer::Answer;
use super::heard::ModelEvents;
use super::place::Place;
use super::prompt::prompt;
use super::respond::{Ended, Progress, Start, Turn};
use super::turn::{stream_options, writable};
use super::{Document, Engine, Error, OnEnd, messages};
use crate::endpoints::{EffectStream, Expects};
use crate::identity::Identity;
use crate::ids;
use crate::json_depth::is_too_deep;
use crate::model::Prompt;
use crate::protocol::{CustomAction, Event, ThreadItem};
use crate::store::{Loaded, RunTrigger};

impl Engine {
    /// `threads.custom_action`: the endpoint's effects as they come, then the model's answer if the endpoint wants one.
    /// The action counts as a request, and as a turn once the model is asked.
    pub(super) async fn custom_action(
        &self,
        identity: &Identity,
        params: CustomAction,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let begun = Box::pin(self.begin_action(identity, params, "threads.custom_action")).await?;
        let (turn, action, receiver) = begun;
        turn.emit(stream_options());
        turn.launch(Start::Action(action), None, on_end);
        Ok(receiver)
    }

    /// `threads.sync_custom_action`: the widget as the endpoint wants it. What is stored is stored; what only a stream
    /// could tell is left out.
    pub(super) async fn sync_custom_action(
        &self,
        identity: &Identity,
        params: CustomAction,
    ) -> Result<Document, Error> {
        let begun = Box::pin(self.begin_action(identity, params, "threads.sync_custom_action")).await?;
        let (mut turn, action, mut events) = begun;
        let mut answer = turn.new_answer();
        let request = turn.endpoint_request("action", action);
        let performed = Box::pin(turn.act_at_once(&request, &mut answer)).await;
        Box::pin(turn.leave()).await;
        performed?;
        let sender = turn.place.take().and_then(|place| place.sender);
        drop(turn);
        let mut updated_item = None;
        while let Some(event) = events.recv().await {
            match event {
                Event::ItemReplaced { item } if sender.as_deref() == Some(item.id()) => updated_item = Some(item),
                _ => {}
            }
        }
        Ok(Document::UpdatedItem { updated_item })
    }

    /// What the endpoint of actions says; none if there is no such endpoint.
    fn action_effects(&self, request: &Value) -> Option<EffectStream> {
        let endpoint = self.assistant.actions.as_ref()?;
        let id = self.ids.mint(ids::REQUEST);
        Some(self.endpoints.call(endpoint, Expects::Effects, &id, self.clock.now(), request))
    }

    /// Counts and checks an action, and says what its endpoint is told.
    async fn begin_action(
        &self,
        identity: &Identity,
        params: CustomAction,
        operation: &'static str,
    ) -> Result<(Turn, Value, UnboundedReceiver<Event>), Error> {
        if self.assistant.actions.is_none() {
            return Err(no_actions());
        }
        let owner = &identity.owner;
        let CustomAction { thread_id, item_id, action } = params;
        if is_too_deep(&action.payload) {
            return Err(Error::Invalid("`action.payload` is nested too deeply".to_owned()));
        }
        self.admit_request(owner).await?;
        let sender = async {
            match &item_id {
                Some(item_id) => self.store.items.get(owner, &thread_id, item_id).await,
                None => Ok(None),
            }
        };
        let (loaded, sender) = tokio::join!(self.load_now(owner, &thread_id), sender);
        let Loaded { thread, items, .. } = writable(loaded)?;
        let sender = match (sender?.map(|stored| stored.item), &item_id) {
            (_, None) => None,
            (Some(item @ ThreadItem::Widget(_)), Some(_)) => Some(item),
            (Some(_), Some(_)) => return Err(Error::Invalid("`item_id` must name a widget".to_owned())),
            (None, Some(_)) => return Err(Error::NotFound("item")),
        };
        let mut request = json!({ "action": { "type": action.r#type, "payload": action.payload } });
        if let Some(sender) = &sender {
            request["item"] = json!(sender);
        }
        let mut run = self.lease(String::new(), thread.last_run());
        // Two actions are never the same question.
        run.digest.clone_from(&run.id);
        let (events, receiver) = unbounded_channel();
        let place = Place {
            store: self.store.clone(),
            owner: owner.clone(),
            run,
            leased: false,
            question: items.last().map_or(thread.id.as_str(), |last| last.item.id()).to_owned(),
            thread_id: thread.id,
            anew: false,
            obsolete: Vec::new(),
            sender: item_id,
            stored: Vec::new(),
        };
        let turn = Turn {
            engine: self.clone(),
            identity: identity.clone(),
            place: Some(place),
            thread_title: thread.title,
            operation,
            started: self.clock.now(),
            reservation: None,
            prompt: Prompt { model: self.assistant.model.clone(), ..Prompt::default() },
            events,
            progress: Progress::default(),
        };
        Ok((turn, request, receiver))
    }
}

impl Turn {
    /// Does what the endpoint says, for an answer that is no stream.
    async fn act_at_once(&mut self, request: &Value, answer: &mut Answer) -> Result<(), Error> {
        let mut effects = self.engine.action_effects(request).ok_or_else(no_actions)?;
        let mut broken = None;
        while let Some(effect) = effects.next().await {
            match effect {
                Ok(effect) => {
                    let steps = answer.effect(0, effect);
                    self.perform(steps).await?;
                }
                Err(error) => broken = Some(error),
            }
        }
        // What came is kept even if more should have come, as in a stream.
        self.perform(answer.complete()).await?;
        if let Some(error) = broken {
            self.flush().await?;
            return Err(error.into());
        }
        let questions = answer.ask();
        self.perform(questions).await?;
        Ok(self.flush().await?)
    }

    /// Does what the endpoint says; the model's answer if it wants one.
    pub(super) async fn act(&mut self, action: Value, answer: &mut Answer) -> Result<Option<ModelEvents>, Ended> {
        let request = self.endpoint_request("action", action);
        let Some(mut effects) = self.engine.action_effects(&request) else {
            return Err(refused(no_actions()));
        };
        loop {
            let next = self.next(&mut effects).await.map_err(|_| Ended::failed(messages::took_too_long()))?;
            let steps = match next {
                None => break,
                Some(Ok(effect)) => answer.effect(0, effect),
                Some(Err(error)) => {
                    return Err(Ended { cause: Some(error.into()), ..Ended::failed(messages::action_failed()) });
                }
            };
            self.perform(steps).await?;
        }
        self.perform(answer.complete()).await?;
        let questions = answer.ask();
        self.perform(questions).await?;
        if !answer.wants_answer() {
            return Ok(None);
        }
        self.flush().await?;
        self.ask_model(answer).await.map(Some)
    }

    /// Makes a turn of an action: it is counted, takes the thread's lease, and the model answers what stands there now.
    async fn ask_model(&mut self, answer: &mut Answer) -> Result<ModelEvents, Ended> {
        let Some(place) = &mut self.place else { return Err(Ended::failed(messages::no_answer())) };
        let load = self.engine.load_now(&place.owner, &place.thread_id);
        let admitted = Box::pin(self.engine.admit_and_load(&self.identity, load)).await;
        let (reservation, loaded) = admitted.map_err(refused)?;
        self.prompt = prompt(&self.engine.assistant, &self.identity, &place.thread_id, &loaded.items);
        let reservation = self.reservation.insert(reservation);
        Box::pin(self.engine.hold(reservation, &self.prompt, 0)).await.map_err(refused)?;
        // The endpoint may have taken its time: the answer stands behind what is there now, and runs since then are over.
        if let Some(last) = loaded.items.last() {
            last.item.id().clone_into(&mut place.question);
            answer.continue_behind(&place.question);
        }
        place.run = self.engine.lease(String::new(), loaded.thread.last_run());
        place.run.digest.clone_from(&place.run.id);
        let now = self.engine.clock.now();
        let begun =
            place.store.runs.begin(&place.owner, &place.thread_id, &place.run, None, RunTrigger::Nothing, now).await;
        begun.map_err(|error| refused(error.into()))?;
        place.leased = true;
        Ok(self.engine.ask(&self.identity.owner, self.prompt.clone()))
    }
}

fn no_actions() -> Error {
    Error::Invalid("this server takes no actions: its assistant names no endpoint for them".to_owned())
}

/// The model may not be asked; the person is told why.
fn refused(error: Error) -> Ended {
    let epilogue = messages::refused(&error);
    Ended { cause: matches!(error, Error::Store(_)).then(|| error.into()), ..Ended::failed(epilogue) }
}
