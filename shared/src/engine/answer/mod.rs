//! What the model and the site's endpoints do, as items and events of a thread. No I/O: events in, steps out.
//!
//! ```text
//! mod.rs          messages, and what a turn has to do next
//! workflow.rs     thoughts and tasks, one workflow item until something else is shown
//! picture.rs      pictures that take shape
//! effect.rs       what endpoints ask for: widgets, questions, hidden context
//! size_budget.rs  how much fits the store
//! ```

mod effect;
mod picture;
mod size_budget;
mod workflow;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::sentences::Sentences;
use crate::identity::Languages;
use crate::ids::{self, Ids};
use crate::model::{ModelEvent, Picture};
use crate::protocol::{
    AssistantContent, AssistantMessage, ClientToolCall, ClientToolCallStatus, EndOfTurn, Event, ItemHeader, ItemUpdate,
    Object, SdkHiddenContext, StatusIndicator, StructuredInput, ThreadItem,
};
use crate::store::ModelContext;
use effect::LiveWidget;
use size_budget::SizeBudget;
use workflow::{OpenWorkflow, TaskKey};

/// What a turn has to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Tell the client.
    Emit(Event),
    /// Store an item that is complete, then tell the client.
    Finish(Finished),
    /// Keep a picture, then tell the client what it looks like.
    ShowPicture(PictureUpdate),
    /// Give a stored widget a new content, then tell the client.
    ReplaceWidget(WidgetReplacement),
    /// Give the thread a title, then tell the client.
    Rename(String),
}

/// An item that is complete.
#[derive(Debug, PartialEq)]
pub(super) struct Finished {
    pub(super) item: ThreadItem,
    pub(super) upstream_id: Option<String>,
    pub(super) model_context: Option<ModelContext>,
}

/// A picture at a moment of its making.
#[derive(Debug, PartialEq)]
pub(super) struct PictureUpdate {
    pub(super) header: ItemHeader,
    pub(super) picture: Picture,
    pub(super) stage: PictureStage,
}

/// How far a picture is.
#[derive(Debug, PartialEq)]
pub(super) enum PictureStage {
    /// How much of it is there, from 0 to 1.
    Partial(f64),
    /// All of it.
    Whole { upstream_id: Option<String> },
}

/// A new content of a widget.
#[derive(Debug, PartialEq)]
pub(super) struct WidgetReplacement {
    /// The widget's item; none means the one that an action came from.
    pub(super) item_id: Option<String>,
    pub(super) widget: serde_json::Value,
    pub(super) copy_text: Option<String>,
}

/// An open item of a run whose process has died, as it is stored; none if nothing of it is worth keeping.
pub(super) fn interrupted(item: ThreadItem) -> Option<ThreadItem> {
    match item {
        ThreadItem::AssistantMessage(message) => {
            let has_text = message.content.iter().any(|part| !part.text.trim().is_empty());
            has_text.then_some(ThreadItem::AssistantMessage(message))
        }
        ThreadItem::Workflow(mut item) => {
            workflow::interrupted(&mut item);
            Some(ThreadItem::Workflow(item))
        }
        ThreadItem::GeneratedImage(picture) => picture.image.is_some().then_some(ThreadItem::GeneratedImage(picture)),
        item => Some(item),
    }
}

impl Finished {
    const fn new(item: ThreadItem) -> Self {
        Self { item, upstream_id: None, model_context: None }
    }
}

/// An answer that is being made.
pub(super) struct Answer {
    clock: Clock,
    ids: Ids,
    sentences: &'static Sentences,
    thread_id: String,
    last_id: String,
    /// The model numbers messages, pictures and tasks from 0 in each round.
    round: u32,
    open_workflow: Option<OpenWorkflow>,
    /// The tasks of workflow items that have ended.
    past_tasks: Vec<TaskKey>,
    messages: Vec<Message>,
    pictures: Vec<Option<ItemHeader>>,
    widgets: Vec<LiveWidget>,
    questions: Vec<Vec<StructuredInput>>,
    wants_answer: bool,
    bytes: u64,
    has_substance: bool,
    is_full: bool,
}

struct Message {
    header: ItemHeader,
    upstream_id: Option<String>,
    content: Vec<AssistantContent>,
    budget: SizeBudget,
    done: bool,
}

