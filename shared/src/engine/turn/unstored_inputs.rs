use crate::model::{FunctionCall, Input};
use crate::store::ModelContext;

/// Of one output, for later turns.
const MAX_OUTPUT_BYTES: usize = 4 * 1024;

/// Of all inputs that are stored with one item; a record of DynamoDB has 400 KB at most.
const MAX_INPUTS_BYTES: usize = 64 * 1024;

/// The same for an item that waits, with which the turn is resumed.
const MAX_WAITING_INPUTS_BYTES: usize = 200 * 1024;

/// What the model did since the last stored item, and no item shows: calls with their outputs, thoughts. They are
/// stored with the next item, because the model must be told of them again.
#[derive(Default)]
pub(super) struct UnstoredInputs(Vec<Input>);

impl UnstoredInputs {
    pub(super) fn push(&mut self, input: Input) {
        self.0.push(input);
    }

    /// Removes a call that becomes an item of its own.
    pub(super) fn remove(&mut self, call: &FunctionCall) {
        self.0.retain(|input| !matches!(input, Input::Call(known) if known.call_id == call.call_id));
    }

    /// Whether there are calls that later turns must be told of, each with its output.
    pub(super) fn has_calls(&self) -> bool {
        self.has_all_outputs() && self.0.iter().any(|input| matches!(input, Input::Call(_)))
    }

    /// Takes what a finished item keeps for later turns: calls with their outputs, none while an output is missing.
    pub(super) fn take(&mut self) -> Option<ModelContext> {
        if !self.has_all_outputs() {
            return None;
        }
        let mut before = std::mem::take(&mut self.0);
        // The model needs its thoughts until its turn is over.
        before.retain(|input| !matches!(input, Input::Opaque(_)));
        before.iter_mut().for_each(shorten);
        drop_oldest_calls(&mut before, MAX_INPUTS_BYTES);
        (!before.is_empty()).then(|| ModelContext { inputs_before: before, ..ModelContext::default() })
    }

    /// Takes everything, for an item that waits: the turn is resumed with it.
    pub(super) fn take_waiting(&mut self, waiting: Vec<FunctionCall>) -> ModelContext {
        let mut before = std::mem::take(&mut self.0);
        if size(&before) > MAX_WAITING_INPUTS_BYTES {
            before.retain(|input| !matches!(input, Input::Opaque(_)));
            before.iter_mut().for_each(shorten);
            drop_oldest_calls(&mut before, MAX_WAITING_INPUTS_BYTES);
        }
        ModelContext { inputs_before: before, page_calls: waiting, extra_content: None }
    }

    fn has_all_outputs(&self) -> bool {
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

/// Drops the oldest calls, each with its output, until the rest fits.
fn drop_oldest_calls(inputs: &mut Vec<Input>, max_bytes: usize) {
    while size(inputs) > max_bytes {
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
        && output.len() > MAX_OUTPUT_BYTES
    {
        output.truncate(output.floor_char_boundary(MAX_OUTPUT_BYTES));
        output.push('…');
    }
}
