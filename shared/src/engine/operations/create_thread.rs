use super::user_message::{digest, text_of, title_message};
use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan, stream_options};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::Identity;
use crate::ids;
use crate::protocol::{CreateThread, Event, Page, ThreadStatus, UserMessageInput};
use crate::store::{ItemPosition, Run, ThreadRecord};
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
        let thread_id = self.ids.mint(ids::THREAD);
        let digest = digest(&params.input);
        let admitted = self.admit_turn(identity, Some(&thread_id), Some(&digest), title_tokens).await?;
        // The first event of a thread may not have arrived, and then the client cannot say that it has begun one.
        if let Some(twin) = admitted.twin_thread_id()
            && let Some(events) = self.join_new_thread(identity, twin).await?
        {
            admitted.cancel().await;
            return Ok(events);
        }
        let plan = self.plan_thread(identity, admitted.turn_id(), thread_id, digest, params.input).await;
        self.start_turn(admitted, plan, on_end).await
    }

    async fn plan_thread(
        &self,
        identity: &Identity,
        turn_id: Option<&str>,
        thread_id: String,
        digest: String,
        input: UserMessageInput,
    ) -> Result<TurnPlan, Error> {
        let owner = &identity.owner;
        record_new_thread(&thread_id);
        let run = self.new_run(turn_id, Some(digest), Some(&thread_id));
        let (mut message, uploads) = self.user_item(owner, input, &thread_id, &thread_id).await?;
        message.position = Some(ItemPosition { run_id: run.id.clone(), seq: 2, is_replaced: false });
        let thread = ThreadRecord {
            id: thread_id,
            title: None,
            created_at: message.item.header().created_at,
            status: ThreadStatus::Active,
            allowed_image_domains: self.assistant.allowed_image_domains.clone(),
            run: Some(Run {
                operation: "threads.create".to_owned(),
                question_id: message.item.id().to_owned(),
                ..run.clone()
            }),
            ended_run_id: None,
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