impl Answer {
    /// An answer in a thread, to the item with the id `last_id`.
    pub(super) fn new(engine: &Engine, languages: &Languages, thread_id: &str, last_id: &str) -> Self {
        Self {
            clock: engine.clock.clone(),
            ids: engine.ids.clone(),
            sentences: Sentences::of(languages),
            thread_id: thread_id.to_owned(),
            last_id: last_id.to_owned(),
            round: 0,
            open_workflow: None,
            past_tasks: Vec::new(),
            messages: Vec::new(),
            pictures: Vec::new(),
            widgets: Vec::new(),
            questions: Vec::new(),
            wants_answer: false,
            bytes: 0,
            has_substance: false,
            is_full: false,
        }
    }

    /// The model is asked once more, and numbers from 0 again.
    pub(super) fn next_round(&mut self) {
        self.round += 1;
        self.messages.clear();
        self.pictures.clear();
    }

    /// The next items follow this one.
    pub(super) fn continue_behind(&mut self, item_id: &str) {
        item_id.clone_into(&mut self.last_id);
    }

    /// How many bytes have come so far, for a bound where the model's own count never comes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there is something to see but thoughts and tasks, which are no answer.
    pub(super) const fn has_substance(&self) -> bool {
        self.has_substance
    }

    /// Whether the model has said more than an item can hold: the answer ends here.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Takes the model's next event. The terminal ones complete what is still open, but for the workflow of a
    /// round that goes on with calls.
    pub(super) fn on_event(&mut self, event: ModelEvent) -> Vec<Step> {
        match event {
            // PictureUpdate with its first word: a model that thinks without saying so would leave an empty workflow
            // behind.
            ModelEvent::ReasoningStarted | ModelEvent::Opaque(_) => Vec::new(),
            ModelEvent::Call(call) | ModelEvent::Answered { call, .. } => {
                self.bytes += (call.name.len() + call.arguments.len()) as u64;
                Vec::new()
            }
            ModelEvent::ReasoningDelta { part, text } => {
                self.bytes += text.len() as u64;
                self.append_thought(part, &text)
            }
            ModelEvent::ReasoningDone { part, text } => self.finish_thought(part, text),
            ModelEvent::Task { task, content } => self.update_task(task, *content),
            ModelEvent::ImageStarted { image } => self.start_picture(image),
            ModelEvent::ImagePartial { image, picture, progress } => self.partial_picture(image, picture, progress),
            ModelEvent::ImageDone { image, upstream_id, picture } => self.finish_picture(image, upstream_id, picture),
            ModelEvent::MessageStarted { message, upstream_id } => self.start_message(message, upstream_id),
            ModelEvent::PartAdded { message, index } => self.update(message, index, |_, _| {
                let content = AssistantContent::default();
                Some(ItemUpdate::ContentPartAdded { content_index: index, content })
            }),
            ModelEvent::TextDelta { message, index, mut text } => {
                self.bytes += text.len() as u64;
                self.update(message, index, |part, budget| {
                    budget.take_text(&mut text);
                    part.text.push_str(&text);
                    Some(ItemUpdate::ContentPartTextDelta { content_index: index, delta: text })
                })
            }
            ModelEvent::AnnotationAdded { message, index, annotation } => {
                self.update(message, index, |part, budget| {
                    let annotation_index = part.annotations.len() as u64;
                    let annotation = Some(*annotation).filter(|annotation| budget.take(annotation))?;
                    part.annotations.push(annotation.clone());
                    Some(ItemUpdate::ContentPartAnnotationAdded { content_index: index, annotation_index, annotation })
                })
            }
            ModelEvent::PartDone { message, index, text } => self.finish_part(message, index, text),
            ModelEvent::MessageDone { message, mut content } => {
                let steps = self.update(message, 0, |_, _| None);
                if let Some(open) = self.message(message) {
                    open.budget.take_content(&mut content);
                    open.content = content;
                    self.is_full |= open.budget.is_full;
                }
                steps.into_iter().chain(self.finish_message(message)).collect()
            }
            ModelEvent::Completed(_) | ModelEvent::Incomplete { .. } => self.complete_round(),
        }
    }

    /// Completes what is open with what there is: nothing that the person saw is lost.
    pub(super) fn complete(&mut self) -> Vec<Step> {
        let mut steps = self.complete_round();
        steps.extend(self.end_workflow_with(StatusIndicator::None));
        steps.extend(self.finish_widgets());
        steps
    }

