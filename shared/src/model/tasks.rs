use super::event::{Events, ModelEvent};
use super::items::Items;
use crate::protocol::{StatusIndicator, Task};

/// What the model's server does itself, on its way. A task is over exactly once.
#[derive(Default)]
pub(super) struct Tasks(Items<Task>);

impl Tasks {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A task begins.
    pub(super) fn start(&mut self, place: u64, id: Option<String>, task: Task, out: &mut Events) {
        let (number, task) = self.0.begin(place, id, loading(task));
        tell(number, task, out);
    }

    /// The server says that it is at it; only news where the start was left out.
    pub(super) fn go_on(&mut self, place: u64, begin: impl FnOnce() -> Task, out: &mut Events) {
        if let Some((number, task, true)) = self.0.open_or_begin(place, || loading(begin())) {
            tell(number, task, out);
        }
    }

    /// A task that is not over is now like this.
    pub(super) fn update(&mut self, place: u64, task: Task, out: &mut Events) {
        let now = loading(task);
        if let Some((number, task)) = self.0.open(place)
            && *task != now
        {
            *task = now;
            tell(number, task, out);
        }
    }

    /// A task is over, and this is it; whether it was not over before.
    pub(super) fn finish(&mut self, place: u64, id: Option<String>, task: Task, out: &mut Events) -> bool {
        let open = self.0.open(place).map(|(number, _)| number);
        if open.is_none() && self.0.is_over(place, id.as_deref()) {
            return false;
        }
        let number = open.unwrap_or_else(|| {
            let (number, begun) = self.0.begin(place, None, loading(task.clone()));
            tell(number, begun, out);
            number
        });
        self.end(number, id, Some(task), out);
        true
    }

    /// Something else begins, or nothing more comes: what is open is over.
    pub(super) fn finish_all(&mut self, out: &mut Events) {
        for number in self.0.unfinished() {
            self.end(number, None, None, out);
        }
    }

    fn end(&mut self, number: u64, id: Option<String>, last: Option<Task>, out: &mut Events) {
        if let Some(task) = self.0.finish(number, id) {
            *task = with_status(last.unwrap_or_else(|| task.clone()), StatusIndicator::Complete);
            tell(number, task, out);
        }
    }
}

fn tell(number: u64, task: &Task, out: &mut Events) {
    out.push_back(ModelEvent::Task { task: number, content: Box::new(task.clone()) });
}

fn loading(task: Task) -> Task {
    with_status(task, StatusIndicator::Loading)
}

fn with_status(mut task: Task, status: StatusIndicator) -> Task {
    match &mut task {
        Task::Custom { status_indicator, .. }
        | Task::WebSearch { status_indicator, .. }
        | Task::Thought { status_indicator, .. }
        | Task::File { status_indicator, .. }
        | Task::Image { status_indicator, .. } => *status_indicator = status,
    }
    task
}
