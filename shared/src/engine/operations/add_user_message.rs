use super::user_message::{digest, title_message};
use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan, stream_options};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::Identity;
use crate::protocol::{AddUserMessage, Event, UserMessageInput};
use crate::store::Loaded;

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
        let (admitted, loaded) = self.admit_and_load(identity, load).await?;
        let plan = self.plan_message(identity, params.input, loaded).await;
        self.start_turn(admitted, plan, on_end).await
    }

    async fn plan_message(
        &self,
        identity: &Identity,
        input: UserMessageInput,
        loaded: Loaded,
    ) -> Result<TurnPlan, Error> {
        let owner = &identity.owner;
        let run = self.new_run(Some(digest(&input)), Some(loaded.newest()));
        // Refused before the model is called: a page that repeats itself must not cost anything.
        if loaded.live_run(self.clock.now()).is_some_and(|live| live.digest == run.digest) {
            return Err(Error::Conflict);
        }
        let (mut message, uploads) = self.user_item(owner, input, &loaded.thread.id, loaded.newest()).await?;
        let ended_run_id = self.ended_run_id(&loaded);
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
