use super::user_message::{digest_of_item, title_message};
use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::{Identity, Owner};
use crate::protocol::{RetryAfterItem, ThreadItem};
use crate::store::Loaded;

impl Engine {
    /// `threads.retry_after_item`: a message of the user is answered again. The first item of the new answer takes the
    /// place of everything after the message; until then everything is as it was. A run that is still under way
    /// withdraws its items when it ends.
    pub(crate) async fn retry_after_item(
        &self,
        identity: &Identity,
        params: RetryAfterItem,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        let load = self.load(&identity.owner, &params.thread_id);
        let (admitted, loaded) = self.admit_and_load(identity, &params.thread_id, load).await?;
        let plan = self.plan_retry(identity, admitted.turn_id(), &params.item_id, loaded).await;
        self.start_turn(admitted, plan, on_end).await
    }

    async fn plan_retry(
        &self,
        identity: &Identity,
        turn_id: Option<&str>,
        item_id: &str,
        loaded: Loaded,
    ) -> Result<TurnPlan, Error> {
        // Everything that it removes is older than the run, and every message that is sent from now on is newer.
        let last = loaded.newest().to_owned();
        let Loaded { thread, items, has_older } = self.up_to(&identity.owner, item_id, loaded).await?;
        let question = match items.last().map(|stored| &stored.item) {
            Some(question @ ThreadItem::UserMessage(message)) if message.header.id == item_id => question,
            Some(item) if item.id() == item_id => {
                return Err(Error::Invalid("`item_id` must name a message of the user".to_owned()));
            }
            Some(_) | None => return Err(Error::NotFound("item")),
        };
        let run = self.new_run(turn_id, Some(digest_of_item(question)), Some(&last));
        let title_message = thread.title.is_none().then(|| title_message(question));
        let history = self.history(items, has_older);
        let prompt = prompt(&self.assistant, identity, &thread.id, &history);
        Ok(TurnPlan {
            title_message,
            ..TurnPlan::new(
                "threads.retry_after_item",
                identity,
                thread,
                run,
                item_id.to_owned(),
                FirstWrite::Retry,
                prompt,
            )
        })
    }

    /// The thread up to an item, with the history before it.
    async fn up_to(&self, owner: &Owner, item_id: &str, mut loaded: Loaded) -> Result<Loaded, Error> {
        match loaded.items.iter().position(|stored| stored.item.id() == item_id) {
            Some(position) => loaded.items.truncate(position + 1),
            // Further back than the history: rare, so it costs a read of its own.
            None => {
                let item = self.store.items.get(owner, &loaded.thread.id, item_id).await?;
                loaded.has_older = item.is_some();
                loaded.items = item.into_iter().collect();
            }
        }
        Ok(self.read_back(owner, loaded).await?)
    }
}
