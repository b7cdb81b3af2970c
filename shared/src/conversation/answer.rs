//! What the model does, as items and events of a thread. No I/O: events in, steps out.

use jiff::Timestamp;

use crate::clock::Clock;
use crate::ids::{self, Ids};
use crate::model::ModelEvent;
use crate::protocol::{
    AssistantContent, AssistantMessage, Event, ItemHeader, ItemUpdate, StatusIndicator, Task, ThreadItem, Workflow,
    WorkflowItem, WorkflowKind, WorkflowSummary,
};

/// What a turn has to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Tell the client.
    Emit(Event),
    /// Store an item that is complete, then tell the client.
    Finish(Finished),
}

/// An item that is complete.
#[derive(Debug, PartialEq)]
pub(super) struct Finished {
    pub(super) item: ThreadItem,
    pub(super) upstream_id: Option<String>,
}

/// An answer that is being made.
pub(super) struct Answer {
    clock: Clock,
    ids: Ids,
    thread_id: String,
    last_id: String,
    reasoning: Option<Reasoning>,
    messages: Vec<Message>,
    characters: u64,
    has_words: bool,
}

/// A reasoning workflow that has not ended.
struct Reasoning {
    header: ItemHeader,
    /// The model's number of each task's thought.
    parts: Vec<u64>,
    tasks: Vec<Task>,
}

struct Message {
    header: ItemHeader,
    upstream_id: Option<String>,
    content: Vec<AssistantContent>,
    done: bool,
}

impl Answer {
    /// An answer in a thread, to the item with the id `last_id`.
    pub(super) fn new(clock: Clock, ids: Ids, thread_id: &str, last_id: &str) -> Self {
        Self {
            clock,
            ids,
            thread_id: thread_id.to_owned(),
            last_id: last_id.to_owned(),
            reasoning: None,
            messages: Vec::new(),
            characters: 0,
            has_words: false,
        }
    }

    /// How many characters have come so far, for an estimate where the model's own count never comes.
    pub(super) const fn characters(&self) -> u64 {
        self.characters
    }

    /// Whether a message with words is complete. Thoughts alone are no answer.
    pub(super) const fn has_words(&self) -> bool {
        self.has_words
    }

    /// Takes the model's next event. The terminal ones complete what is still open.
    pub(super) fn take(&mut self, event: ModelEvent) -> Vec<Step> {
        match event {
            // Shown with its first word: a model that thinks without saying so would leave an empty block behind.
            ModelEvent::ReasoningStarted => Vec::new(),
            ModelEvent::ReasoningDelta { part, text } => {
                self.characters += text.chars().count() as u64;
                self.think(part, |content| content.push_str(&text))
            }
            ModelEvent::ReasoningDone { part, text } => self.think(part, |content| *content = text),
            ModelEvent::MessageStarted { message, upstream_id } => self.start_message(message, upstream_id),
            ModelEvent::PartAdded { message, index } => self.update(message, index, |_| {
                let content = AssistantContent::default();
                Some(ItemUpdate::ContentPartAdded { content_index: index, content })
            }),
            ModelEvent::TextDelta { message, index, text } => {
                self.characters += text.chars().count() as u64;
                self.update(message, index, |part| {
                    part.text.push_str(&text);
                    Some(ItemUpdate::ContentPartTextDelta { content_index: index, delta: text })
                })
            }
            ModelEvent::AnnotationAdded { message, index, annotation } => self.update(message, index, |part| {
                let annotation_index = part.annotations.len() as u64;
                let annotation = *annotation;
                part.annotations.push(annotation.clone());
                Some(ItemUpdate::ContentPartAnnotationAdded { content_index: index, annotation_index, annotation })
            }),
            ModelEvent::PartDone { message, index, text } => self.update(message, index, |part| {
                part.text = text;
                Some(ItemUpdate::ContentPartDone { content_index: index, content: part.clone() })
            }),
            ModelEvent::MessageDone { message, content } => {
                let steps = self.update(message, 0, |_| None);
                if let Some(open) = self.message(message) {
                    open.content = content;
                }
                steps.into_iter().chain(self.finish_message(message)).collect()
            }
            ModelEvent::Task { .. }
            | ModelEvent::ImageStarted { .. }
            | ModelEvent::ImagePartial { .. }
            | ModelEvent::ImageDone { .. }
            | ModelEvent::Call(_)
            | ModelEvent::Opaque(_) => Vec::new(),
            ModelEvent::Completed(_) | ModelEvent::Incomplete { .. } => self.complete(),
        }
    }

