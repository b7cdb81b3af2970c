use jiff::Timestamp;

use super::room::{LARGEST_ITEM, LARGEST_TASK, fit, size};
use super::{Answer, Finished, Step};
use crate::ids;
use crate::protocol::{
    Event, ItemHeader, ItemUpdate, StatusIndicator, Task, ThreadItem, Workflow, WorkflowItem, WorkflowKind,
    WorkflowSummary,
};

/// A block of thoughts and tasks that has not ended.
pub(super) struct Block {
    header: ItemHeader,
    kind: WorkflowKind,
    entries: Vec<Entry>,
    /// Bytes of the tasks as JSON.
    size: usize,
}

/// A task of a block.
struct Entry {
    place: Place,
    /// As it was last told.
    task: Task,
    /// What has come of a thought since then.
    untold: String,
}

/// What a task of a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A thought of the model, by its number in the round.
    Thought { round: u32, part: u64 },
    /// Something that the model's server does, by its number in the round.
    Task { round: u32, task: u64 },
    /// A call of a server tool, by its number in the round.
    Call { round: u32, call: usize },
}

impl Answer {
    /// More of a thought. An update carries the whole of it, so the longer it is, the more has to come for one: all of
    /// them together are some twelve times as long as the thought, however small its pieces are.
    pub(super) fn think(&mut self, part: u64, text: &str) -> Vec<Step> {
        let place = Place::Thought { round: self.round, part };
        let whole = match self.known(place) {
            Some(Entry { task: Task::Thought { content, .. }, untold, .. }) => {
                untold.push_str(text);
                if coarse(content.len() + untold.len()) == coarse(content.len()) {
                    return Vec::new();
                }
                format!("{content}{untold}")
            }
            _ => text.to_owned(),
        };
        self.put(place, thought(whole))
    }

    /// A thought is whole, and this is it.
    pub(super) fn finish_thought(&mut self, part: u64, text: String) -> Vec<Step> {
        self.put(Place::Thought { round: self.round, part }, thought(text))
    }

    pub(super) fn task(&mut self, task: u64, content: Task) -> Vec<Step> {
        self.put(Place::Task { round: self.round, task }, content)
    }

    /// A call of a server tool begins.
    pub(in crate::conversation) fn start_call(&mut self, call: usize, title: &str, icon: Option<&str>) -> Vec<Step> {
        let task = Task::Custom {
            status_indicator: StatusIndicator::Loading,
            title: Some(title.to_owned()),
            icon: icon.map(ToOwned::to_owned),
            content: None,
        };
        self.put(Place::Call { round: self.round, call }, task)
    }

    /// A call of a server tool is over.
    pub(in crate::conversation) fn end_call(&mut self, call: usize, has_failed: bool) -> Vec<Step> {
        let place = Place::Call { round: self.round, call };
        let mut steps: Vec<_> = self.finish_widgets_of(call).into_iter().collect();
        if let Some(Task::Custom { title, icon, .. }) = self.known(place).map(|entry| entry.task.clone()) {
            let content = has_failed.then(|| "This did not work.".to_owned());
            let status_indicator = if has_failed { StatusIndicator::None } else { StatusIndicator::Complete };
            steps.extend(self.put(place, Task::Custom { status_indicator, title, icon, content }));
        }
        steps
    }

    fn known(&mut self, place: Place) -> Option<&mut Entry> {
        self.block.as_mut()?.entries.iter_mut().find(|entry| entry.place == place)
    }

    /// Puts a task into the block, which begins with it if there is none. What stood in a block that is over stays as it
    /// was: that block is stored. A block that has no room for another task ends, and the next one begins.
    fn put(&mut self, place: Place, mut task: Task) -> Vec<Step> {
        if self.past.contains(&place) {
            return Vec::new();
        }
        let is_cut = fit(&mut task);
        let mut steps = Vec::new();
        if self.block.as_ref().is_some_and(|block| block.is_full_for(place)) {
            steps.extend(self.end_block());
        }
        let mut block = match self.block.take() {
            Some(block) => block,
            None => {
                let kind = match place {
                    Place::Thought { .. } => WorkflowKind::Reasoning,
                    Place::Task { .. } | Place::Call { .. } => WorkflowKind::Custom,
                };
                let header = self.header(ids::WORKFLOW);
                let item = workflow(header.clone(), kind, Vec::new(), None);
                steps.push(Step::Emit(Event::ItemAdded { item }));
                Block { header, kind, entries: Vec::new(), size: 0 }
            }
        };
        let known = block.entries.iter().position(|entry| entry.place == place);
        let task_index = known.unwrap_or(block.entries.len()) as u64;
        let update = match known {
            Some(index) => {
                if !block.change(index, task.clone(), is_cut) {
                    self.block = Some(block);
                    return steps;
                }
                ItemUpdate::WorkflowTaskUpdated { task_index, task }
            }
            None => {
                block.size += size(&task);
                block.entries.push(Entry { place, task: task.clone(), untold: String::new() });
                ItemUpdate::WorkflowTaskAdded { task_index, task }
            }
        };
        let item_id = block.header.id.clone();
        steps.push(Step::Emit(Event::ItemUpdated { item_id, update }));
        self.block = Some(block);
        steps
    }

