//! The events of a run, each with its number, to everybody who follows the run in this process.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::position::Position;
use crate::protocol::{Event, ItemUpdate, ThreadItem};
use crate::store::{ItemPosition, OpenItem, RunSnapshot};

/// Events that no item shows, for whoever comes back: what is more than that is not told again.
const MAX_EVENTS: usize = 64;

/// An event, and where its reader is when it has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEvent {
    /// None where there is no thread to come back to.
    pub position: Option<Position>,
    pub event: Event,
}

/// The events of an operation. Everything is stored before the last one; a reader may leave at any time without
/// changing what is stored. They are boxed because the channel has room for 32 even while it is empty.
pub type Events = UnboundedReceiver<Box<RunEvent>>;

/// Sends the events of a run.
pub(crate) struct RunStream {
    /// Of the last event; none where there is no thread.
    position: Option<Position>,
    readers: Vec<UnboundedSender<Box<RunEvent>>>,
    open: Vec<OpenNumbers>,
    /// The events that no item shows.
    events: Vec<(u64, Event)>,
    /// The number of the last event that the run's record has.
    recorded: u64,
    /// How many characters of the open message there were when its last part began.
    part_start: u64,
}

/// An item that is being made.
struct OpenNumbers {
    item_id: String,
    added: u64,
    changed: u64,
}

impl RunStream {
    /// The stream of a run that begins, with its first reader.
    pub(crate) fn new(position: Option<Position>) -> (Self, Events) {
        let (sender, receiver) = unbounded_channel();
        let (readers, open, events) = (vec![sender], Vec::new(), Vec::new());
        (Self { position, readers, open, events, recorded: 0, part_start: 0 }, receiver)
    }

    /// Sends an event to every reader that is still there.
    pub(crate) fn send(&mut self, event: Event) {
        self.number(&event);
        let event = Box::new(RunEvent { position: self.position.clone(), event });
        let last = self.readers.pop();
        self.readers.retain(|reader| reader.send(event.clone()).is_ok());
        self.readers.extend(last.filter(|reader| reader.send(event).is_ok()));
    }

    /// Where the item stands whose end is the next event.
    pub(crate) fn next_position(&self) -> Option<ItemPosition> {
        let Position { run_id, seq, .. } = self.position.as_ref()?;
        Some(ItemPosition { run_id: run_id.as_ref().to_owned(), seq: seq + 1, is_replaced: false })
    }

    /// From here on the events are those of another run.
    pub(crate) fn continue_as(&mut self, run_id: &str) {
        if let Some(position) = &mut self.position {
            position.run_id = run_id.into();
        }
    }

    /// A further reader, which gets what comes from here on.
    pub(crate) fn subscribe(&mut self) -> Events {
        let (sender, receiver) = unbounded_channel();
        self.readers.push(sender);
        receiver
    }

    /// What has come so far, where these are the items that are being made.
    pub(crate) fn snapshot(&self, items: Vec<ThreadItem>) -> RunSnapshot {
        let open = items.into_iter().filter_map(|item| {
            let numbers = self.open.iter().find(|open| open.item_id == item.id())?;
            Some(OpenItem { added: numbers.added, changed: numbers.changed, item })
        });
        let seq = self.position.as_ref().map_or(0, |position| position.seq);
        RunSnapshot { seq, open: open.collect(), events: self.events.clone() }
    }

    /// The run's record has every event up to this one.
    pub(crate) const fn recorded(&mut self, seq: u64) {
        self.recorded = seq;
    }

    /// Whether there are events that only the run's record can tell, and does not yet.
    pub(crate) fn has_unrecorded(&self) -> bool {
        self.events.iter().any(|(seq, _)| *seq > self.recorded)
    }

    fn number(&mut self, event: &Event) {
        let Some(position) = &mut self.position else { return };
        position.seq += 1;
        let seq = position.seq;
        match event {
            Event::ItemAdded { item } => {
                position.chars = 0;
                self.open.push(OpenNumbers { item_id: item.id().to_owned(), added: seq, changed: seq });
            }
            Event::ItemUpdated { item_id, update } => {
                if let Some(open) = self.open.iter_mut().find(|open| open.item_id == *item_id) {
                    open.changed = seq;
                }
                match update {
                    ItemUpdate::ContentPartAdded { .. } => self.part_start = position.chars,
                    ItemUpdate::ContentPartTextDelta { delta, .. } => position.chars += chars(delta),
                    ItemUpdate::ContentPartDone { content, .. } => {
                        position.chars = self.part_start + chars(&content.text);
                    }
                    _ => {}
                }
            }
            Event::ItemDone { item } => {
                position.chars = 0;
                self.open.retain(|open| open.item_id != item.id());
            }
            Event::ItemRemoved { item_id } => {
                position.chars = 0;
                self.open.retain(|open| open.item_id != *item_id);
                self.keep(seq, event);
            }
            Event::ProgressUpdate { .. } => {
                self.events.retain(|(_, event)| !matches!(event, Event::ProgressUpdate { .. }));
                self.keep(seq, event);
            }
            Event::ClientEffect { .. } | Event::Notice { .. } | Event::Error { .. } => self.keep(seq, event),
            // The thread's head and stored items show these.
            Event::ThreadCreated { .. }
            | Event::ThreadUpdated { .. }
            | Event::ItemReplaced { .. }
            | Event::StreamOptions { .. } => {}
        }
    }

    fn keep(&mut self, seq: u64, event: &Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push((seq, event.clone()));
        }
    }
}

fn chars(text: &str) -> u64 {
    text.chars().count() as u64
}
