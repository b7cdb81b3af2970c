use std::mem;

use super::hosted::RemoteCall;
use super::item::FunctionCall;
use crate::model::call_ids::CallIds;
use crate::model::event::Events;
use crate::model::items::Items;
use crate::model::prompt::Prompt;

/// The calls of an answer on their way. Each is told of when it is whole, once.
pub(super) struct Calls {
    ids: CallIds,
    calls: Items<Call>,
}

#[derive(Default)]
struct Call {
    call_id: Option<String>,
    name: Option<String>,
    arguments: String,
}

impl Calls {
    /// The calls of an answer to this prompt.
    pub(super) fn new(prompt: &Prompt) -> Self {
        Self { ids: CallIds::new(prompt), calls: Items::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn start(&mut self, place: u64, call: FunctionCall) {
        let (_, begun) = self.calls.begin(place, call.id.clone(), Call::default());
        begun.fill(call);
    }

    pub(super) fn add_arguments(&mut self, place: u64, text: &str) {
        if let Some((_, call, _)) = self.calls.open_or_begin(place, Call::default) {
            call.arguments.push_str(text);
        }
    }

    /// These are all of the arguments.
    pub(super) fn set_arguments(&mut self, place: u64, arguments: String) {
        if let Some((_, call, _)) = self.calls.open_or_begin(place, Call::default) {
            call.arguments = arguments;
        }
    }

    /// The call is whole, and this is it.
    pub(super) fn finish(&mut self, place: u64, call: FunctionCall, out: &mut Events) {
        let open = self.calls.open(place).map(|(number, _)| number);
        if open.is_none() && self.calls.is_over(place, call.id.as_deref()) {
            return;
        }
        let number = open.unwrap_or_else(|| self.calls.begin(place, None, Call::default()).0);
        self.end(number, call, out);
    }

    /// A tool of another server was called by the model's server.
    pub(super) fn answered(&mut self, call: RemoteCall, out: &mut Events) {
        let RemoteCall { name, arguments, output } = call;
        self.ids.answered(name, arguments, output, out);
    }

    /// Nothing more comes, and these are the calls of the answer: what of them did not come before, comes now.
    pub(super) fn finish_listed(&mut self, listed: Vec<FunctionCall>, out: &mut Events) {
        let ids: Vec<_> = listed.iter().map(|call| call.id.clone()).collect();
        for (known, call) in self.calls.listed(&ids).into_iter().zip(listed) {
            let number = known.unwrap_or_else(|| self.calls.begin(0, None, Call::default()).0);
            self.end(number, call, out);
        }
    }

    /// The answer is whole: what is open is as whole as it gets.
    pub(super) fn finish_all(&mut self, out: &mut Events) {
        for number in self.calls.unfinished() {
            if let Some(call) = self.calls.finish(number, None).map(mem::take) {
                self.tell(call, out);
            }
        }
    }

    fn end(&mut self, number: u64, last: FunctionCall, out: &mut Events) {
        let Some(mut call) = self.calls.finish(number, last.id.clone()).map(mem::take) else { return };
        // What an answer was cut in the middle of is no call.
        let is_cut = last.status.as_deref() == Some("incomplete");
        call.fill(last);
        if !is_cut {
            self.tell(call, out);
        }
    }

    fn tell(&mut self, call: Call, out: &mut Events) {
        // Of a call without a name nobody knows what to do.
        if let Some(name) = call.name {
            self.ids.call(call.call_id, name, call.arguments, out);
        }
    }
}

impl Call {
    /// What the upstream says about it; empty means that it does not say.
    fn fill(&mut self, call: FunctionCall) {
        let FunctionCall { call_id, name, arguments, .. } = call;
        self.call_id = call_id.filter(|id| !id.is_empty()).or(self.call_id.take());
        self.name = name.filter(|name| !name.is_empty()).or(self.name.take());
        if let Some(arguments) = arguments.filter(|arguments| !arguments.is_empty()) {
            self.arguments = arguments;
        }
    }
}
