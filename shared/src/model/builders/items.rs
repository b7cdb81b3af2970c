//! What an answer has besides text: tasks of hosted tools, images, calls of functions.

use std::collections::HashSet;
use std::mem;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::model::event::{Events, ModelEvent, Picture};
use crate::model::prompt::{FunctionCall, Input, Prompt};
use crate::protocol::{StatusIndicator, Task};

/// Unfinished and finished items of one kind, numbered in the order in which they start.
pub(crate) struct ItemList<T>(Vec<Entry<T>>);

struct Entry<T> {
    output_index: u64,
    /// The upstream's id. Some servers give an item another one in each event, so only equality says something.
    id: Option<String>,
    is_done: bool,
    content: T,
}

impl<T> Default for ItemList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ItemList<T> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn start(&mut self, output_index: u64, id: Option<String>, content: T) -> (u64, &mut T) {
        let number = self.0.len();
        self.0.push(Entry { output_index, id, is_done: false, content });
        (number as u64, &mut self.0[number].content)
    }

    /// The unfinished item at this index: the latest, as some servers give all items the same index.
    pub(crate) fn unfinished_at(&mut self, output_index: u64) -> Option<(u64, &mut T)> {
        let number = self.0.iter().rposition(|item| item.output_index == output_index && !item.is_done)?;
        Some((number as u64, &mut self.0[number].content))
    }

    /// The unfinished item at this index, and whether it is new, because the index had none so far. `None` if it is
    /// finished.
    pub(crate) fn unfinished_or_start(
        &mut self,
        output_index: u64,
        new: impl FnOnce() -> T,
    ) -> Option<(u64, &mut T, bool)> {
        let is_new = !self.0.iter().any(|item| item.output_index == output_index);
        if is_new {
            self.start(output_index, None, new());
        }
        self.unfinished_at(output_index).map(|(number, content)| (number, content, is_new))
    }

    /// Whether an item with this id at this index is finished.
    pub(crate) fn is_finished(&self, output_index: u64, id: Option<&str>) -> bool {
        let is_same = |item: &Entry<T>| item.output_index == output_index && id.is_some() && item.id.as_deref() == id;
        self.0.iter().any(|item| item.is_done && is_same(item))
    }

    /// Finishes an item, whose id the upstream may say only now. `None` if it was finished before.
    pub(crate) fn finish(&mut self, number: u64, id: Option<String>) -> Option<&mut T> {
        let item = usize::try_from(number).ok().and_then(|number| self.0.get_mut(number))?;
        item.id = id.or(item.id.take());
        (!mem::replace(&mut item.is_done, true)).then_some(&mut item.content)
    }

    pub(crate) fn unfinished(&self) -> Vec<u64> {
        (0..).zip(&self.0).filter(|(_, item)| !item.is_done).map(|(number, _)| number).collect()
    }

    /// Which items the upstream means in its summary of the output: those with the same id, and the others in their
    /// order, as indices and ids in a summary do not always agree with those in events. `None` for new ones.
    pub(crate) fn match_summary(&self, ids: &[Option<String>]) -> Vec<Option<u64>> {
        let mut left: Vec<_> = (0..).zip(&self.0).map(|(number, item)| (number, item.id.as_deref())).collect();
        let mut take = |is_meant: &dyn Fn(Option<&str>) -> bool| {
            let position = left.iter().position(|(_, id)| is_meant(*id))?;
            Some(left.remove(position).0)
        };
        let mut matched: Vec<_> =
            ids.iter().map(|id| id.as_deref().and_then(|wanted| take(&|id| id == Some(wanted)))).collect();
        for number in matched.iter_mut().filter(|number| number.is_none()) {
            *number = take(&|_| true);
        }
        matched
    }
}

/// What hosted tools do, as tasks.
#[derive(Default)]
pub(crate) struct Tasks(ItemList<Task>);

impl Tasks {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn start(&mut self, output_index: u64, id: Option<String>, task: Task, out: &mut Events) {
        let (number, task) = self.0.start(output_index, id, loading(task));
        emit_task(number, task, out);
    }

