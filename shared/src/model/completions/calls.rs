use serde_json::{Map, Value};

use super::wire::{Function, ToolCall};
use crate::model::call_ids::CallIds;
use crate::model::event::Events;
use crate::model::prompt::Prompt;

/// The calls of an answer on their way, put together from their pieces.
pub(super) struct Calls {
    ids: CallIds,
    /// In the order in which they began.
    calls: Vec<Call>,
}

#[derive(Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// The calls of an answer to this prompt.
    pub(super) fn new(prompt: &Prompt) -> Self {
        Self { ids: CallIds::new(prompt), calls: Vec::new() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a piece to the call that it belongs to, which begins now if it has not.
    pub(super) fn add(&mut self, piece: ToolCall) {
        let ToolCall { index, id, function } = piece;
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
        let position = known.filter(|&position| !self.calls[position].ends_before(&id, &name, &arguments));
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
    }

    /// Nothing more comes. Of an answer that was cut, only what is whole is a call.
    pub(super) fn finish(&mut self, is_cut: bool, out: &mut Events) {
        for call in self.calls.drain(..) {
            // Of a call without a name nobody knows what to do.
            if !call.name.is_empty() && (!is_cut || call.is_whole()) {
                self.ids.call(Some(call.id), call.name, call.arguments, out);
            }
        }
    }
}

impl Call {
    /// Whether a piece at its place begins another call: only what has a name does. It does if it has another id, or,
    /// with servers that give none, arguments though these are whole. Servers that repeat the name in each piece give
    /// the same id, or pieces of arguments that are not whole yet.
    fn ends_before(&self, id: &str, name: &str, arguments: &str) -> bool {
        if name.is_empty() || self.name.is_empty() {
            return false;
        }
        match (self.id.as_str(), id) {
            ("", _) | (_, "") => !arguments.is_empty() && self.is_whole(),
            (known, id) => known != id,
        }
    }

    fn is_whole(&self) -> bool {
        // The second look costs the length.
        self.arguments.trim_end().ends_with('}') && serde_json::from_str::<Map<String, Value>>(&self.arguments).is_ok()
    }
}
