//! What the model did in a turn, as it must be told again.

use crate::model::{FunctionCall, Input};
use crate::store::ModelContext;

/// Bytes of one output that later turns are told of.
const LONGEST_OUTPUT: usize = 4 * 1024;

/// Bytes of everything that is kept on an item; a record of DynamoDB has 400 KB at most.
const LARGEST: usize = 64 * 1024;

/// The same on an item that waits: the turn goes on with it.
const LARGEST_WAITING: usize = 200 * 1024;

/// What the model did since the last item that was stored, and no item shows.
#[derive(Default)]
pub(super) struct Trail(Vec<Input>);

impl Trail {
    pub(super) fn push(&mut self, input: Input) {
        self.0.push(input);
    }

    /// Forgets a call that becomes an item of its own.
    pub(super) fn remove(&mut self, call: &FunctionCall) {
        self.0.retain(|input| !matches!(input, Input::Call(known) if known.call_id == call.call_id));
    }

    /// Whether there is a call that later turns must know of, and its output is there.
    pub(super) fn has_calls(&self) -> bool {
        self.is_whole() && self.0.iter().any(|input| matches!(input, Input::Call(_)))
    }

    /// Takes what an item that is complete keeps for later turns: calls with their outputs, none while an output is
    /// still to come.
    pub(super) fn take(&mut self) -> Option<ModelContext> {
        if !self.is_whole() {
            return None;
        }
        let mut before = std::mem::take(&mut self.0);
        // What the model thought, it needs until its turn is over.
        before.retain(|input| !matches!(input, Input::Opaque(_)));
        before.iter_mut().for_each(shorten);
        fit(&mut before, LARGEST);
        (!before.is_empty()).then(|| ModelContext { inputs_before: before, page_calls: Vec::new() })
    }

    /// Takes everything, for an item that waits: the turn goes on behind it.
    pub(super) fn take_waiting(&mut self, waiting: Vec<FunctionCall>) -> ModelContext {
        let mut before = std::mem::take(&mut self.0);
        if size(&before) > LARGEST_WAITING {
            before.retain(|input| !matches!(input, Input::Opaque(_)));
            before.iter_mut().for_each(shorten);
            fit(&mut before, LARGEST_WAITING);
        }
        ModelContext { inputs_before: before, page_calls: waiting }
    }

    fn is_whole(&self) -> bool {
        let has_output = |call: &FunctionCall| {
            self.0.iter().any(|input| matches!(input, Input::CallOutput { call_id, .. } if *call_id == call.call_id))
        };
        self.0.iter().all(|input| match input {
            Input::Call(call) => has_output(call),
            Input::User(_) | Input::Assistant(_) | Input::Opaque(_) | Input::CallOutput { .. } => true,
        })
    }
}

fn size(inputs: &[Input]) -> usize {
    serde_json::to_vec(inputs).map_or(0, |json| json.len())
}

/// Drops the oldest calls, each with its output, until what is left fits.
fn fit(inputs: &mut Vec<Input>, largest: usize) {
    while size(inputs) > largest {
        let Some(oldest) = inputs.iter().find_map(call_id).map(ToOwned::to_owned) else { return inputs.clear() };
        inputs.retain(|input| call_id(input) != Some(&oldest));
    }
}

fn call_id(input: &Input) -> Option<&str> {
    match input {
        Input::Call(call) => Some(&call.call_id),
        Input::CallOutput { call_id, .. } => Some(call_id),
        Input::User(_) | Input::Assistant(_) | Input::Opaque(_) => None,
    }
}

fn shorten(input: &mut Input) {
    if let Input::CallOutput { output, .. } = input
        && output.len() > LONGEST_OUTPUT
    {
        output.truncate(output.floor_char_boundary(LONGEST_OUTPUT));
        output.push('…');
    }
}