    /// The tool is at work, which is news only where the start was left out.
    pub(crate) fn resume(&mut self, output_index: u64, new: impl FnOnce() -> Task, out: &mut Events) {
        if let Some((number, task, true)) = self.0.unfinished_or_start(output_index, || loading(new())) {
            emit_task(number, task, out);
        }
    }

    pub(crate) fn update(&mut self, output_index: u64, task: Task, out: &mut Events) {
        let updated = loading(task);
        if let Some((number, task)) = self.0.unfinished_at(output_index)
            && *task != updated
        {
            *task = updated;
            emit_task(number, task, out);
        }
    }

    /// Finishes a task with its last state. `false` if it was finished before.
    pub(crate) fn finish(&mut self, output_index: u64, id: Option<String>, task: Task, out: &mut Events) -> bool {
        let known = self.0.unfinished_at(output_index).map(|(number, _)| number);
        if known.is_none() && self.0.is_finished(output_index, id.as_deref()) {
            return false;
        }
        let number = known.unwrap_or_else(|| {
            let (number, started) = self.0.start(output_index, None, loading(task.clone()));
            emit_task(number, started, out);
            number
        });
        self.complete(number, id, Some(task), out);
        true
    }

    /// Something else starts, or nothing more comes.
    pub(crate) fn finish_all(&mut self, out: &mut Events) {
        for number in self.0.unfinished() {
            self.complete(number, None, None, out);
        }
    }

    fn complete(&mut self, number: u64, id: Option<String>, last: Option<Task>, out: &mut Events) {
        if let Some(task) = self.0.finish(number, id) {
            *task = with_status(last.unwrap_or_else(|| task.clone()), StatusIndicator::Complete);
            emit_task(number, task, out);
        }
    }
}

fn emit_task(number: u64, task: &Task, out: &mut Events) {
    out.push_back(ModelEvent::Task { task: number, content: Box::new(task.clone()) });
}

fn loading(task: Task) -> Task {
    with_status(task, StatusIndicator::Loading)
}

fn with_status(mut task: Task, status: StatusIndicator) -> Task {
    *task.status_mut() = status;
    task
}

/// The images of an answer. Their bytes are not kept: each state leaves as it comes.
pub(crate) struct Images {
    images: ItemList<()>,
    /// How many states come before an image is complete, if the prompt says so.
    partials: Option<u64>,
}

