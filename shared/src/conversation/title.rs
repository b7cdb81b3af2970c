//! A short title, made beside the first answer.

use std::time::Duration;

use futures_util::StreamExt;

use super::Assistant;
use crate::model::{Input, InputPart, Model, ModelError, ModelEvent, Prompt, TokenUsage};

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

/// Asks the model for a title.
pub(super) async fn generate(
    model: Model,
    assistant: Assistant,
    message: String,
) -> Result<(String, TokenUsage), ModelError> {
    let excerpt = message.chars().take(EXCERPT).collect();
    let prompt = Prompt {
        model: assistant.model,
        instructions: Some(INSTRUCTIONS.to_owned()),
        input: vec![Input::User(vec![InputPart::Text(excerpt)])],
        max_output_tokens: Some(MAX_OUTPUT_TOKENS),
        reasoning_summaries: false,
        user: None,
        cache_key: None,
    };
    let mut events = model.stream(&prompt).await?;
    let mut title = String::new();
    let mut total = None;
    while let Some(event) = events.next().await {
        match event? {
            ModelEvent::TextDelta { text, .. } => title.push_str(&text),
            ModelEvent::Completed(usage) | ModelEvent::Incomplete { usage, .. } => total = usage,
            _ => {}
        }
    }
    Ok((tidy(&title), total.unwrap_or_default()))
}

/// A title without a model: the beginning of the message, cut at a word.
pub(super) fn from_message(message: &str) -> String {
    tidy(message)
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
