use serde_json::{Map, Value};

use super::wire::{Function, ToolCall};
use crate::model::builders::CallIds;
use crate::model::event::Events;
use crate::model::prompt::{FunctionCall, Prompt};

/// The calls of an answer, put together from their pieces.
pub(super) struct FunctionCalls {
    ids: CallIds,
    /// In the order in which they started.
    calls: Vec<Call>,
}

#[derive(Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    extra_content: Option<Value>,
}

impl FunctionCalls {
    pub(super) fn new(prompt: &Prompt) -> Self {
        Self { ids: CallIds::new(prompt), calls: Vec::new() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a piece to the call that it belongs to; starts the call if it is new.
    pub(super) fn add(&mut self, piece: ToolCall) {
        let ToolCall { index, id, function, extra_content } = piece;
        let Function { name, arguments } = function.unwrap_or_default();
        let (id, name) = (id.unwrap_or_default(), name.unwrap_or_default());
        let arguments = match arguments {
            Value::String(text) => text,
            Value::Null => String::new(),
            value => value.to_string(),
        };
        let known = match index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        let position = known.filter(|&position| !self.calls[position].is_followed_by(&id, &name, &arguments));
        let position = position.unwrap_or_else(|| {
            self.calls.push(Call { index, ..Call::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[position];
        for (known, value) in [(&mut call.id, id), (&mut call.name, name)] {
            if known.is_empty() {
                *known = value;
            }
        }
        call.arguments.push_str(&arguments);
        call.extra_content = extra_content.map(Value::Object).or(call.extra_content.take());
    }

    /// Emits the calls; of an answer that was cut, only those that are complete.
    pub(super) fn finish(&mut self, is_cut: bool, out: &mut Events) {
        for call in self.calls.drain(..) {
            // A call without a name cannot be carried out.
            if !call.name.is_empty() && (!is_cut || call.is_complete()) {
                let Call { id: call_id, name, arguments, extra_content, .. } = call;
                self.ids.emit_call(FunctionCall { call_id, name, arguments, extra_content }, out);
            }
        }
    }
}

impl Call {
    /// Whether a piece with the same index starts another call. It must have a name, and another id; or, with servers
    /// that give no ids, arguments although those of this call are complete. Servers that repeat the name in each piece
    /// repeat the id, too, or send arguments that are not complete yet.
    fn is_followed_by(&self, id: &str, name: &str, arguments: &str) -> bool {
        if name.is_empty() || self.name.is_empty() {
            return false;
        }
        match (self.id.as_str(), id) {
            ("", _) | (_, "") => !arguments.is_empty() && self.is_complete(),
            (known, id) => known != id,
        }
    }

    fn is_complete(&self) -> bool {
        // Parsing costs time in proportion to the length, so the cheap test comes first.
        self.arguments.trim_end().ends_with('}') && serde_json::from_str::<Map<String, Value>>(&self.arguments).is_ok()
    }
}
