use std::collections::HashSet;

use serde::Serialize;

use super::attachments::{Upload, unknown_attachment};
use crate::assistant::{Assistant, ClientChoice};
use crate::engine::{Engine, Error};
use crate::hash::sha256_hex;
use crate::identity::Owner;
use crate::protocol::{InferenceOptions, ItemHeader, ThreadItem, UserContent, UserMessage, UserMessageInput};
use crate::store::StoredItem;

const MAX_TAGS: usize = 100;

/// As it is stored, so that it fits a record of the store with everything around it.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

impl Engine {
    /// Refuses a message that is empty, too long, or has too many attachments.
    pub(super) fn check_message(&self, input: &UserMessageInput) -> Result<(), Error> {
        let blank = input.content.iter().all(|part| match part {
            UserContent::InputText { text } => text.trim().is_empty(),
            UserContent::InputTag { .. } => false,
        });
        if blank && input.attachments.is_empty() {
            return Err(Error::Invalid("the message is empty".to_owned()));
        }
        match &self.files {
            Some(files) if input.attachments.len() > files.limits().per_message => {
                let most = files.limits().per_message;
                return Err(Error::Invalid(format!("the message has more than {most} attachments")));
            }
            None if !input.attachments.is_empty() => return Err(unknown_attachment()),
            Some(_) | None => {}
        }
        self.check_options(&input.inference_options)?;
        let tags = input.content.iter().filter(|part| matches!(part, UserContent::InputTag { .. })).count();
        if tags > MAX_TAGS {
            return Err(Error::Invalid(format!("the message has more than {MAX_TAGS} tags")));
        }
        let limit = self.limits.message_chars;
        if limit > 0 && characters(input) > limit {
            return Err(Error::Invalid(format!("the message has more than {limit} characters")));
        }
        // Few characters may be many parts, and the limit on characters may be off.
        let stored = serde_json::to_vec(&(&input.content, &input.quoted_text, &input.inference_options));
        if stored.is_ok_and(|stored| stored.len() > MAX_MESSAGE_BYTES) {
            return Err(Error::Invalid(format!("the message is larger than {} KB", MAX_MESSAGE_BYTES / 1024)));
        }
        Ok(())
    }

    /// Refuses what the composer does not offer. Where it offers nothing, nothing is looked at.
    fn check_options(&self, options: &InferenceOptions) -> Result<(), Error> {
        let Assistant { models, tool_choices, .. } = &*self.assistant;
        let InferenceOptions { tool_choice, model } = options;
        let is_offered = |choices: &[ClientChoice], id: Option<&String>| {
            choices.is_empty() || id.is_none_or(|id| choices.iter().any(|choice| choice.id == *id))
        };
        if !is_offered(models, model.as_ref()) {
            return Err(Error::Invalid("`inference_options.model` is not one that is offered".to_owned()));
        }
        if !is_offered(tool_choices, tool_choice.as_ref().map(|tool| &tool.id)) {
            return Err(Error::Invalid("`inference_options.tool_choice` is not one that is offered".to_owned()));
        }
        Ok(())
    }

    /// The message as an item, with an id after `last`, and the files that it takes; one without any costs no I/O.
    pub(super) async fn user_item(
        &self,
        owner: &Owner,
        input: UserMessageInput,
        thread_id: &str,
        last: &str,
    ) -> Result<(StoredItem, Vec<Upload>), Error> {
        let header = ItemHeader {
            id: self.ids.mint_after(crate::ids::MESSAGE, last),
            thread_id: thread_id.to_owned(),
            created_at: self.clock.now(),
        };
        let UserMessageInput { content, attachments, quoted_text, inference_options } = input;
        let (attachments, uploads) = self.uploads(owner, thread_id, &attachments).await?;
        let message = UserMessage { header, content, attachments, quoted_text, inference_options };
        Ok((StoredItem::new(ThreadItem::UserMessage(message)), uploads))
    }
}

/// Everything that the user wrote or picked counts, the data of tags included.
fn characters(input: &UserMessageInput) -> usize {
    let count = |text: &String| text.chars().count();
    let parts = input.content.iter().map(|part| match part {
        UserContent::InputText { text } => count(text),
        UserContent::InputTag { id, text, data, group, .. } => {
            let data = if data.is_empty() { 0 } else { serde_json::to_string(data).map_or(0, |data| data.len()) };
            count(id) + count(text) + group.as_ref().map_or(0, count) + data
        }
    });
    let InferenceOptions { tool_choice, model } = &input.inference_options;
    let picked = [input.quoted_text.as_ref(), tool_choice.as_ref().map(|tool| &tool.id), model.as_ref()];
    parts.sum::<usize>() + picked.into_iter().flatten().map(count).sum::<usize>()
}

/// What a thread is named after: the message's words, else the names of its files.
pub(super) fn title_message(item: &ThreadItem) -> String {
    let ThreadItem::UserMessage(UserMessage { content, attachments, .. }) = item else { return String::new() };
    let text = text_of(content);
    if text.is_empty() {
        return attachments.iter().map(|attachment| attachment.name.as_str()).collect::<Vec<_>>().join(" ");
    }
    text
}

pub(super) fn text_of(content: &[UserContent]) -> String {
    let parts = content.iter().map(|part| match part {
        UserContent::InputText { text } | UserContent::InputTag { text, .. } => text.as_str(),
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// What makes two messages the same: everything but the moment they were sent.
#[derive(Serialize)]
struct Same<'a> {
    content: &'a [UserContent],
    attachment_ids: Vec<&'a str>,
    quoted_text: Option<&'a str>,
    inference_options: &'a InferenceOptions,
}

impl Same<'_> {
    fn digest(&self) -> String {
        // Maps with keys of text only: this cannot fail.
        sha256_hex(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// Two messages with one digest are the same message, sent twice.
pub(super) fn digest(input: &UserMessageInput) -> String {
    let mut seen = HashSet::new();
    let UserMessageInput { content, attachments, quoted_text, inference_options } = input;
    let attachment_ids = attachments.iter().map(String::as_str).filter(|id| seen.insert(*id)).collect();
    Same { content, attachment_ids, quoted_text: quoted_text.as_deref(), inference_options }.digest()
}

/// The [`digest`] of the message that became this item.
pub(super) fn digest_of_item(item: &ThreadItem) -> String {
    match item {
        ThreadItem::UserMessage(UserMessage { content, attachments, quoted_text, inference_options, .. }) => {
            let attachment_ids = attachments.iter().map(|attachment| attachment.id.as_str()).collect();
            Same { content, attachment_ids, quoted_text: quoted_text.as_deref(), inference_options }.digest()
        }
        other => sha256_hex(other.id()),
    }
}
