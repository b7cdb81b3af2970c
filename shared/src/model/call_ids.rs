use std::collections::HashSet;

use super::event::{Events, ModelEvent};
use super::prompt::{FunctionCall, Input, Prompt};

/// Gives each call an id that no other call of the prompt and the answer has: the upstream's own where it is one.
pub(super) struct CallIds {
    taken: HashSet<String>,
}

impl CallIds {
    /// The ids of an answer to this prompt.
    pub(super) fn new(prompt: &Prompt) -> Self {
        let taken = prompt.input.iter().filter_map(|input| match input {
            Input::Call(call) => Some(call.call_id.clone()),
            Input::User(_) | Input::Assistant(_) | Input::Opaque(_) | Input::CallOutput { .. } => None,
        });
        Self { taken: taken.collect() }
    }

    /// Tells of a whole call.
    pub(super) fn call(&mut self, upstream_id: Option<String>, name: String, arguments: String, out: &mut Events) {
        let call_id = self.unique(upstream_id.unwrap_or_default());
        out.push_back(ModelEvent::Call(FunctionCall { call_id, name, arguments }));
    }

    /// Tells of a call that the model's server has carried out itself.
    pub(super) fn answered(&mut self, name: String, arguments: String, output: String, out: &mut Events) {
        let call_id = self.unique(String::new());
        out.push_back(ModelEvent::Answered { call: FunctionCall { call_id, name, arguments }, output });
    }

    /// Some servers give no ids, or empty ones, or count anew in each answer, or give all calls the same.
    fn unique(&mut self, mut id: String) -> String {
        let mut number = self.taken.len();
        while id.is_empty() || !self.taken.insert(id.clone()) {
            number += 1;
            id = format!("call_{number}");
        }
        id
    }
}