    /// The items that are being made, as far as they have come.
    pub(super) fn open_items(&self) -> Vec<ThreadItem> {
        let messages = self.messages.iter().filter(|message| !message.done).map(|message| {
            let Message { header, content, .. } = message;
            ThreadItem::AssistantMessage(AssistantMessage { header: header.clone(), content: content.clone() })
        });
        let workflow = self.open_workflow.iter().map(OpenWorkflow::item);
        let pictures = self.open_pictures().chain(self.open_widgets());
        workflow.chain(messages).chain(pictures).collect()
    }

    /// The call that the page is asked for, and those that it is asked for afterwards.
    pub(super) fn ask_page(
        &mut self,
        call_id: String,
        name: String,
        arguments: Object,
        model_context: ModelContext,
    ) -> Vec<Step> {
        let mut steps: Vec<_> = self.end_workflow().into_iter().collect();
        let header = self.header(ids::TOOL_CALL);
        let status = ClientToolCallStatus::Pending;
        let call = ClientToolCall { header, status, call_id, name, arguments, output: None };
        let finished =
            Finished { model_context: Some(model_context), ..Finished::new(ThreadItem::ClientToolCall(call)) };
        self.has_substance = true;
        steps.push(Step::Finish(finished));
        steps
    }

    /// The item that says that the turn is over.
    pub(super) fn end_of_turn(&mut self) -> Step {
        let header = self.header(ids::MESSAGE);
        Step::Finish(Finished::new(ThreadItem::EndOfTurn(EndOfTurn { header })))
    }

    /// Something that only the model is told, in later turns.
    pub(super) fn hidden_note(&mut self, content: &str) -> Step {
        let item = SdkHiddenContext { header: self.header(ids::MESSAGE), content: content.to_owned() };
        Step::Finish(Finished::new(ThreadItem::SdkHiddenContext(item)))
    }

    fn complete_round(&mut self) -> Vec<Step> {
        let mut steps = self.drop_unfinished_pictures();
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
        let mut steps: Vec<_> = self.end_workflow().into_iter().collect();
        if self.message(number).is_none() {
            let header = self.header(ids::MESSAGE);
            let item = AssistantMessage { header: header.clone(), content: Vec::new() };
            steps.push(Step::Emit(Event::ItemAdded { item: ThreadItem::AssistantMessage(item) }));
            self.messages.push(Message {
                header,
                upstream_id,
                content: Vec::new(),
                budget: SizeBudget::new(),
                done: false,
            });
        }
        steps
    }

    fn update(
        &mut self,
        number: u64,
        index: u64,
        change: impl FnOnce(&mut AssistantContent, &mut SizeBudget) -> Option<ItemUpdate>,
    ) -> Vec<Step> {
        let Some(message) = self.message(number) else { return Vec::new() };
        let Ok(index) = usize::try_from(index) else { return Vec::new() };
        let part = AssistantContent::default();
        if message.content.len() == index && message.budget.take(&part) {
            message.content.push(part);
        }
        let Message { content, budget, header, .. } = message;
        let update = content.get_mut(index).and_then(|part| change(part, budget));
        let (item_id, is_full) = (header.id.clone(), budget.is_full);
        self.is_full |= is_full;
        update.map(|update| Step::Emit(Event::ItemUpdated { item_id, update })).into_iter().collect()
    }

    /// The whole text of a part, as the upstream sends it at the end. It replaces the text that came before.
    fn finish_part(&mut self, number: u64, index: u64, text: String) -> Vec<Step> {
        let mut steps = self.update(number, index, |part, _| {
            part.text = text;
            None
        });
        if let Some(message) = self.message(number) {
            message.budget.take_content(&mut message.content);
        }
        steps.extend(self.update(number, index, |part, _| {
            Some(ItemUpdate::ContentPartDone { content_index: index, content: part.clone() })
        }));
        steps
    }

    /// A message without any text is not kept: if the client has seen it start, it is removed.
    fn finish_message(&mut self, number: u64) -> Option<Step> {
        let message = self.message(number).filter(|message| !message.done)?;
        message.done = true;
        let header = message.header.clone();
        if message.content.iter().all(|part| part.text.trim().is_empty()) {
            return Some(Step::Emit(Event::ItemRemoved { item_id: header.id }));
        }
        let (content, upstream_id) = (std::mem::take(&mut message.content), message.upstream_id.take());
        self.has_substance = true;
        let item = ThreadItem::AssistantMessage(AssistantMessage { header, content });
        Some(Step::Finish(Finished { upstream_id, ..Finished::new(item) }))
    }
}
