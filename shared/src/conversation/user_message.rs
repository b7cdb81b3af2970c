use super::{Engine, Error};
use crate::hash::sha256_hex;
use crate::protocol::{ItemHeader, ThreadItem, UserContent, UserMessage, UserMessageInput};
use crate::store::StoredItem;

/// Tags in one message.
const MOST_TAGS: usize = 100;

/// Bytes of a message as it is stored, whatever it is made of: options and tags are the client's to write, and a record
/// of DynamoDB has at most 400 KB.
const LARGEST: usize = 64 * 1024;

impl Engine {
    /// Refuses a message that is empty, too long, or names attachments that do not exist.
    pub(super) fn check_message(&self, input: &UserMessageInput) -> Result<(), Error> {
        let blank = input.content.iter().all(|part| match part {
            UserContent::InputText { text } => text.trim().is_empty(),
            UserContent::InputTag { .. } => false,
        });
        if blank {
            return Err(Error::Invalid("the message is empty".to_owned()));
        }
        if !input.attachments.is_empty() {
            return Err(Error::Invalid("`attachments` names an attachment that does not exist".to_owned()));
        }
        let tags = input.content.iter().filter(|part| matches!(part, UserContent::InputTag { .. })).count();
        if tags > MOST_TAGS {
            return Err(Error::Invalid(format!("the message has more than {MOST_TAGS} tags")));
        }
        if stored_bytes(input) > LARGEST {
            return Err(Error::Invalid(format!("the message has more than {LARGEST} bytes")));
        }
        let limit = self.limits.message_chars;
        if limit > 0 && characters(input) > limit {
            return Err(Error::Invalid(format!("the message has more than {limit} characters")));
        }
        Ok(())
    }

    /// The message as an item, with an id after `last`.
    pub(super) fn user_item(&self, input: UserMessageInput, thread_id: &str, last: &str) -> StoredItem {
        let header = ItemHeader {
            id: self.ids.mint_after(crate::ids::MESSAGE, last),
            thread_id: thread_id.to_owned(),
            created_at: self.clock.now(),
        };
        let UserMessageInput { content, quoted_text, inference_options, .. } = input;
        let message = UserMessage { header, content, attachments: Vec::new(), quoted_text, inference_options };
        StoredItem { item: ThreadItem::UserMessage(message), upstream_id: None, ends_run: None }
    }
}

fn stored_bytes(input: &UserMessageInput) -> usize {
    let parts = (&input.content, &input.quoted_text, &input.inference_options);
    serde_json::to_vec(&parts).map_or(usize::MAX, |bytes| bytes.len())
}

/// Everything that the user wrote or picked counts, the data of tags included.
fn characters(input: &UserMessageInput) -> usize {
    let parts = input.content.iter().map(|part| match part {
        UserContent::InputText { text } => text.chars().count(),
        UserContent::InputTag { id, text, data, group, .. } => {
            let data = if data.is_empty() { 0 } else { serde_json::to_string(data).map_or(0, |data| data.len()) };
            id.chars().count() + text.chars().count() + group.as_ref().map_or(0, |group| group.chars().count()) + data
        }
    });
    parts.sum::<usize>() + input.quoted_text.as_ref().map_or(0, |text| text.chars().count())
}

/// What makes two messages the same: everything but the moment they were sent.
pub(super) fn digest(message: &ThreadItem) -> String {
    match message {
        ThreadItem::UserMessage(UserMessage { content, quoted_text, inference_options, .. }) => {
            sha256_hex(&format!("{:?}", (content, quoted_text, inference_options)))
        }
        other => sha256_hex(other.id()),
    }
}
