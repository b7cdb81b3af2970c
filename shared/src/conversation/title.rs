//! A short title, made beside the first answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::assistant::Assistant;
use crate::identity::Owner;
use crate::model::{Input, InputPart, Model, ModelError, ModelEvent, ModelStream, Prompt, TokenUsage, estimate_tokens};
use crate::protocol::{Page, Thread};
use crate::store::Store;
use crate::telemetry::chain;

const INSTRUCTIONS: &str = "Write a title of two to six words for a conversation that begins with the message below. \
    Use the language of the message. Answer with the title alone: no quotation marks, no full stop, no explanation.";

/// Reasoning models think before they write even a title.
const MAX_OUTPUT_TOKENS: u32 = 512;

/// Characters of the first message that the title is made from.
const EXCERPT: usize = 2_000;

/// Characters of a title.
const LONGEST: usize = 60;

/// How long the end of the first turn waits for a title that is still being made.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The most tokens that a title for a thread with this first message can take.
pub(super) fn worst_case(message: &str) -> u64 {
    asked(message) + u64::from(MAX_OUTPUT_TOKENS)
}

/// What the model is asked for it.
fn asked(message: &str) -> u64 {
    estimate_tokens(INSTRUCTIONS) + estimate_tokens(&excerpt(message))
}

/// A title to be made for a thread that has none.
#[derive(Clone)]
pub(super) struct Title {
    pub(super) model: Model,
    pub(super) assistant: Arc<Assistant>,
    pub(super) store: Store,
    pub(super) owner: Owner,
    pub(super) thread_id: String,
    /// What the thread begins with.
    pub(super) message: String,
}

impl Title {
    /// Asks the model for a title and names the thread; the thread, unless it has a name by now, and what that took.
    pub(super) async fn make(self) -> (Option<Thread>, TokenUsage) {
        // If this fails the answer most likely fails too, and says why; the thread gets a name all the same.
        let Ok(events) = self.model.stream(&self.prompt()).await else {
            return (self.make_plain().await, TokenUsage::default());
        };
        match self.read(events).await {
            Ok((title, usage)) if !title.is_empty() => (self.store(&title).await, usage),
            Ok((_, usage)) => (self.make_plain().await, usage),
            Err(_) => (self.make_plain().await, self.estimate()),
        }
    }

    /// Names the thread without a model: by the beginning of the message, cut at a word.
    pub(super) async fn make_plain(&self) -> Option<Thread> {
        self.store(&tidy(&self.message)).await
    }

    /// What a title took whose count never came.
    pub(super) fn estimate(&self) -> TokenUsage {
        TokenUsage { input: asked(&self.message), ..TokenUsage::default() }
    }

    fn prompt(&self) -> Prompt {
        Prompt {
            model: self.assistant.model.clone(),
            instructions: Some(INSTRUCTIONS.to_owned()),
            input: vec![Input::User(vec![InputPart::Text(excerpt(&self.message))])],
            max_output_tokens: Some(MAX_OUTPUT_TOKENS),
            ..Prompt::default()
        }
    }

    async fn read(&self, mut events: ModelStream) -> Result<(String, TokenUsage), ModelError> {
        let mut title = String::new();
        let mut total = None;
        while let Some(event) = events.next().await {
            match event? {
                ModelEvent::TextDelta { text, .. } => title.push_str(&text),
                ModelEvent::Completed(usage) | ModelEvent::Incomplete { usage, .. } => total = usage,
                _ => {}
            }
        }
        Ok((tidy(&title), total.unwrap_or_else(|| self.estimate())))
    }

    /// Names the thread, unless the person has done so meanwhile.
    async fn store(&self, title: &str) -> Option<Thread> {
        if title.is_empty() {
            return None;
        }
        match Box::pin(self.store.threads.set_first_title(&self.owner, &self.thread_id, title)).await {
            Ok(named) => named.map(|thread| thread.into_thread(Page::empty())),
            Err(error) => {
                tracing::warn!(error = chain(&error), "a title was not stored");
                None
            }
        }
    }
}

fn excerpt(message: &str) -> String {
    message.chars().take(EXCERPT).collect()
}

/// One line without the decoration that models add all the same, cut at a word.
fn tidy(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_matches(|c: char| matches!(c, '"' | '\'' | '“' | '”' | '«' | '»' | '#' | '*' | '`' | ' '));
    let line = line.trim_end_matches('.');
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST).collect();
    let at_word = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", at_word.trim_end_matches([',', ';', ':', '.', ' ']))
}