impl Images {
    pub(crate) fn new(prompt: &Prompt) -> Self {
        let partials = prompt.image_tool().and_then(|tool| tool["partial_images"].as_u64());
        Self { images: ItemList::default(), partials: partials.filter(|partials| *partials > 0) }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    pub(crate) fn start(&mut self, output_index: u64, id: Option<String>, out: &mut Events) {
        let (image, ()) = self.images.start(output_index, id, ());
        out.push_back(ModelEvent::ImageStarted { image });
    }

    /// The image is being made, which is news only where the start was left out. Its number; `None` if it is finished.
    pub(crate) fn resume(&mut self, output_index: u64, out: &mut Events) -> Option<u64> {
        let (image, (), is_new) = self.images.unfinished_or_start(output_index, || ())?;
        if is_new {
            out.push_back(ModelEvent::ImageStarted { image });
        }
        Some(image)
    }

    /// Emits what the image looks like so far; `partial_index` counts these states from 0.
    pub(crate) fn emit_partial(
        &mut self,
        output_index: u64,
        partial_index: u64,
        picture: Option<Picture>,
        out: &mut Events,
    ) {
        let Some(image) = self.resume(output_index, out) else { return };
        let Some(picture) = picture else { return };
        #[expect(clippy::cast_precision_loss, reason = "there are three states at most")]
        let progress =
            self.partials.map_or(0.0, |all| ((partial_index.saturating_add(1)) as f64 / all as f64).min(1.0));
        out.push_back(ModelEvent::ImagePartial { image, picture, progress });
    }

    /// An image is complete, or failed. `false` if it was finished before.
    pub(crate) fn finish(
        &mut self,
        output_index: u64,
        id: Option<String>,
        picture: Option<Picture>,
        out: &mut Events,
    ) -> bool {
        if self.images.unfinished_at(output_index).is_none() {
            if self.images.is_finished(output_index, id.as_deref()) {
                return false;
            }
            self.start(output_index, id.clone(), out);
        }
        let unfinished = self.images.unfinished_at(output_index).map(|(image, ())| image);
        unfinished.is_some_and(|image| self.complete(image, id, picture, out))
    }

    /// Finishes the images that the upstream's summary of its output has. Unfinished images that it does not have have
    /// failed. Returns how many pictures were not known before.
    pub(crate) fn finish_all(&mut self, summary: Vec<(Option<String>, Option<Picture>)>, out: &mut Events) -> u64 {
        let mut new = 0;
        let ids: Vec<_> = summary.iter().map(|(id, _)| id.clone()).collect();
        for (known, (id, picture)) in self.images.match_summary(&ids).into_iter().zip(summary) {
            let image = known.unwrap_or_else(|| {
                let (image, ()) = self.images.start(0, id.clone(), ());
                out.push_back(ModelEvent::ImageStarted { image });
                image
            });
            let is_picture = picture.is_some();
            new += u64::from(self.complete(image, id, picture, out) && is_picture);
        }
        for image in self.images.unfinished() {
            self.complete(image, None, None, out);
        }
        new
    }

    fn complete(
        &mut self,
        image: u64,
        upstream_id: Option<String>,
        picture: Option<Picture>,
        out: &mut Events,
    ) -> bool {
        let is_new = self.images.finish(image, upstream_id.clone()).is_some();
        if is_new {
            out.push_back(ModelEvent::ImageDone { image, upstream_id, picture });
        }
        is_new
    }
}

impl Picture {
    /// Decodes a picture; `None` for a type that browsers do not show. Its type is what its first bytes say, or else
    /// what the upstream calls it.
    pub(crate) fn from_base64(base64: &str, output_format: Option<&str>) -> Option<Self> {
        let bytes = Bytes::from(STANDARD.decode(base64).ok()?);
        let media_type = match (bytes.as_ref(), output_format) {
            ([0x89, b'P', b'N', b'G', ..], _) => "image/png",
            ([0xff, 0xd8, 0xff, ..], _) => "image/jpeg",
            ([b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..], _) => "image/webp",
            ([b'G', b'I', b'F', b'8', ..], _) => "image/gif",
            ([], _) => return None,
            (_, Some("png")) => "image/png",
            (_, Some("jpeg")) => "image/jpeg",
            (_, Some("webp")) => "image/webp",
            (_, Some(_) | None) => return None,
        };
        Some(Self { media_type, bytes })
    }
}

/// Gives each call an id that no other call of the prompt and the answer has: the upstream's own where it is unique.
pub(crate) struct CallIds {
    taken: HashSet<String>,
}

impl CallIds {
    pub(crate) fn new(prompt: &Prompt) -> Self {
        let taken = prompt.input.iter().filter_map(|input| match input {
            Input::Call(call) => Some(call.call_id.clone()),
            Input::User(_) | Input::Assistant(_) | Input::Opaque(_) | Input::CallOutput { .. } => None,
        });
        Self { taken: taken.collect() }
    }

    /// Emits a complete call of a function of ours, which has the upstream's id so far.
    pub(crate) fn emit_call(&mut self, call: FunctionCall, out: &mut Events) {
        let call_id = self.unique(call.call_id);
        out.push_back(ModelEvent::Call(FunctionCall { call_id, ..call }));
    }

    /// Emits a call that the model's server has carried out itself.
    pub(crate) fn emit_answered(&mut self, name: String, arguments: String, output: String, out: &mut Events) {
        let call_id = self.unique(String::new());
        let call = FunctionCall { call_id, name, arguments, extra_content: None };
        out.push_back(ModelEvent::Answered { call, output });
    }

    /// Some servers give no ids, or empty ones, or count from the start in each answer, or give all calls the same.
    fn unique(&mut self, mut id: String) -> String {
        let mut number = self.taken.len();
        while id.is_empty() || !self.taken.insert(id.clone()) {
            number += 1;
            id = format!("call_{number}");
        }
        id
    }
}
