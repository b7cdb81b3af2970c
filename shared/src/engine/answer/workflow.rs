use jiff::Timestamp;

use super::size_budget::{MAX_ITEM_BYTES, MAX_TASK_BYTES, size, truncate_to_fit};
use super::{Answer, Finished, Step};
use crate::engine::sentences::Sentences;
use crate::ids;
use crate::protocol::{
    Event, ItemHeader, ItemUpdate, StatusIndicator, Task, ThreadItem, Workflow, WorkflowItem, WorkflowKind,
    WorkflowSummary,
};

/// A workflow item that has not ended: thoughts and tasks, shown as one open.
pub(super) struct OpenWorkflow {
    header: ItemHeader,
    kind: WorkflowKind,
    entries: Vec<TaskEntry>,
    /// Bytes of the tasks as JSON.
    size: usize,
}

/// A task of an open workflow.
struct TaskEntry {
    key: TaskKey,
    /// As the client was last sent it.
    task: Task,
    /// The text of a thought that has come since then.
    unsent: String,
}

/// Which thought, task or call an entry shows. The model numbers them from 0 in each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskKey {
    /// A thought of the model.
    Thought { round: u32, part: u64 },
    /// Something that the model's server does.
    Task { round: u32, task: u64 },
    /// A call of a server tool.
    Call { round: u32, call: usize },
}

impl Answer {
    /// More of a thought. An update carries the whole of it, so the longer it is, the more has to come for one: all of
    /// them together are some twelve times as long as the thought, however small its pieces are.
    pub(super) fn append_thought(&mut self, part: u64, text: &str) -> Vec<Step> {
        let key = TaskKey::Thought { round: self.round, part };
        let whole = match self.known(key) {
            Some(TaskEntry { task: Task::Thought { content, .. }, unsent, .. }) => {
                unsent.push_str(text);
                if four_high_bits(content.len() + unsent.len()) == four_high_bits(content.len()) {
                    return Vec::new();
                }
                format!("{content}{unsent}")
            }
            _ => text.to_owned(),
        };
        self.put_task(key, thought(whole))
    }

    /// A thought is whole, and this is it.
    pub(super) fn finish_thought(&mut self, part: u64, text: String) -> Vec<Step> {
        self.put_task(TaskKey::Thought { round: self.round, part }, thought(text))
    }

    pub(super) fn update_task(&mut self, task: u64, content: Task) -> Vec<Step> {
        self.put_task(TaskKey::Task { round: self.round, task }, content)
    }

    /// A call of a server tool begins.
    pub(crate) fn start_call(&mut self, call: usize, title: &str, icon: Option<&str>) -> Vec<Step> {
        let task = Task::Custom {
            status_indicator: StatusIndicator::Loading,
            title: Some(title.to_owned()),
            icon: icon.map(ToOwned::to_owned),
            content: None,
        };
        self.put_task(TaskKey::Call { round: self.round, call }, task)
    }

    /// A call of a server tool is over.
    pub(crate) fn end_call(&mut self, call: usize, has_failed: bool) -> Vec<Step> {
        let key = TaskKey::Call { round: self.round, call };
        let mut steps: Vec<_> = self.finish_widgets_of(call).into_iter().collect();
        if let Some(Task::Custom { title, icon, .. }) = self.known(key).map(|entry| entry.task.clone()) {
            let content = has_failed.then(|| self.sentences.task_failed.to_owned());
            let status_indicator = if has_failed { StatusIndicator::None } else { StatusIndicator::Complete };
            steps.extend(self.put_task(key, Task::Custom { status_indicator, title, icon, content }));
        }
        steps
    }

    fn known(&mut self, key: TaskKey) -> Option<&mut TaskEntry> {
        self.open_workflow.as_mut()?.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Puts a task into the open workflow, or opens one with it. A task of a workflow that has ended stays as it was,
    /// because that workflow is stored. A workflow that has no room for another task ends, and the next one begins.
    fn put_task(&mut self, key: TaskKey, mut task: Task) -> Vec<Step> {
        if self.past_tasks.contains(&key) {
            return Vec::new();
        }
        let is_cut = truncate_to_fit(&mut task);
        let mut steps = Vec::new();
        if self.open_workflow.as_ref().is_some_and(|open| open.is_full_for(key)) {
            steps.extend(self.end_workflow());
        }
        let mut open = match self.open_workflow.take() {
            Some(open) => open,
            None => {
                let kind = match key {
                    TaskKey::Thought { .. } => WorkflowKind::Reasoning,
                    TaskKey::Task { .. } | TaskKey::Call { .. } => WorkflowKind::Custom,
                };
                let header = self.header(ids::WORKFLOW);
                let item = workflow(header.clone(), kind, Vec::new(), None);
                steps.push(Step::Emit(Event::ItemAdded { item }));
                OpenWorkflow { header, kind, entries: Vec::new(), size: 0 }
            }
        };
        let known = open.entries.iter().position(|entry| entry.key == key);
        let task_index = known.unwrap_or(open.entries.len()) as u64;
        let update = match known {
            Some(index) => {
                if !open.change(index, task.clone(), is_cut) {
                    self.open_workflow = Some(open);
                    return steps;
                }
                ItemUpdate::WorkflowTaskUpdated { task_index, task }
            }
            None => {
                open.size += size(&task);
                open.entries.push(TaskEntry { key, task: task.clone(), unsent: String::new() });
                ItemUpdate::WorkflowTaskAdded { task_index, task }
            }
        };
        let item_id = open.header.id.clone();
        steps.push(Step::Emit(Event::ItemUpdated { item_id, update }));
        self.open_workflow = Some(open);
        steps
    }

    /// Ends the workflow because something else is shown: tasks that were under way have done their part.
    pub(super) fn end_workflow(&mut self) -> Option<Step> {
        self.end_workflow_with(StatusIndicator::Complete)
    }

    /// Ends the workflow; tasks whose end never came get the status `unfinished`, because what is stored must not spin.
    pub(super) fn end_workflow_with(&mut self, unfinished: StatusIndicator) -> Option<Step> {
        let mut open = self.open_workflow.take()?;
        open.catch_up();
        let OpenWorkflow { header, kind, entries, .. } = open;
        let (keys, mut tasks): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.key, entry.task)).unzip();
        self.past_tasks.extend(keys);
        tasks.iter_mut().for_each(|task| stop_loading(task, unfinished));
        let summary = match kind {
            WorkflowKind::Reasoning => {
                WorkflowSummary::Duration { duration: seconds_between(header.created_at, self.clock.now()) }
            }
            WorkflowKind::Custom => summary(&tasks, self.sentences),
        };
        Some(Step::Finish(Finished::new(workflow(header, kind, tasks, Some(summary)))))
    }
}

