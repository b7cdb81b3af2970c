//! What the page returned from a function that the model called.

use futures_util::TryFutureExt;
use tokio::sync::mpsc::UnboundedReceiver;

use super::prompt::prompt;
use super::turn::{Beginning, stream_options};
use super::{Engine, Error, OnEnd};
use crate::identity::Identity;
use crate::json_depth::is_too_deep;
use crate::protocol::{AddClientToolOutput, ClientToolCall, ClientToolCallStatus, Event, ThreadItem};
use crate::store::{Loaded, RunTrigger, StoredItem};

/// Bytes of what the page may return, so that it fits a record of the store with everything around it.
const LARGEST_OUTPUT: usize = 128 * 1024;

impl Engine {
    /// `threads.add_client_tool_output`: the newest call that waits is answered, and the model goes on; or the page is
    /// asked for the next call that the model made at the same time.
    pub(super) async fn add_client_tool_output(
        &self,
        identity: &Identity,
        params: AddClientToolOutput,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let owner = &identity.owner;
        if params.result.to_string().len() > LARGEST_OUTPUT {
            return Err(Error::Invalid(format!("`result` is larger than {} KB", LARGEST_OUTPUT / 1024)));
        }
        if is_too_deep(&params.result) {
            return Err(Error::Invalid("`result` is nested too deeply".to_owned()));
        }
        let load = self.load_now(owner, &params.thread_id);
        let (reservation, Loaded { thread, mut items, .. }) = Box::pin(self.admit_and_load(identity, load)).await?;
        let Some(position) = waiting_call(&items) else {
            return Err(self.refund(&reservation, no_call()).await);
        };
        let StoredItem { item: ThreadItem::ClientToolCall(call), upstream_id, ends_run, model_context, .. } =
            items[position].clone()
        else {
            return Err(self.refund(&reservation, no_call()).await);
        };
        let mut model_context = model_context.unwrap_or_default();
        let waiting = std::mem::take(&mut model_context.page_calls);
        let answered = ClientToolCall { status: ClientToolCallStatus::Completed, output: Some(params.result), ..call };
        let mut run = self.lease(String::new(), thread.last_run());
        // Which of two answers counts, the item itself decides.
        run.digest.clone_from(&run.id);
        let item = StoredItem {
            item: ThreadItem::ClientToolCall(answered),
            upstream_id,
            ends_run,
            model_context: (!model_context.inputs_before.is_empty()).then_some(model_context),
            answered_by: Some(run.id.clone()),
        };
        let waiting_item = std::mem::replace(&mut items[position], item.clone());
        let obsolete = items.iter().filter(|stored| is_pending_call(&stored.item));
        let obsolete = obsolete.map(|stored| stored.item.id().to_owned()).collect();
        let last = items.last().unwrap_or(&item).item.id().to_owned();
        // The call is pending, so the run that made it is over.
        let seen = thread.run.as_ref().map(|run| run.id.clone());
        let beginning = Beginning {
            operation: "threads.add_client_tool_output",
            identity: identity.clone(),
            run: run.clone(),
            question: last,
            anew: false,
            obsolete,
            reservation,
            prompt: prompt(&self.assistant, identity, &thread.id, &items),
            waiting,
            untitled: None,
            has_files: false,
            opening: vec![stream_options()],
            thread,
        };
        let thread_id = beginning.thread.id.clone();
        let now = self.clock.now();
        let opening = RunTrigger::Answer { waiting: &waiting_item, answered: &item };
        let write = self.store.runs.begin(owner, &thread_id, &run, seen.as_deref(), opening, now).err_into();
        Box::pin(self.begin(beginning, write, on_end)).await
    }
}

fn no_call() -> Error {
    Error::Invalid("no call in the thread waits for the page".to_owned())
}

/// Where the call is that the page may answer: the newest, unless the person has written something since. What an action
/// has put behind it does not matter.
fn waiting_call(items: &[StoredItem]) -> Option<usize> {
    let position = items.iter().rposition(|stored| is_pending_call(&stored.item))?;
    let has_gone_on = items[position..].iter().any(|stored| matches!(stored.item, ThreadItem::UserMessage(_)));
    (!has_gone_on).then_some(position)
}

fn is_pending_call(item: &ThreadItem) -> bool {
    matches!(item, ThreadItem::ClientToolCall(_)) && item.is_pending()
}