    /// Ends the block, because something else is shown: what was under way has shown what it is for.
    pub(super) fn end_block(&mut self) -> Option<Step> {
        self.end_block_with(StatusIndicator::Complete)
    }

    /// Ends the block with this on tasks whose end never came: what is stored turns no more.
    pub(super) fn end_block_with(&mut self, unfinished: StatusIndicator) -> Option<Step> {
        let mut block = self.block.take()?;
        block.catch_up();
        let Block { header, kind, entries, .. } = block;
        let (places, mut tasks): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.place, entry.task)).unzip();
        self.past.extend(places);
        tasks.iter_mut().for_each(|task| stop_loading(task, unfinished));
        let summary = match kind {
            WorkflowKind::Reasoning => {
                WorkflowSummary::Duration { duration: seconds_between(header.created_at, self.clock.now()) }
            }
            WorkflowKind::Custom => summary(&tasks),
        };
        Some(Step::Finish(Finished::new(workflow(header, kind, tasks, Some(summary)))))
    }
}

impl Block {
    /// Whether there may be no room for the task, or for what it will be: a task that stands in the block may grow.
    fn is_full_for(&self, place: Place) -> bool {
        let is_known = self.entries.iter().any(|entry| entry.place == place);
        !is_known && self.size + 2 * LARGEST_TASK > LARGEST_ITEM
    }

    /// Makes a task what it is now; whether that is something new for which there is room.
    fn change(&mut self, index: usize, task: Task, is_cut: bool) -> bool {
        let entry = &mut self.entries[index];
        entry.untold.clear();
        let grown = self.size - size(&entry.task) + size(&task);
        // What is cut changes no more. Many that were small may have become large at the same time.
        if (is_cut && entry.task == task) || grown > LARGEST_ITEM - LARGEST_TASK {
            return false;
        }
        self.size = grown;
        entry.task = task;
        true
    }

    /// Adds to the thoughts what was not told: the whole block is told now.
    fn catch_up(&mut self) {
        for index in 0..self.entries.len() {
            let Entry { task, untold, .. } = &self.entries[index];
            if let (Task::Thought { content, .. }, false) = (task, untold.is_empty()) {
                let mut whole = thought(format!("{content}{untold}"));
                let is_cut = fit(&mut whole);
                self.change(index, whole, is_cut);
            }
        }
    }
}

const fn thought(content: String) -> Task {
    Task::Thought { status_indicator: StatusIndicator::None, title: None, content }
}

/// A length without all but its four highest bits, which are others when it has grown by a tenth or so.
const fn coarse(length: usize) -> usize {
    let lower = (usize::BITS - length.leading_zeros()).saturating_sub(4);
    length >> lower << lower
}

fn stop_loading(task: &mut Task, unfinished: StatusIndicator) {
    let status = task.status_mut();
    if *status == StatusIndicator::Loading {
        *status = unfinished;
    }
}

/// What stands on a block that began with a task.
fn summary(tasks: &[Task]) -> WorkflowSummary {
    let custom =
        |title: &str, icon: &str| WorkflowSummary::Custom { title: title.to_owned(), icon: Some(icon.to_owned()) };
    match tasks {
        [Task::Custom { title: Some(title), icon, .. }] => {
            WorkflowSummary::Custom { title: title.clone(), icon: icon.clone() }
        }
        tasks if tasks.iter().all(|task| matches!(task, Task::WebSearch { .. })) => custom("Searched the web", "globe"),
        tasks if tasks.iter().all(|task| matches!(task, Task::File { .. })) => custom("Searched files", "document"),
        tasks => WorkflowSummary::Custom { title: format!("{} steps", tasks.len()), icon: None },
    }
}

fn workflow(header: ItemHeader, kind: WorkflowKind, tasks: Vec<Task>, summary: Option<WorkflowSummary>) -> ThreadItem {
    let workflow = Workflow { kind, tasks, summary, expanded: false };
    ThreadItem::Workflow(WorkflowItem { header, workflow })
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or_default()
}