impl OpenWorkflow {
    /// The item as the client was last sent it.
    pub(super) fn item(&self) -> ThreadItem {
        let tasks = self.entries.iter().map(|entry| entry.task.clone()).collect();
        workflow(self.header.clone(), self.kind, tasks, None)
    }

    /// Whether there may be no room for a task or for its growth. A task that is in the workflow already may grow.
    fn is_full_for(&self, key: TaskKey) -> bool {
        let is_known = self.entries.iter().any(|entry| entry.key == key);
        !is_known && self.size + 2 * MAX_TASK_BYTES > MAX_ITEM_BYTES
    }

    /// Makes a task what it is now; whether that is something new for which there is budget.
    fn change(&mut self, index: usize, task: Task, is_cut: bool) -> bool {
        let entry = &mut self.entries[index];
        entry.unsent.clear();
        let grown = self.size - size(&entry.task) + size(&task);
        // What is cut changes no more. Many that were small may have become large at the same time.
        if (is_cut && entry.task == task) || grown > MAX_ITEM_BYTES - MAX_TASK_BYTES {
            return false;
        }
        self.size = grown;
        entry.task = task;
        true
    }

    /// Adds the unsent text to the thoughts: the whole workflow is sent now.
    fn catch_up(&mut self) {
        for index in 0..self.entries.len() {
            let TaskEntry { task, unsent, .. } = &self.entries[index];
            if let (Task::Thought { content, .. }, false) = (task, unsent.is_empty()) {
                let mut whole = thought(format!("{content}{unsent}"));
                let is_cut = truncate_to_fit(&mut whole);
                self.change(index, whole, is_cut);
            }
        }
    }
}

const fn thought(content: String) -> Task {
    Task::Thought { status_indicator: StatusIndicator::None, title: None, content }
}

/// A length reduced to its four highest bits: they change when the length has grown by about a tenth.
const fn four_high_bits(length: usize) -> usize {
    let lower = (usize::BITS - length.leading_zeros()).saturating_sub(4);
    length >> lower << lower
}

/// A workflow whose process has died, as it is stored.
pub(super) fn interrupted(item: &mut WorkflowItem) {
    item.workflow.tasks.iter_mut().for_each(|task| stop_loading(task, StatusIndicator::None));
    if item.workflow.kind == WorkflowKind::Custom {
        item.workflow.summary = Some(summary(&item.workflow.tasks, Sentences::of(&Default::default())));
    }
}

fn stop_loading(task: &mut Task, unfinished: StatusIndicator) {
    let status = task.status_mut();
    if *status == StatusIndicator::Loading {
        *status = unfinished;
    }
}

/// The heading of a workflow that began with a task.
fn summary(tasks: &[Task], sentences: &Sentences) -> WorkflowSummary {
    let custom =
        |title: &str, icon: &str| WorkflowSummary::Custom { title: title.to_owned(), icon: Some(icon.to_owned()) };
    match tasks {
        [Task::Custom { title: Some(title), icon, .. }] => {
            WorkflowSummary::Custom { title: title.clone(), icon: icon.clone() }
        }
        tasks if tasks.iter().all(|task| matches!(task, Task::WebSearch { .. })) => {
            custom(sentences.searched_web, "globe")
        }
        tasks if tasks.iter().all(|task| matches!(task, Task::File { .. })) => {
            custom(sentences.searched_files, "document")
        }
        tasks => {
            let title = sentences.steps.replace("{n}", &tasks.len().to_string());
            WorkflowSummary::Custom { title, icon: None }
        }
    }
}

fn workflow(header: ItemHeader, kind: WorkflowKind, tasks: Vec<Task>, summary: Option<WorkflowSummary>) -> ThreadItem {
    let workflow = Workflow { kind, tasks, summary, expanded: false };
    ThreadItem::Workflow(WorkflowItem { header, workflow })
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or_default()
}
