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
    tasks: Vec<(Place, Task)>,
    /// Bytes of the tasks as JSON.
    size: usize,
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
    pub(super) fn think(&mut self, part: u64, change: impl FnOnce(&mut String)) -> Vec<Step> {
        let place = Place::Thought { round: self.round, part };
        let mut content = match self.known(place) {
            Some(Task::Thought { content, .. }) => content.clone(),
            _ => String::new(),
        };
        change(&mut content);
        self.put(place, Task::Thought { status_indicator: StatusIndicator::None, title: None, content })
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
        if let Some(Task::Custom { title, icon, .. }) = self.known(place).cloned() {
            let content = has_failed.then(|| "This did not work.".to_owned());
            let status_indicator = if has_failed { StatusIndicator::None } else { StatusIndicator::Complete };
            steps.extend(self.put(place, Task::Custom { status_indicator, title, icon, content }));
        }
        steps
    }

    fn known(&self, place: Place) -> Option<&Task> {
        let block = self.block.as_ref()?;
        block.tasks.iter().find(|(known, _)| *known == place).map(|(_, task)| task)
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
                Block { header, kind, tasks: Vec::new(), size: 0 }
            }
        };
        let known = block.tasks.iter().position(|(known, _)| *known == place);
        let task_index = known.unwrap_or(block.tasks.len()) as u64;
        let update = match known {
            Some(index) => {
                let grown = block.size - size(&block.tasks[index].1) + size(&task);
                // What is cut changes no more. Many that were small may have become large at the same time.
                if (is_cut && block.tasks[index].1 == task) || grown > LARGEST_ITEM - LARGEST_TASK {
                    self.block = Some(block);
                    return steps;
                }
                block.size = grown;
                block.tasks[index].1 = task.clone();
                ItemUpdate::WorkflowTaskUpdated { task_index, task }
            }
            None => {
                block.size += size(&task);
                block.tasks.push((place, task.clone()));
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
        let Block { header, kind, tasks, .. } = self.block.take()?;
        let (places, mut tasks): (Vec<_>, Vec<_>) = tasks.into_iter().unzip();
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
        let is_known = self.tasks.iter().any(|(known, _)| *known == place);
        !is_known && self.size + 2 * LARGEST_TASK > LARGEST_ITEM
    }
}

fn stop_loading(task: &mut Task, unfinished: StatusIndicator) {
    let (Task::Custom { status_indicator, .. }
    | Task::WebSearch { status_indicator, .. }
    | Task::Thought { status_indicator, .. }
    | Task::File { status_indicator, .. }
    | Task::Image { status_indicator, .. }) = task;
    if *status_indicator == StatusIndicator::Loading {
        *status_indicator = unfinished;
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
