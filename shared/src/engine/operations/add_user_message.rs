use super::user_message::{digest, digest_of_item, title_message};
use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan, stream_options};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::Identity;
use crate::protocol::{AddUserMessage, Event, UserMessageInput};
use crate::store::{ItemPosition, Loaded, StoredItem};

impl Engine {
    /// `threads.add_user_message`.
    pub(crate) async fn add_user_message(
        &self,
        identity: &Identity,
        params: AddUserMessage,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        self.check_message(&params.input)?;
        let load = self.load(&identity.owner, &params.thread_id);
        let (admitted, loaded) = self.admit_and_load(identity, &params.thread_id, load).await?;
        let plan = self.plan_message(identity, admitted.turn_id(), params.input, loaded).await;
        self.start_turn(admitted, plan, on_end).await
    }

    async fn plan_message(
        &self,
        identity: &Identity,
        turn_id: Option<&str>,
        input: UserMessageInput,
        mut loaded: Loaded,
    ) -> Result<TurnPlan, Error> {
        let owner = &identity.owner;
        let run = self.new_run(turn_id, Some(digest(&input)), Some(loaded.newest()));
        // Before the model is called: a page that repeats itself must not cost anything.
        if loaded.open_run().is_some_and(|live| live.digest == run.digest) {
            return Err(Error::Conflict);
        }
        let orphan = loaded.orphan().filter(|orphan| digest_of_item(&orphan.item) == run.digest).cloned();
        let (mut message, uploads) = match orphan {
            // A process died before it had begun to answer: the message is there already.
            Some(orphan) => {
                loaded.items.pop();
                (StoredItem::new(orphan.item), Vec::new())
            }
            None => self.user_item(owner, input, &loaded.thread.id, loaded.newest()).await?,
        };
        message.position = Some(ItemPosition { run_id: run.id.clone(), seq: 1, is_replaced: false });
        let ended_run_id = Self::ended_run_id(&loaded);
        let Loaded { thread, mut items, has_older } = loaded;
        items.push(message.clone());
        let history = self.history(items, has_older);
        message.history_from.clone_from(&history.begins_at);
        let shown = Event::ItemDone { item: self.with_file_urls(owner, message.item.clone()) };
        let prompt = prompt(&self.assistant, identity, &thread.id, &history);
        Ok(TurnPlan {
            title_message: thread.title.is_none().then(|| title_message(&message.item)),
            first_events: vec![shown, stream_options()],
            outgrown: history.outgrown,
            ..TurnPlan::new(
                "threads.add_user_message",
                identity,
                thread,
                run,
                message.item.id().to_owned(),
                FirstWrite::Message { message, uploads, ended_run_id },
                prompt,
            )
        })
    }
}
