//! What an answer is built from: each builder takes what the upstream says, completes what it leaves out, and emits
//! each start, each change and each end exactly once.

mod items;
mod text;

pub(super) use items::{CallIds, Images, ItemList, Tasks};
pub(super) use text::{MessageBuilder, ReasoningBuilder, file_annotation, file_source, page_annotation, page_source};
