//! What the model is shown: the newest items that fit its budget.

use std::collections::HashSet;

use crate::assistant::{Assistant, estimate_tokens};
use crate::hash::sha256_hex;
use crate::identity::Owner;
use crate::model::{FileSource, Input, InputFile, InputPart, Prompt};
use crate::protocol::{AttachmentKind, ThreadItem, UserContent, UserMessage};

/// The prompt of a turn: `items` are a thread's newest, oldest of them first; the last one is what is to be answered.
pub(super) fn prompt(assistant: &Assistant, owner: &Owner, thread_id: &str, items: &[ThreadItem]) -> Prompt {
    let last = items.len().saturating_sub(1);
    let groups = items.iter().enumerate().map(|(index, item)| inputs(item, index == last));
    let input = newest_that_fit(groups.collect(), u64::from(assistant.max_context_tokens));
    Prompt { input, cache_key: Some(thread_id.to_owned()), ..basis(assistant, owner) }
}

/// The prompt of a conversation that is not kept here.
pub(super) fn prompt_of(assistant: &Assistant, owner: &Owner, inputs: Vec<Input>) -> Prompt {
    let groups = inputs.into_iter().map(|input| vec![input]).collect();
    Prompt { input: newest_that_fit(groups, u64::from(assistant.max_context_tokens)), ..basis(assistant, owner) }
}

/// Estimated tokens of a whole prompt.
pub(super) fn tokens(prompt: &Prompt) -> u64 {
    prompt.input.iter().map(cost).sum::<u64>() + prompt.instructions.as_deref().map_or(0, estimate_tokens)
}

fn basis(assistant: &Assistant, owner: &Owner) -> Prompt {
    Prompt {
        model: assistant.model.clone(),
        instructions: assistant.instructions.clone(),
        max_output_tokens: Some(assistant.max_output_tokens),
        reasoning_summaries: assistant.reasoning_summaries,
        user: Some(sha256_hex(&format!("{}\n{}", owner.tenant(), owner.user()))),
        ..Prompt::default()
    }
}

/// The newest groups that fit: a group is what one item becomes, and stays whole.
fn newest_that_fit(groups: Vec<Vec<Input>>, budget: u64) -> Vec<Input> {
    let mut left = budget;
    let mut newest_first = Vec::new();
    for (age, group) in groups.into_iter().rev().enumerate() {
        let cost = group.iter().map(cost).sum::<u64>();
        // What is to be answered is shown however long it is.
        if age > 0 && cost > left {
            break;
        }
        left = left.saturating_sub(cost);
        newest_first.extend(group.into_iter().rev());
    }
    // A conversation begins with what a person said; half an exchange only confuses.
    while matches!(newest_first.last(), Some(Input::Assistant(_))) {
        newest_first.pop();
    }
    newest_first.reverse();
    newest_first
}

fn cost(input: &Input) -> u64 {
    /// Roles and separators.
    const OVERHEAD: u64 = 4;
    let text = match input {
        Input::User(parts) => parts.iter().map(part_cost).sum(),
        Input::Assistant(text) => estimate_tokens(text),
        Input::Opaque(value) => estimate_tokens(&value.to_string()),
        Input::Call(call) => estimate_tokens(&call.name) + estimate_tokens(&call.arguments),
        Input::CallOutput { output, .. } => estimate_tokens(output),
    };
    text + OVERHEAD
}

fn part_cost(part: &InputPart) -> u64 {
    /// What OpenAI's models take for a picture of common size, "Images and vision" of its guide.
    const IMAGE: u64 = 1_105;
    match part {
        InputPart::Text(text) => estimate_tokens(text),
        InputPart::Image(_) => IMAGE,
        // A document is text and pictures of its pages; nobody knows before it is read.
        InputPart::File(file) => file.size.div_ceil(4),
    }
}

fn inputs(item: &ThreadItem, is_last: bool) -> Vec<Input> {
    match item {
        ThreadItem::UserMessage(message) => user_inputs(message, is_last),
        ThreadItem::AssistantMessage(message) => {
            let text = message.content.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
            if text.is_empty() { Vec::new() } else { vec![Input::Assistant(text)] }
        }
        ThreadItem::HiddenContextItem(hidden) => {
            let content = hidden.content.as_str().map_or_else(|| hidden.content.to_string(), ToOwned::to_owned);
            vec![hidden_context(&content)]
        }
        ThreadItem::SdkHiddenContext(hidden) => vec![hidden_context(&hidden.content)],
        // Reasoning is the model's own business of that turn; the others no operation of this version makes.
        ThreadItem::Workflow(_)
        | ThreadItem::Task(_)
        | ThreadItem::EndOfTurn(_)
        | ThreadItem::ClientToolCall(_)
        | ThreadItem::Widget(_)
        | ThreadItem::GeneratedImage(_)
        | ThreadItem::StructuredInput(_) => Vec::new(),
    }
}

fn hidden_context(content: &str) -> Input {
    user_text(format!("Context from the application, which the user does not see:\n<context>\n{content}\n</context>"))
}

fn user_text(text: String) -> Input {
    Input::User(vec![InputPart::Text(text)])
}

fn user_inputs(message: &UserMessage, is_last: bool) -> Vec<Input> {
    let mut text = String::new();
    let mut mentions = Vec::new();
    let mut seen = HashSet::new();
    for part in &message.content {
        match part {
            UserContent::InputText { text: typed } => text.push_str(typed),
            UserContent::InputTag { text: name, data, .. } => {
                text.push('@');
                text.push_str(name);
                if seen.insert(name) {
                    mentions.push(InputPart::Text(format!("@{name}: {}", serde_json::Value::Object(data.clone()))));
                }
            }
        }
    }
    let files = message.attachments.iter().map(|attachment| {
        let file = InputFile {
            name: attachment.name.clone(),
            media_type: attachment.mime_type.clone(),
            size: attachment.size.unwrap_or_default(),
            source: FileSource::Stored(attachment.id.clone()),
        };
        match attachment.kind {
            AttachmentKind::Image { .. } => InputPart::Image(file),
            AttachmentKind::File => InputPart::File(file),
        }
    });
    let text = Some(text).filter(|text| !text.is_empty()).map(InputPart::Text);
    let mut inputs = vec![Input::User(text.into_iter().chain(files).collect())];
    if let Some(quoted) = message.quoted_text.as_deref().filter(|quoted| is_last && !quoted.is_empty()) {
        inputs.push(user_text(format!("The message above refers to this part of the conversation:\n{quoted}")));
    }
    if !mentions.is_empty() {
        let header = "What the @-mentions above stand for. Name these things without the `@` in the answer.";
        mentions.insert(0, InputPart::Text(header.to_owned()));
        inputs.push(Input::User(mentions));
    }
    inputs
}
