use super::event::{Events, ModelEvent};

/// The thoughts of an answer on their way.
#[derive(Default)]
pub(super) struct Reasoning {
    /// The places of the reasoning items in the upstream's output, in the order in which they began.
    items: Vec<u64>,
    /// In the order in which they began, which numbers them.
    thoughts: Vec<Thought>,
}

struct Thought {
    /// Which of the items.
    item: usize,
    summary_index: u64,
    text: String,
    is_done: bool,
}

impl Reasoning {
    pub(super) const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn start(&mut self, output_index: u64, out: &mut Events) {
        self.finish_all(out);
        self.items.push(output_index);
        out.push_back(ModelEvent::ReasoningStarted);
    }

    pub(super) fn add_text(&mut self, output_index: u64, summary_index: u64, text: String, out: &mut Events) {
        let (part, thought) = self.thought(output_index, summary_index, out);
        if !thought.is_done && !text.is_empty() {
            thought.text.push_str(&text);
            out.push_back(ModelEvent::ReasoningDelta { part, text });
        }
    }

    /// The thought is whole, and this is its text.
    pub(super) fn finish_thought(&mut self, output_index: u64, summary_index: u64, text: String, out: &mut Events) {
        let (part, thought) = self.thought(output_index, summary_index, out);
        if !thought.is_done {
            // Empty means that the upstream did not say.
            if !text.is_empty() {
                thought.text = text;
            }
            thought.finish(part, out);
        }
    }

    /// The item is whole, and these are its thoughts.
    pub(super) fn finish(&mut self, output_index: u64, thoughts: Vec<String>, out: &mut Events) {
        if !self.items.contains(&output_index) {
            self.start(output_index, out);
        }
        for (summary_index, text) in (0..).zip(thoughts) {
            self.finish_thought(output_index, summary_index, text, out);
        }
        self.finish_all(out);
    }

    /// Something else begins, or nothing more comes: what is open is as whole as it gets.
    pub(super) fn finish_all(&mut self, out: &mut Events) {
        for (part, thought) in (0..).zip(&mut self.thoughts) {
            if !thought.is_done {
                thought.finish(part, out);
            }
        }
    }

    /// The thought at the upstream's place, which begins now if it has not.
    fn thought(&mut self, output_index: u64, summary_index: u64, out: &mut Events) -> (u64, &mut Thought) {
        let item = self.items.iter().rposition(|&index| index == output_index).unwrap_or_else(|| {
            self.start(output_index, out);
            self.items.len() - 1
        });
        let known = self.thoughts.iter().position(|known| known.item == item && known.summary_index == summary_index);
        let position = known.unwrap_or_else(|| {
            self.thoughts.push(Thought { item, summary_index, text: String::new(), is_done: false });
            self.thoughts.len() - 1
        });
        (position as u64, &mut self.thoughts[position])
    }
}

impl Thought {
    fn finish(&mut self, part: u64, out: &mut Events) {
        self.is_done = true;
        out.push_back(ModelEvent::ReasoningDone { part, text: std::mem::take(&mut self.text) });
    }
}
