//! How large a prompt is: estimated for the history that is shown, bounded for the tokens that are reserved. No I/O.

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::history::History;
use super::prompt::{group, inputs};
use crate::hash::sha256_hex;
use crate::model::{CountedPart, Input, InputFile, InputPart, Prompt, estimate_tokens, max_tokens};
use crate::protocol::ThreadItem;
use crate::store::{CountedPrompt, StoredItem};

/// For a picture of common size, by OpenAI's guide "Images and vision".
const IMAGE_TOKENS: u64 = 1_105;

/// Estimated tokens of an item, and of what was stored with it.
pub(super) fn item_tokens(stored: &StoredItem, is_last: bool) -> u64 {
    group(stored, is_last).iter().map(estimate).sum()
}

/// Estimated tokens of an input.
pub(super) fn estimate(input: &Input) -> u64 {
    /// Roles and separators.
    const OVERHEAD_TOKENS: u64 = 4;
    tokens_by(input, estimate_tokens, estimate_file) + OVERHEAD_TOKENS
}

/// The most tokens that a prompt can have: what the model has counted of it, and one for each byte of the rest. Only a
/// file that nobody has counted is a guess.
pub(super) fn max_prompt_tokens(prompt: &Prompt) -> u64 {
    let CountedPart { tokens, inputs, .. } = prompt.counted;
    let basis = if inputs == 0 { max_basis_tokens(prompt) } else { 0 };
    tokens + basis + max_input_tokens(prompt.input.get(inputs..).unwrap_or_default())
}

fn max_input_tokens(inputs: &[Input]) -> u64 {
    /// Roles, separators and ids, in the form in which any server shows them to its model.
    const MAX_OVERHEAD_TOKENS: u64 = 16;
    inputs.iter().map(|input| tokens_by(input, max_tokens, max_file_tokens) + MAX_OVERHEAD_TOKENS).sum()
}

fn max_basis_tokens(prompt: &Prompt) -> u64 {
    /// What a server says in front of the instructions and the tools.
    const MAX_OVERHEAD_TOKENS: u64 = 64;
    let tools = prompt.tools.iter().map(|tool| max_tokens(&tool.to_string())).sum::<u64>();
    prompt.instructions.as_deref().map_or(0, max_tokens) + tools + MAX_OVERHEAD_TOKENS
}

fn tokens_by(input: &Input, tokens: fn(&str) -> u64, file: fn(&InputFile) -> u64) -> u64 {
    let of_part = |part: &InputPart| match part {
        InputPart::Text(text) => tokens(text),
        InputPart::Image(_) => IMAGE_TOKENS,
        InputPart::File(document) => file(document),
    };
    match input {
        Input::User(parts) => parts.iter().map(of_part).sum(),
        Input::Assistant(text) => tokens(text),
        Input::Opaque(value) => tokens(&value.to_string()),
        Input::Call(call) => {
            let extra = call.extra_content.as_ref().map_or(0, |extra| tokens(&extra.to_string()));
            tokens(&call.name) + tokens(&call.arguments) + extra
        }
        Input::CallOutput { output, .. } => tokens(output),
    }
}

/// A document becomes text and pictures of its pages; how many is unknown before it is read. Most bytes of a large one
/// are not words, so it counts as some ten pages.
fn estimate_file(file: &InputFile) -> u64 {
    const MAX_DOCUMENT_TOKENS: u64 = 10_000;
    file.size.div_ceil(4).min(MAX_DOCUMENT_TOKENS)
}

fn max_file_tokens(file: &InputFile) -> u64 {
    if file.is_text() { file.size } else { estimate_file(file) }
}

/// What the model has counted of a prompt that shows this history: an earlier turn's prompt and answer, as far as they
/// are still shown.
pub(super) fn counted(prompt: &Prompt, History { items, begins_at, .. }: &History) -> CountedPart {
    let uncounted = CountedPart { begins_at: begins_at.clone(), ..CountedPart::default() };
    let found = items.iter().enumerate().rev().find_map(|(index, stored)| Some((index, stored.counted.as_ref()?)));
    let Some((last, count)) = found.filter(|(_, count)| count.model == digest(&prompt.model)) else { return uncounted };
    let is_question = |stored: &StoredItem| matches!(stored.item, ThreadItem::UserMessage(_));
    let question = items[..=last].iter().rposition(is_question).unwrap_or_default();
    let is_begin = |stored: &StoredItem| Some(stored.item.id()) == count.begins_at.as_deref();
    let began = items.iter().position(is_begin).unwrap_or_default();
    // What that turn was not shown, or not in the form in which it is shown now.
    let is_other = |(index, stored): &(usize, &StoredItem)| {
        let is_text = matches!(stored.item, ThreadItem::UserMessage(_) | ThreadItem::AssistantMessage(_));
        let is_replaced = stored.position.as_ref().is_some_and(|position| position.is_replaced);
        let is_new_summary = stored.is_summary && !is_begin(stored);
        *index < began || is_new_summary || (!is_text && (*index >= question || is_replaced))
    };
    let shown = items[..=last].iter().enumerate();
    let other: u64 = shown.clone().filter(is_other).map(|(_, stored)| max_input_tokens(&inputs(stored))).sum();
    let basis = if count.basis == basis_digest(prompt) { 0 } else { max_basis_tokens(prompt) };
    CountedPart {
        tokens: count.tokens + other + basis,
        inputs: shown.map(|(index, stored)| group(stored, index + 1 == items.len()).len()).sum(),
        ..uncounted
    }
}

fn basis_digest(prompt: &Prompt) -> String {
    let tools = Value::from(prompt.tools.clone());
    digest(&format!("{}\n{tools}", prompt.instructions.as_deref().unwrap_or_default()))
}

fn digest(text: &str) -> String {
    const DIGEST_CHARS: usize = 8;
    let mut digest = sha256_hex(text);
    digest.truncate(DIGEST_CHARS);
    digest
}

/// For the item that ends a turn: the model has counted the prompt and its answer.
pub(super) fn counted_prompt(prompt: &Prompt, tokens: u64) -> CountedPrompt {
    CountedPrompt {
        tokens,
        model: digest(&prompt.model),
        basis: basis_digest(prompt),
        begins_at: prompt.counted.begins_at.clone(),
    }
}
