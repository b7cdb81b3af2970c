use std::mem;

use super::hosted_tools::McpCall;
use super::wire::FunctionCall;
use crate::model::builders::{CallIds, ItemList};
use crate::model::event::Events;
use crate::model::prompt::{self, Prompt};

/// The calls of an answer. Each is emitted once, when it is complete.
pub(super) struct FunctionCalls {
    ids: CallIds,
    calls: ItemList<Call>,
}

#[derive(Default)]
struct Call {
    call_id: Option<String>,
    name: Option<String>,
    arguments: String,
}

impl FunctionCalls {
    pub(super) fn new(prompt: &Prompt) -> Self {
        Self { ids: CallIds::new(prompt), calls: ItemList::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn start(&mut self, output_index: u64, call: FunctionCall) {
        let (_, started) = self.calls.start(output_index, call.id.clone(), Call::default());
        started.fill(call);
    }

    pub(super) fn add_arguments(&mut self, output_index: u64, text: &str) {
        if let Some((_, call, _)) = self.calls.unfinished_or_start(output_index, Call::default) {
            call.arguments.push_str(text);
        }
    }

    pub(super) fn set_arguments(&mut self, output_index: u64, arguments: String) {
        if let Some((_, call, _)) = self.calls.unfinished_or_start(output_index, Call::default) {
            call.arguments = arguments;
        }
    }

    /// Finishes a call with what the upstream says of the whole of it.
    pub(super) fn finish(&mut self, output_index: u64, call: FunctionCall, out: &mut Events) {
        let known = self.calls.unfinished_at(output_index).map(|(number, _)| number);
        if known.is_none() && self.calls.is_finished(output_index, call.id.as_deref()) {
            return;
        }
        let number = known.unwrap_or_else(|| self.calls.start(output_index, None, Call::default()).0);
        self.complete(number, call, out);
    }

    /// The model's server has called a tool of an MCP server.
    pub(super) fn emit_answered(&mut self, call: McpCall, out: &mut Events) {
        let McpCall { name, arguments, output } = call;
        self.ids.emit_answered(name, arguments, output, out);
    }

    /// Finishes the calls that the upstream's summary of its output has.
    pub(super) fn finish_summary(&mut self, summary: Vec<FunctionCall>, out: &mut Events) {
        let ids: Vec<_> = summary.iter().map(|call| call.id.clone()).collect();
        for (known, call) in self.calls.match_summary(&ids).into_iter().zip(summary) {
            let number = known.unwrap_or_else(|| self.calls.start(0, None, Call::default()).0);
            self.complete(number, call, out);
        }
    }

    /// The answer is complete, so its unfinished calls are, too.
    pub(super) fn finish_all(&mut self, out: &mut Events) {
        for number in self.calls.unfinished() {
            if let Some(call) = self.calls.finish(number, None).map(mem::take) {
                self.emit(call, out);
            }
        }
    }

    fn complete(&mut self, number: u64, last: FunctionCall, out: &mut Events) {
        let Some(mut call) = self.calls.finish(number, last.id.clone()).map(mem::take) else { return };
        // The answer was cut in the middle of this call.
        let is_cut = last.status.as_deref() == Some("incomplete");
        call.fill(last);
        if !is_cut {
            self.emit(call, out);
        }
    }

    fn emit(&mut self, call: Call, out: &mut Events) {
        // A call without a name cannot be carried out.
        if let Some(name) = call.name {
            let call_id = call.call_id.unwrap_or_default();
            let call = prompt::FunctionCall { call_id, name, arguments: call.arguments, extra_content: None };
            self.ids.emit_call(call, out);
        }
    }
}

impl Call {
    /// Takes over what the upstream says; empty means that it does not say.
    fn fill(&mut self, call: FunctionCall) {
        let FunctionCall { call_id, name, arguments, .. } = call;
        self.call_id = call_id.filter(|id| !id.is_empty()).or(self.call_id.take());
        self.name = name.filter(|name| !name.is_empty()).or(self.name.take());
        if let Some(arguments) = arguments.filter(|arguments| !arguments.is_empty()) {
            self.arguments = arguments;
        }
    }
}
