use serde_json::{Value, json};

use crate::engine::turn::{Start, ThreadWriter, Turn, Writer, no_actions, stream_options, writable};
use crate::engine::{Document, Engine, Error, Events, OnEnd};
use crate::hash::sha256_hex;
use crate::identity::Identity;
use crate::ids;
use crate::json::is_too_deep;
use crate::model::Prompt;
use crate::protocol::{CustomAction, Event, ThreadItem};
use crate::store::{ActionClaim, Loaded};

impl Engine {
    /// `threads.custom_action`: the endpoint's effects as they come, then the model's answer if the endpoint wants one.
    /// The action counts as one, and as a turn once the model is asked.
    pub(crate) async fn custom_action(
        &self,
        identity: &Identity,
        params: CustomAction,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        let owner = &identity.owner;
        let (thread_id, digest) = (params.thread_id.clone(), digest(&params));
        let (mut turn, action, events) = self.plan_action(identity, params, "threads.custom_action").await?;
        let mut claim = ActionClaim { run_id: turn.run_id(), call_id: self.ids.mint(ids::REQUEST) };
        let mut ended = None;
        loop {
            let (now, expected) = (self.clock.now(), ended.as_deref());
            let claimed = self.store.runs.claim_action(owner, &thread_id, &digest, &claim, expected, now).await?;
            if claimed.run_id == claim.run_id {
                break;
            }
            // A page that repeats itself must not have it done twice.
            if let Some(events) = self.join_run(identity, &thread_id, &claimed.run_id).await? {
                return Ok(events);
            }
            if self.has_died(owner, &thread_id, &claimed.run_id).await? {
                // Whether its call arrived is unknown. The endpoint knows it by its id.
                claim.call_id = claimed.call_id;
            }
            ended = Some(claimed.run_id);
        }
        // The endpoint may be called from here on: whoever comes back has to find the run.
        turn.record_begin().await?;
        turn.emit(stream_options());
        turn.spawn(Start::Action { action, call_id: claim.call_id }, on_end);
        Ok(events)
    }

    /// `threads.sync_custom_action`: the widget as the endpoint wants it. What the endpoint stores is stored; what only
    /// a stream could tell is left out.
    pub(crate) async fn sync_custom_action(
        &self,
        identity: &Identity,
        params: CustomAction,
    ) -> Result<Document, Error> {
        let sender_id = params.item_id.clone();
        let (mut turn, action, mut events) = self.plan_action(identity, params, "threads.sync_custom_action").await?;
        let done = turn.run_sync_action(action).await;
        turn.withdraw().await;
        drop(turn);
        done?;
        let mut updated_item = None;
        while let Some(event) = events.recv().await {
            match event.event {
                Event::ItemReplaced { item } if sender_id.as_deref() == Some(item.id()) => updated_item = Some(item),
                _ => {}
            }
        }
        Ok(Document::UpdatedItem { updated_item })
    }

    /// Counts and checks an action; returns its turn, and what its endpoint is told.
    async fn plan_action(
        &self,
        identity: &Identity,
        params: CustomAction,
        operation: &'static str,
    ) -> Result<(Turn, Value, Events), Error> {
        if self.assistant.actions.is_none() {
            return Err(no_actions());
        }
        let owner = &identity.owner;
        let CustomAction { thread_id, item_id, action } = params;
        if is_too_deep(&action.payload) {
            return Err(Error::Invalid("`action.payload` is nested too deeply".to_owned()));
        }
        self.admit_action(identity).await?;
        let sender = async {
            match &item_id {
                Some(item_id) => self.store.items.get(owner, &thread_id, item_id).await,
                None => Ok(None),
            }
        };
        let (loaded, sender) = tokio::join!(self.load_newest(owner, &thread_id), sender);
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
        let run = self.new_run(None, None, thread.last_run());
        let question_id = items.last().map_or(thread.id.as_str(), |last| last.item.id()).to_owned();
        let writer = ThreadWriter { sender_id: item_id, ..ThreadWriter::new(self, owner, thread.id, run, question_id) };
        let prompt = Prompt { model: self.assistant.model.clone(), ..Prompt::default() };
        let (turn, events) = Turn::new(self, identity, operation, Writer::Thread(writer.into()), prompt);
        Ok((turn.with_thread_title(thread.title), request, events))
    }
}

/// Two actions with one digest are the same action, sent twice or done twice.
fn digest(CustomAction { item_id, action, .. }: &CustomAction) -> String {
    sha256_hex(&json!([item_id, action.r#type, action.payload]).to_string())
}
