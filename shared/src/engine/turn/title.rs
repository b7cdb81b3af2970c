use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use crate::assistant::Titles;
use crate::engine::Engine;
use crate::identity::Owner;
use crate::model::{Input, InputPart, ModelError, ModelEvent, ModelStream, Prompt, TokenUsage, max_tokens};
use crate::protocol::{Page, Thread};
use crate::telemetry::chain;

const INSTRUCTIONS: &str = "Write a title of two to six words for a conversation that begins with the message below. \
    Use the language of the message. Answer with the title alone: no quotation marks, no full stop, no explanation.";

/// Reasoning models think before they write even a title.
const MAX_OUTPUT_TOKENS: u32 = 512;

/// Of the first message, for the model.
const MAX_EXCERPT_CHARS: usize = 2_000;

const MAX_TITLE_CHARS: usize = 60;

/// How long the end of the first turn waits for the title.
pub(super) const MAX_TITLE_WAIT: Duration = Duration::from_secs(5);

impl Engine {
    /// The most tokens that a title for a thread with this first message can use.
    pub(crate) fn max_title_tokens(&self, message: &str) -> u64 {
        match self.assistant.titles {
            Titles::Model => prompt_tokens(message) + u64::from(MAX_OUTPUT_TOKENS),
            Titles::Message | Titles::Off => 0,
        }
    }
}

fn prompt_tokens(message: &str) -> u64 {
    /// What a server says around both.
    const MAX_OVERHEAD_TOKENS: u64 = 64;
    max_tokens(INSTRUCTIONS) + max_tokens(&excerpt(message)) + MAX_OVERHEAD_TOKENS
}

/// A title to be made for a thread that has none.
#[derive(Clone)]
pub(super) struct Title {
    pub(super) engine: Engine,
    pub(super) owner: Owner,
    pub(super) thread_id: String,
    /// The thread's first message.
    pub(super) message: String,
}

/// A title that is being made.
pub(super) struct PendingTitle {
    pub(super) title: Title,
    pub(super) made: BoxFuture<'static, (Option<Thread>, TokenUsage)>,
}

impl PendingTitle {
    pub(super) fn of(title: Title) -> Self {
        Self { made: title.clone().make().boxed(), title }
    }
}

impl Title {
    /// Makes a title and stores it, with the model if it is to be asked; returns the thread, unless it has got another
    /// title meanwhile, and what the model has used.
    pub(super) async fn make(self) -> (Option<Thread>, TokenUsage) {
        if self.engine.assistant.titles == Titles::Message {
            return (self.make_plain().await, TokenUsage::default());
        }
        // If this fails the answer most likely fails too, and says why; the thread gets a title all the same.
        let Ok(events) = self.engine.model.stream(&self.prompt()).await else {
            return (self.make_plain().await, TokenUsage::default());
        };
        match self.read(events).await {
            Ok((title, usage)) if !title.is_empty() => (self.store(&title).await, usage),
            Ok((_, usage)) => (self.make_plain().await, usage),
            Err(_) => (self.make_plain().await, self.most()),
        }
    }

    /// A title without a model: the beginning of the message, cut at a word.
    pub(super) async fn make_plain(&self) -> Option<Thread> {
        self.store(&tidy(&self.message)).await
    }

    /// The most that a title has used whose count never came.
    pub(super) fn most(&self) -> TokenUsage {
        if self.engine.assistant.titles != Titles::Model {
            return TokenUsage::default();
        }
        let Engine { prices, assistant, .. } = &self.engine;
        prices.upper_bound(&assistant.model, prompt_tokens(&self.message), u64::from(MAX_OUTPUT_TOKENS))
    }

    fn prompt(&self) -> Prompt {
        Prompt {
            model: self.engine.assistant.model.clone(),
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
        let Engine { prices, assistant, .. } = &self.engine;
        let counted = total.map(|total| prices.priced(&assistant.model, total));
        Ok((tidy(&title), counted.unwrap_or_else(|| self.most())))
    }

    /// Stores a title, unless the person has given one meanwhile.
    async fn store(&self, title: &str) -> Option<Thread> {
        if title.is_empty() {
            return None;
        }
        match self.engine.store.threads.set_first_title(&self.owner, &self.thread_id, title).await {
            Ok(named) => named.map(|thread| thread.into_thread(Page::empty())),
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not store a title");
                None
            }
        }
    }
}

fn excerpt(message: &str) -> String {
    message.chars().take(MAX_EXCERPT_CHARS).collect()
}

/// One line without the decoration that models add all the same, cut at a word.
fn tidy(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_matches(|c: char| matches!(c, '"' | '\'' | '“' | '”' | '«' | '»' | '#' | '*' | '`' | ' '));
    let line = line.trim_end_matches('.');
    if line.chars().count() <= MAX_TITLE_CHARS {
        return line.to_owned();
    }
    let cut: String = line.chars().take(MAX_TITLE_CHARS).collect();
    let at_word = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", at_word.trim_end_matches([',', ';', ':', '.', ' ']))
}
