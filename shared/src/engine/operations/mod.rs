//! ChatKit's operations, one file each.

mod add_client_tool_output;
mod add_structured_input;
mod add_user_message;
pub(super) mod attachments;
mod create_thread;
mod custom_action;
mod items;
mod retry_after_item;
pub(super) mod stateless;
mod threads;
mod transcribe;
mod user_message;
