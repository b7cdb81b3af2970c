use crate::engine::prompt::prompt;
use crate::engine::turn::{FirstWrite, TurnPlan, stream_options};
use crate::engine::{Engine, Error, Events, OnEnd};
use crate::identity::Identity;
use crate::protocol::{
    AddStructuredInput, Answer, Event, StructuredAnswer, StructuredInput, StructuredInputStatus, StructuredSubmission,
    SubmissionStatus, ThreadItem,
};
use crate::store::{ItemPosition, Loaded, StoredItem};

/// Of all answers together, so that they fit a record of the store with the questions.
const MAX_ANSWERS_BYTES: usize = 64 * 1024;

impl Engine {
    /// `threads.add_structured_input`: the questions get their answers, and the model goes on.
    pub(crate) async fn add_structured_input(
        &self,
        identity: &Identity,
        params: AddStructuredInput,
        on_end: OnEnd,
    ) -> Result<Events, Error> {
        let owner = &identity.owner;
        self.check_answers(&params.input)?;
        let load = self.load_now(owner, &params.thread_id);
        let waiting = self.store.items.get(owner, &params.thread_id, &params.item_id);
        let (admitted, waiting) = tokio::join!(self.admit_and_load(identity, &params.thread_id, load), waiting);
        let (admitted, loaded) = admitted?;
        let waiting = waiting.map_err(Error::from).and_then(|waiting| waiting.ok_or(Error::NotFound("item")));
        let turn_id = admitted.turn_id();
        let plan = waiting.and_then(|waiting| match loaded.open_run_answers(Some(waiting.item.id())) {
            true => Err(Error::Conflict),
            false => self.plan_structured_input(identity, turn_id, params.input, waiting, loaded),
        });
        self.start_turn(admitted, plan, on_end).await
    }

    fn plan_structured_input(
        &self,
        identity: &Identity,
        turn_id: Option<&str>,
        input: StructuredSubmission,
        waiting: StoredItem,
        loaded: Loaded,
    ) -> Result<TurnPlan, Error> {
        // Which of two answers counts, the item itself decides.
        let run = self.new_run(turn_id, None, loaded.thread.last_run());
        let orphan = loaded.orphan().filter(|orphan| orphan.item.id() == waiting.item.id());
        let mut answered = match orphan {
            // A process died before the run of these very answers had begun.
            Some(orphan) => answered(asked_again(orphan), input, &run.id)
                .and_then(|again| if again.item == orphan.item { Ok(again) } else { Err(answered_already()) })?,
            None => answered(waiting.clone(), input, &run.id)?,
        };
        let ended_run_id = Self::ended_run_id(&loaded);
        let Loaded { thread, mut items, has_older } = loaded;
        let is_answered = |stored: &&mut StoredItem| stored.item.id() == answered.item.id();
        if let Some(stored) = items.iter_mut().find(is_answered) {
            *stored = answered.clone();
        }
        let question_id = items.last().unwrap_or(&answered).item.id().to_owned();
        let mut history = self.history(items, has_older);
        answered.history_from.clone_from(&history.begins_at);
        // Questions of long ago: the model is told of the answers all the same.
        if !history.items.iter().any(|stored| stored.item.id() == answered.item.id()) {
            history.items.insert(0, answered.clone());
        }
        let prompt = prompt(&self.assistant, identity, &thread.id, &history);
        let first_events = vec![stream_options(), Event::ItemReplaced { item: answered.item.clone() }];
        let first_write = FirstWrite::Answer { waiting: waiting.into(), answered: answered.into(), ended_run_id };
        Ok(TurnPlan {
            first_events,
            ..TurnPlan::new("threads.add_structured_input", identity, thread, run, question_id, first_write, prompt)
        })
    }

    fn check_answers(&self, submission: &StructuredSubmission) -> Result<(), Error> {
        let values: Vec<_> = submission.answers.values().flat_map(|answer| &answer.values).collect();
        let characters = values.iter().map(|value| value.chars().count()).sum::<usize>();
        let bytes = serde_json::to_vec(&values).map_or(usize::MAX, |json| json.len());
        let limit = self.limits.message_chars;
        if limit > 0 && characters > limit {
            return Err(Error::Invalid(format!("the answers have more than {limit} characters")));
        }
        if bytes > MAX_ANSWERS_BYTES {
            return Err(Error::Invalid(format!("the answers are larger than {} KB", MAX_ANSWERS_BYTES / 1024)));
        }
        Ok(())
    }
}

fn answered_already() -> Error {
    Error::Invalid("these questions are answered already".to_owned())
}

/// Questions as if they waited for their answers.
fn asked_again(answered: &StoredItem) -> StoredItem {
    let mut asked = answered.clone();
    if let ThreadItem::StructuredInput(item) = &mut asked.item {
        item.status = StructuredInputStatus::Pending;
    }
    asked
}

/// The questions with their answers.
fn answered(asked: StoredItem, submission: StructuredSubmission, run_id: &str) -> Result<StoredItem, Error> {
    let ThreadItem::StructuredInput(mut item) = asked.item else {
        return Err(Error::Invalid("`item_id` must name questions to the user".to_owned()));
    };
    if item.status != StructuredInputStatus::Pending {
        return Err(answered_already());
    }
    let StructuredSubmission { status, mut answers } = submission;
    item.status = match status {
        SubmissionStatus::Answered => StructuredInputStatus::Answered,
        SubmissionStatus::Skipped => {
            answers.clear();
            StructuredInputStatus::Skipped
        }
    };
    for input in &mut item.inputs {
        match input {
            StructuredInput::MultipleChoice { id, answer, multiple, .. } => {
                *answer = Some(answer_to(answers.remove(id), *multiple));
            }
            StructuredInput::Freeform { id, answer, .. } => *answer = Some(answer_to(answers.remove(id), true)),
        }
    }
    let position = Some(ItemPosition { run_id: run_id.to_owned(), seq: 2, is_replaced: true });
    let answered_by = Some(run_id.to_owned());
    Ok(StoredItem { item: ThreadItem::StructuredInput(item), answered_by, position, ..asked })
}

/// The answer to one question, skipped if it is empty. Where only one can be chosen, the first counts.
fn answer_to(given: Option<StructuredAnswer>, several: bool) -> Answer {
    let mut values = given.filter(|given| !given.skipped).map(|given| given.values).unwrap_or_default();
    if !several {
        values.truncate(1);
    }
    Answer { skipped: values.is_empty(), values }
}
