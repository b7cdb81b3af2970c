//! What a client lacks of a run, from what is stored of it. No I/O.

use super::position::Position;
use super::stream::RunEvent;
use crate::protocol::{AssistantContent, AssistantMessage, Event, ItemUpdate, ThreadItem};
use crate::store::{OpenItem, RunSnapshot, StoredItem};

/// The events behind `from`: the stored items and the snapshot's open ones and events, in the order of their numbers.
/// Stored items that are newer than the snapshot are left out unless the run has `ended`: what happened between the two
/// comes with the next one.
pub(super) fn catch_up(from: &Position, items: &[StoredItem], snapshot: &RunSnapshot, ended: bool) -> Vec<RunEvent> {
    let mut steps = Vec::new();
    for stored in items.iter().filter(|stored| stored.is_of(&from.run_id) && !stored.item.is_hidden()) {
        let seq = seq_of(stored);
        if seq > from.seq && (ended || seq <= snapshot.seq) {
            let item = stored.item.clone();
            let is_replaced = stored.position.as_ref().is_some_and(|position| position.is_replaced);
            let event = if is_replaced { Event::ItemReplaced { item } } else { Event::ItemDone { item } };
            steps.push((seq, vec![RunEvent { position: Some(from.at(seq, 0)), event }]));
        }
    }
    // What was completed after the snapshot is left out above, so it is still being made.
    let is_stored = |open: &&OpenItem| {
        items.iter().any(|stored| stored.item.id() == open.item.id() && seq_of(stored) <= snapshot.seq)
    };
    for open in snapshot.open.iter().filter(|open| open.changed > from.seq && !ended && !is_stored(open)) {
        if open.added > from.seq {
            steps.push((open.added, begin(from, open)));
        } else {
            steps.push((open.changed, resume(from, open)));
        }
    }
    for (seq, event) in snapshot.events.iter().filter(|(seq, _)| *seq > from.seq) {
        steps.push((*seq, vec![RunEvent { position: Some(from.at(*seq, 0)), event: event.clone() }]));
    }
    steps.sort_by_key(|(seq, _)| *seq);
    let mut events: Vec<_> = steps.into_iter().flat_map(|(_, events)| events).collect();
    keep_chars(from.chars, &mut events);
    events
}

/// What is no part of a message leaves the characters of the open one as they are.
fn keep_chars(mut chars: u64, events: &mut [RunEvent]) {
    for RunEvent { position, event } in events {
        let Some(position) = position else { continue };
        match event {
            Event::ItemAdded { .. } | Event::ItemDone { .. } | Event::ItemRemoved { .. } => chars = 0,
            Event::ItemUpdated { .. } => chars = position.chars,
            _ => position.chars = chars,
        }
    }
}

fn seq_of(stored: &StoredItem) -> u64 {
    stored.position.as_ref().map_or(0, |position| position.seq)
}

/// An open item that the client does not know.
fn begin(from: &Position, open: &OpenItem) -> Vec<RunEvent> {
    let at = |chars| Some(from.at(open.added, chars));
    match &open.item {
        ThreadItem::AssistantMessage(message) => {
            let item = AssistantMessage { header: message.header.clone(), content: Vec::new() };
            let added = Event::ItemAdded { item: ThreadItem::AssistantMessage(item) };
            let mut events = vec![RunEvent { position: at(0), event: added }];
            events.extend(text_from(0, message).map(|(chars, event)| RunEvent { position: at(chars), event }));
            events
        }
        item => vec![RunEvent { position: at(0), event: Event::ItemAdded { item: item.clone() } }],
    }
}

/// An open item that the client has seen begin.
fn resume(from: &Position, open: &OpenItem) -> Vec<RunEvent> {
    let at = |chars| Some(from.at(open.changed, chars));
    match &open.item {
        ThreadItem::AssistantMessage(message) => {
            let events = text_from(from.chars, message);
            events.map(|(chars, event)| RunEvent { position: at(chars), event }).collect()
        }
        item => vec![RunEvent { position: at(0), event: Event::ItemReplaced { item: item.clone() } }],
    }
}

/// The updates that bring a message from its first `known` characters to what it is now, each with the characters that
/// the client has after it. A part that begins again is empty, so that a client that knows it has nothing twice.
fn text_from(known: u64, message: &AssistantMessage) -> impl Iterator<Item = (u64, Event)> {
    let item_id = message.header.id.clone();
    let (mut left, mut chars) = (known, 0);
    let mut updates = Vec::new();
    for (part, content_index) in message.content.iter().zip(0..) {
        let length = part.text.chars().count() as u64;
        if left == 0 {
            let content = AssistantContent::default();
            updates.push((chars, ItemUpdate::ContentPartAdded { content_index, content }));
        }
        let skipped = left.min(length);
        let rest: String = part.text.chars().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).collect();
        left -= skipped;
        chars += length;
        if !part.annotations.is_empty() {
            updates.push((chars, ItemUpdate::ContentPartDone { content_index, content: part.clone() }));
        } else if !rest.is_empty() {
            updates.push((chars, ItemUpdate::ContentPartTextDelta { content_index, delta: rest }));
        }
    }
    updates.into_iter().map(move |(chars, update)| (chars, Event::ItemUpdated { item_id: item_id.clone(), update }))
}
