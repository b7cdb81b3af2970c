use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::Identity;
use crate::json::is_too_deep;
use crate::protocol::{AddClientToolOutput, ClientToolCall, ClientToolCallStatus, ThreadItem};
use crate::store::{Loaded, ModelContext, StoredItem};

/// Of what the page returns, so that it fits a record of the store with everything around it.
const MAX_OUTPUT_BYTES: usize = 128 * 1024;

impl Engine {
    /// `threads.add_client_tool_output`: the newest call that waits is answered, and the model goes on; or the page is
    /// asked for the next call that the model made at the same time.
    pub(crate) async fn add_client_tool_output(
        &self,
        identity: &Identity,
        params: AddClientToolOutput,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        if params.result.to_string().len() > MAX_OUTPUT_BYTES {
            return Err(Error::Invalid(format!("`result` is larger than {} KB", MAX_OUTPUT_BYTES / 1024)));
        }
        if is_too_deep(&params.result) {
            return Err(Error::Invalid("`result` is nested too deeply".to_owned()));
        }
        let load = self.load_now(&identity.owner, &params.thread_id);
        let (admitted, loaded) = self.admit_and_load(identity, &params.thread_id, load).await?;
        let plan = self.plan_client_tool_output(identity, admitted.turn_id(), params.result, loaded);
        self.start_turn(admitted, plan, on_end).await
    }

    fn plan_client_tool_output(
        &self,
        identity: &Identity,
        turn_id: Option<&str>,
        result: serde_json::Value,
        loaded: Loaded,
    ) -> Result<TurnPlan, Error> {
        let Some((position, call)) = waiting_call(&loaded.items).or_else(|| orphaned_call(&loaded, &result)) else {
            return Err(match loaded.open_run_answers(None) {
                true => Error::Conflict,
                false => Error::Invalid("no call in the thread waits for the page".to_owned()),
            });
        };
        let Loaded { thread, mut items, has_older } = loaded;
        // Which of two answers counts, the item itself decides.
        let run = self.new_run(turn_id, None, thread.last_run());
        let waiting = items[position].clone();
        let mut model_context = waiting.model_context.clone().unwrap_or_default();
        let page_calls = std::mem::take(&mut model_context.page_calls);
        let mut answered = StoredItem {
            item: ThreadItem::ClientToolCall(ClientToolCall {
                status: ClientToolCallStatus::Completed,
                output: Some(result),
                ..call
            }),
            model_context: (model_context != ModelContext::default()).then_some(model_context),
            answered_by: Some(run.id.clone()),
            ..waiting.clone()
        };
        items[position] = answered.clone();
        let pending = items.iter().filter(|stored| is_pending_call(&stored.item));
        let superseded_item_ids = pending.map(|stored| stored.item.id().to_owned()).collect();
        let question_id = items.last().unwrap_or(&answered).item.id().to_owned();
        // The call waits, so the run that made it is over.
        let ended_run_id = thread.run.as_ref().map(|run| run.id.clone());
        let history = self.history(items, has_older);
        answered.history_from.clone_from(&history.begins_at);
        let prompt = prompt(&self.assistant, identity, &thread.id, &history);
        let first_write = FirstWrite::Answer { waiting: waiting.into(), answered: answered.into(), ended_run_id };
        Ok(TurnPlan {
            page_calls,
            superseded_item_ids,
            ..TurnPlan::new("threads.add_client_tool_output", identity, thread, run, question_id, first_write, prompt)
        })
    }
}

/// The call that the page may answer: the newest, unless the person has written something since. What an action has put
/// behind it does not matter.
fn waiting_call(items: &[StoredItem]) -> Option<(usize, ClientToolCall)> {
    let position = items.iter().rposition(|stored| is_pending_call(&stored.item))?;
    let has_gone_on = items[position..].iter().any(|stored| matches!(stored.item, ThreadItem::UserMessage(_)));
    match &items[position].item {
        ThreadItem::ClientToolCall(call) if !has_gone_on => Some((position, call.clone())),
        _ => None,
    }
}

/// The call that was given this very output already, for a run that has never begun.
fn orphaned_call(loaded: &Loaded, result: &serde_json::Value) -> Option<(usize, ClientToolCall)> {
    match &loaded.orphan()?.item {
        ThreadItem::ClientToolCall(call) if call.output.as_ref() == Some(result) => {
            Some((loaded.items.len() - 1, call.clone()))
        }
        _ => None,
    }
}

fn is_pending_call(item: &ThreadItem) -> bool {
    matches!(item, ThreadItem::ClientToolCall(_)) && item.is_pending()
}