    /// Completes what is open with what there is: nothing that the person saw is lost.
    pub(super) fn complete(&mut self) -> Vec<Step> {
        let mut steps: Vec<_> = self.end_reasoning().into_iter().collect();
        for index in 0..self.messages.len() {
            steps.extend(self.finish_message(index as u64));
        }
        steps
    }

    fn header(&mut self, prefix: &str) -> ItemHeader {
        self.last_id = self.ids.mint_following(prefix, &self.last_id);
        ItemHeader { id: self.last_id.clone(), thread_id: self.thread_id.clone(), created_at: self.clock.now() }
    }

    fn message(&mut self, number: u64) -> Option<&mut Message> {
        usize::try_from(number).ok().and_then(|index| self.messages.get_mut(index))
    }

    fn start_message(&mut self, number: u64, upstream_id: Option<String>) -> Vec<Step> {
        let mut steps: Vec<_> = self.end_reasoning().into_iter().collect();
        if self.message(number).is_none() {
            let header = self.header(ids::MESSAGE);
            let item = AssistantMessage { header: header.clone(), content: Vec::new() };
            steps.push(Step::Emit(Event::ItemAdded { item: ThreadItem::AssistantMessage(item) }));
            self.messages.push(Message { header, upstream_id, content: Vec::new(), done: false });
        }
        steps
    }

    fn update(
        &mut self,
        number: u64,
        index: u64,
        change: impl FnOnce(&mut AssistantContent) -> Option<ItemUpdate>,
    ) -> Vec<Step> {
        let Some(message) = self.message(number) else { return Vec::new() };
        let Ok(index) = usize::try_from(index) else { return Vec::new() };
        if message.content.len() == index {
            message.content.push(AssistantContent::default());
        }
        let update = message.content.get_mut(index).and_then(change);
        let item_id = message.header.id.clone();
        update.map(|update| Step::Emit(Event::ItemUpdated { item_id, update })).into_iter().collect()
    }

    /// A message without any text leaves nothing behind: where one was begun, it is taken back.
    fn finish_message(&mut self, number: u64) -> Option<Step> {
        let message = self.message(number).filter(|message| !message.done)?;
        message.done = true;
        let header = message.header.clone();
        if message.content.iter().all(|part| part.text.trim().is_empty()) {
            return Some(Step::Emit(Event::ItemRemoved { item_id: header.id }));
        }
        let (content, upstream_id) = (std::mem::take(&mut message.content), message.upstream_id.take());
        self.has_words = true;
        let item = ThreadItem::AssistantMessage(AssistantMessage { header, content });
        Some(Step::Finish(Finished { item, upstream_id }))
    }

    fn think(&mut self, part: u64, change: impl FnOnce(&mut String)) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut reasoning = match self.reasoning.take() {
            Some(reasoning) => reasoning,
            None => {
                let header = self.header(ids::WORKFLOW);
                let item = workflow(header.clone(), Vec::new(), None);
                steps.push(Step::Emit(Event::ItemAdded { item }));
                Reasoning { header, parts: Vec::new(), tasks: Vec::new() }
            }
        };
        let item_id = reasoning.header.id.clone();
        let known = reasoning.parts.iter().position(|known| *known == part);
        let index = known.unwrap_or(reasoning.tasks.len());
        let mut content = match reasoning.tasks.get_mut(index) {
            Some(Task::Thought { content, .. }) => std::mem::take(content),
            _ => String::new(),
        };
        change(&mut content);
        let task = Task::Thought { status_indicator: StatusIndicator::None, title: None, content };
        let task_index = index as u64;
        let update = if known.is_some() {
            reasoning.tasks[index] = task.clone();
            ItemUpdate::WorkflowTaskUpdated { task_index, task }
        } else {
            reasoning.parts.push(part);
            reasoning.tasks.push(task.clone());
            ItemUpdate::WorkflowTaskAdded { task_index, task }
        };
        steps.push(Step::Emit(Event::ItemUpdated { item_id, update }));
        self.reasoning = Some(reasoning);
        steps
    }

    fn end_reasoning(&mut self) -> Option<Step> {
        let reasoning = self.reasoning.take()?;
        let duration = seconds_between(reasoning.header.created_at, self.clock.now());
        let summary = WorkflowSummary::Duration { duration };
        let item = workflow(reasoning.header, reasoning.tasks, Some(summary));
        Some(Step::Finish(Finished { item, upstream_id: None }))
    }
}

fn workflow(header: ItemHeader, tasks: Vec<Task>, summary: Option<WorkflowSummary>) -> ThreadItem {
    let workflow = Workflow { kind: WorkflowKind::Reasoning, tasks, summary, expanded: false };
    ThreadItem::Workflow(WorkflowItem { header, workflow })
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or_default()
}
