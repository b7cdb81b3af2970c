//! What a person answered to questions that took over the composer.

use futures_util::TryFutureExt;
use tokio::sync::mpsc::UnboundedReceiver;

use super::prompt::prompt;
use super::turn::{Beginning, stream_options};
use super::{Engine, Error, OnEnd};
use crate::identity::Identity;
use crate::protocol::{
    AddStructuredInput, Answer, Event, StructuredAnswer, StructuredInput, StructuredInputStatus, StructuredSubmission,
    SubmissionStatus, ThreadItem,
};
use crate::store::{Loaded, RunTrigger, StoredItem};

/// Bytes of all answers together, so that they fit a record of the store with the questions.
const LARGEST_ANSWERS: usize = 64 * 1024;

impl Engine {
    /// `threads.add_structured_input`: the questions get their answers, and the model goes on.
    pub(super) async fn add_structured_input(
        &self,
        identity: &Identity,
        params: AddStructuredInput,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let owner = &identity.owner;
        self.check_answers(&params.input)?;
        let load = self.load_now(owner, &params.thread_id);
        let asked = self.store.items.get(owner, &params.thread_id, &params.item_id);
        let (admitted, asked) = tokio::join!(Box::pin(self.admit_and_load(identity, load)), asked);
        let (reservation, loaded) = admitted?;
        let mut run = self.lease(String::new(), loaded.thread.last_run());
        // Which of two answers counts, the item itself decides.
        run.digest.clone_from(&run.id);
        let asked = asked.map_err(Error::from).and_then(|asked| asked.ok_or(Error::NotFound("item")));
        let answered = asked.and_then(|asked| Ok((answered(asked.clone(), params.input, &run.id)?, asked)));
        let (item, asked) = match answered {
            Ok(answered) => answered,
            Err(error) => return Err(self.refund(&reservation, error).await),
        };
        let seen = match loaded.live_run(self.clock.now()) {
            Some(_) => None,
            None => loaded.thread.run.as_ref().map(|run| run.id.clone()),
        };
        let Loaded { thread, mut items, .. } = loaded;
        match items.iter_mut().find(|stored| stored.item.id() == item.item.id()) {
            Some(stored) => *stored = item.clone(),
            // Asked so long ago that a turn does not read so far back: the model is told all the same.
            None => items.insert(0, item.clone()),
        }
        let last = items.last().unwrap_or(&item).item.id().to_owned();
        let beginning = Beginning {
            operation: "threads.add_structured_input",
            identity: identity.clone(),
            run: run.clone(),
            question: last,
            anew: false,
            obsolete: Vec::new(),
            reservation,
            prompt: prompt(&self.assistant, identity, &thread.id, &items),
            waiting: Vec::new(),
            untitled: None,
            has_files: false,
            opening: vec![stream_options(), Event::ItemReplaced { item: item.item.clone() }],
            thread,
        };
        let thread_id = beginning.thread.id.clone();
        let now = self.clock.now();
        let opening = RunTrigger::Answer { waiting: &asked, answered: &item };
        let write = self.store.runs.begin(owner, &thread_id, &run, seen.as_deref(), opening, now).err_into();
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    fn check_answers(&self, submission: &StructuredSubmission) -> Result<(), Error> {
        let values: Vec<_> = submission.answers.values().flat_map(|answer| &answer.values).collect();
        let characters = values.iter().map(|value| value.chars().count()).sum::<usize>();
        let bytes = serde_json::to_vec(&values).map_or(usize::MAX, |json| json.len());
        let limit = self.limits.message_chars;
        if limit > 0 && characters > limit {
            return Err(Error::Invalid(format!("the answers have more than {limit} characters")));
        }
        if bytes > LARGEST_ANSWERS {
            return Err(Error::Invalid(format!("the answers are larger than {} KB", LARGEST_ANSWERS / 1024)));
        }
        Ok(())
    }
}

/// The questions with their answers.
fn answered(asked: StoredItem, submission: StructuredSubmission, run_id: &str) -> Result<StoredItem, Error> {
    let ThreadItem::StructuredInput(mut item) = asked.item else {
        return Err(Error::Invalid("`item_id` must name questions to the user".to_owned()));
    };
    if item.status != StructuredInputStatus::Pending {
        return Err(Error::Invalid("these questions are answered already".to_owned()));
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
    Ok(StoredItem { item: ThreadItem::StructuredInput(item), answered_by: Some(run_id.to_owned()), ..asked })
}

/// The answer to one question: passed over unless there is something in it. Where one can be chosen, the first counts.
fn answer_to(given: Option<StructuredAnswer>, several: bool) -> Answer {
    let mut values = given.filter(|given| !given.skipped).map(|given| given.values).unwrap_or_default();
    if !several {
        values.truncate(1);
    }
    Answer { skipped: values.is_empty(), values }
}
