use super::user_message::{digest, text_of, title_message};
use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan, stream_options};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::Identity;
use crate::ids;
use crate::protocol::{CreateThread, Event, Page, ThreadStatus, UserMessageInput};
use crate::store::ThreadRecord;
use crate::telemetry::record_new_thread;

impl Engine {
    /// `threads.create`: a new thread with its first message.
    pub(crate) async fn create_thread(
        &self,
        identity: &Identity,
        params: CreateThread,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        self.check_message(&params.input)?;
        let title_tokens = self.max_title_tokens(&text_of(&params.input.content));
        let admitted = self.admit_turn(identity, title_tokens).await?;
        let plan = self.plan_thread(identity, params.input).await;
        self.start_turn(admitted, plan, on_end).await
    }

    async fn plan_thread(&self, identity: &Identity, input: UserMessageInput) -> Result<TurnPlan, Error> {
        let owner = &identity.owner;
        let thread_id = self.ids.mint(ids::THREAD);
        record_new_thread(&thread_id);
        let digest = digest(&input);
        let (message, uploads) = self.user_item(owner, input, &thread_id, &thread_id).await?;
        let run = self.new_run(Some(digest), None);
        let thread = ThreadRecord {
            id: thread_id,
            title: None,
            created_at: message.item.header().created_at,
            status: ThreadStatus::Active,
            allowed_image_domains: self.assistant.allowed_image_domains.clone(),
            run: Some(run.clone()),
            retries: Vec::new(),
        };
        let created = Event::ThreadCreated { thread: thread.clone().into_thread(Page::empty()) };
        let shown = Event::ItemDone { item: self.with_file_urls(owner, message.item.clone()) };
        let history = self.history(vec![message.clone()], false);
        let prompt = prompt(&self.assistant, identity, &thread.id, &history);
        Ok(TurnPlan {
            title_message: Some(title_message(&message.item)),
            first_events: vec![created, shown, stream_options()],
            ..TurnPlan::new(
                "threads.create",
                identity,
                thread,
                run,
                message.item.id().to_owned(),
                FirstWrite::Thread { message, uploads },
                prompt,
            )
        })
    }
}
