//! What the model does besides talking.

mod calls;
mod images;
pub(super) mod request;
mod tasks;

use chatkit_shared::model::{FunctionCall, ModelEvent};

/// A call of a function.
pub(super) fn call(call_id: &str, name: &str, arguments: &str) -> ModelEvent {
    let [call_id, name, arguments] = [call_id, name, arguments].map(ToOwned::to_owned);
    ModelEvent::Call(FunctionCall { call_id, name, arguments, extra_content: None })
}
