use serde_json::Value;

use super::{Answer, Finished, Step, WidgetReplacement};
use crate::endpoints::Effect;
use crate::ids;
use crate::protocol::{
    Event, HiddenContext, ItemHeader, StructuredInputItem, StructuredInputStatus, ThreadItem, WidgetItem,
};
use crate::widgets;

/// A widget that may still change.
pub(super) struct LiveWidget {
    /// The call that shows it, and its own name for it.
    call: usize,
    key: String,
    header: ItemHeader,
    widget: Value,
    copy_text: Option<String>,
}

impl Answer {
    /// Takes what an endpoint asks for; `call` is the number of its call in the round. The output is not for here.
    pub(crate) fn apply_effect(&mut self, call: usize, effect: Effect) -> Vec<Step> {
        match effect {
            Effect::Output { .. } => Vec::new(),
            Effect::Widget { key: None, widget, copy_text } => {
                let mut steps: Vec<_> = self.end_workflow().into_iter().collect();
                let header = self.header(ids::MESSAGE);
                steps.push(self.finished_widget(header, widget, copy_text));
                steps
            }
            Effect::Widget { key: Some(key), widget, copy_text } => self.live_widget(call, key, widget, copy_text),
            Effect::ReplaceWidget { item_id, widget, copy_text } => {
                vec![Step::ReplaceWidget(WidgetReplacement { item_id, widget, copy_text })]
            }
            Effect::ClientEffect { name, data } => vec![Step::Emit(Event::ClientEffect { name, data })],
            Effect::ProgressUpdate { text, icon } => vec![Step::Emit(Event::ProgressUpdate { icon, text })],
            Effect::Notice { level, message, title } => vec![Step::Emit(Event::Notice { level, message, title })],
            Effect::StructuredInput { inputs } => {
                self.questions.push(inputs);
                Vec::new()
            }
            Effect::HiddenContext { content } => {
                let header = self.header(ids::MESSAGE);
                let item = ThreadItem::HiddenContextItem(HiddenContext { header, content });
                vec![Step::Finish(Finished::new(item))]
            }
            Effect::ThreadTitle { title } => vec![Step::Rename(title)],
            Effect::Respond => {
                self.wants_answer = true;
                Vec::new()
            }
        }
    }

    /// Whether an action wants the model to answer.
    pub(crate) const fn wants_answer(&self) -> bool {
        self.wants_answer
    }

    /// The questions that the calls of a round want to ask, as items; empty if there are none.
    pub(crate) fn ask_questions(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for inputs in std::mem::take(&mut self.questions) {
            steps.extend(self.end_workflow());
            let header = self.header(ids::MESSAGE);
            let item = StructuredInputItem { header, status: StructuredInputStatus::Pending, inputs };
            self.has_substance = true;
            steps.push(Step::Finish(Finished::new(ThreadItem::StructuredInput(item))));
        }
        steps
    }

    pub(super) fn open_widgets(&self) -> impl Iterator<Item = ThreadItem> {
        self.widgets.iter().map(|LiveWidget { header, widget, copy_text, .. }| {
            let (header, widget, copy_text) = (header.clone(), widget.clone(), copy_text.clone());
            ThreadItem::Widget(WidgetItem { header, widget, copy_text })
        })
    }

    /// Widgets of a call that is over change no more.
    pub(super) fn finish_widgets_of(&mut self, call: usize) -> Vec<Step> {
        let (over, live) = std::mem::take(&mut self.widgets).into_iter().partition(|widget| widget.call == call);
        self.widgets = live;
        self.finish_each(over)
    }

    pub(super) fn finish_widgets(&mut self) -> Vec<Step> {
        let widgets = std::mem::take(&mut self.widgets);
        self.finish_each(widgets)
    }

    fn finish_each(&mut self, widgets: Vec<LiveWidget>) -> Vec<Step> {
        widgets.into_iter().map(|live| self.finished_widget(live.header, live.widget, live.copy_text)).collect()
    }

    fn finished_widget(&mut self, header: ItemHeader, widget: Value, copy_text: Option<String>) -> Step {
        self.has_substance = true;
        Step::Finish(Finished::new(ThreadItem::Widget(WidgetItem { header, widget, copy_text })))
    }

    fn live_widget(&mut self, call: usize, key: String, widget: Value, copy_text: Option<String>) -> Vec<Step> {
        if let Some(live) = self.widgets.iter_mut().find(|live| live.call == call && live.key == key) {
            let before = std::mem::replace(&mut live.widget, widget);
            live.copy_text = copy_text.or(live.copy_text.take());
            let updates = widgets::diff(&before, &live.widget).into_iter();
            let item_id = &live.header.id;
            return updates.map(|update| Step::Emit(Event::ItemUpdated { item_id: item_id.clone(), update })).collect();
        }
        let mut steps: Vec<_> = self.end_workflow().into_iter().collect();
        let header = self.header(ids::MESSAGE);
        let item = WidgetItem { header: header.clone(), widget: widget.clone(), copy_text: copy_text.clone() };
        steps.push(Step::Emit(Event::ItemAdded { item: ThreadItem::Widget(item) }));
        self.widgets.push(LiveWidget { call, key, header, widget, copy_text });
        steps
    }
}
