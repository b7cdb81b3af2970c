//! The history: the newest part of a thread, which the model is shown. It begins with a message of the user's, and
//! stays where it begins until it outgrows the budget of a prompt; then it is cut in one large step. So a prompt begins
//! with the bytes of the one before, which the model's server has in its cache.

#[cfg(test)]
mod tests;

use super::Engine;
use super::prompt_size::item_tokens;
use crate::assistant::Memory;
use crate::identity::Owner;
use crate::ids;
use crate::protocol::ThreadItem;
use crate::store::{Loaded, Older, StoreError, StoredItem};

/// How many items a turn reads first: with less than 1 KB each, and the head, 3 read units.
const FIRST_PAGE_ITEMS: u32 = 20;

/// A further page has at most so many times what is read already: the items before may be much larger.
const MAX_PAGE_GROWTH: u64 = 8;

/// What a cut leaves of the budget, as far as whole turns allow.
const KEPT_PERCENT: u64 = 70;

/// A history of more than this part of the budget is summarised before it has to be cut.
const SUMMARIZED_ABOVE_PERCENT: u64 = 85;

/// What stays in its own words beside a summary, at most.
const KEPT_BESIDE_SUMMARY_PERCENT: u64 = 50;

/// The items that the model is shown, oldest first. The last one is what is to be answered.
#[derive(Debug)]
pub(super) struct History {
    pub(super) items: Vec<StoredItem>,
    /// Its first item, if the history does not begin with its thread.
    pub(super) begins_at: Option<String>,
    /// What a summary is to be made of now, where the assistant's memory is compact.
    pub(super) outgrown: Option<Outgrown>,
}

/// The oldest part of a history that is about to outgrow the budget, an earlier summary at its beginning.
#[derive(Debug, PartialEq)]
pub(crate) struct Outgrown {
    pub(crate) items: Vec<StoredItem>,
    /// The item before which the summary stands.
    pub(crate) before: String,
}

impl History {
    /// The history within `loaded`, a thread's newest items. A summary stands for everything before it.
    pub(super) fn of(mut loaded: Vec<StoredItem>, has_older: bool, budget: u64) -> Self {
        let Some(summary) = loaded.iter().rposition(|stored| stored.is_summary) else {
            return Self::without_summary(loaded, has_older, budget);
        };
        let items = loaded.split_off(summary);
        let begins_at = Some(items[0].item.id().to_owned());
        if Tokens::of(&items).from(0) <= budget {
            return Self { items, begins_at, outgrown: None };
        }
        let left = budget.saturating_sub(item_tokens(&items[0], false));
        let rest = Self::without_summary(items[1..].to_vec(), true, left);
        Self { items: items.into_iter().take(1).chain(rest.items).collect(), begins_at, outgrown: None }
    }

    fn without_summary(mut loaded: Vec<StoredItem>, has_older: bool, budget: u64) -> Self {
        let tokens = Tokens::of(&loaded);
        let first = first(&loaded, &tokens, has_older, budget);
        let is_cut = has_older || first > 0;
        let mut items = loaded.split_off(first);
        if tokens.from(first) > budget {
            shorten_turn(&mut items, budget);
        }
        let begins_at = items.first().filter(|_| is_cut).map(|stored| stored.item.id().to_owned());
        Self { items, begins_at, outgrown: None }
    }
}

impl Outgrown {
    /// None as long as the history, within a thread's newest items, is short enough.
    fn of(loaded: &[StoredItem], budget: u64) -> Option<Self> {
        let begin = loaded.iter().rposition(|stored| stored.is_summary).unwrap_or_default();
        let items = &loaded[begin..];
        let tokens = Tokens::of(items);
        if tokens.from(0) <= percent(budget, SUMMARIZED_ABOVE_PERCENT) {
            return None;
        }
        let turns = || (1..items.len()).filter(|index| matches!(items[*index].item, ThreadItem::UserMessage(_)));
        let fits = |index: &usize| tokens.from(*index) <= percent(budget, KEPT_BESIDE_SUMMARY_PERCENT);
        let kept = turns().find(fits).or_else(|| turns().next_back())?;
        let before = items[kept].item.id().to_owned();
        let is_new = items[..kept].iter().any(|stored| !stored.is_summary);
        is_new.then(|| Self { items: items[..kept].to_vec(), before })
    }
}

/// Tokens of items, each with all that follow it.
struct Tokens(Vec<u64>);

impl Tokens {
    fn of(items: &[StoredItem]) -> Self {
        let mut sum = 0;
        let newest_first = items.iter().rev().enumerate().map(|(age, stored)| {
            sum += item_tokens(stored, age == 0);
            sum
        });
        let mut tokens: Vec<_> = newest_first.collect();
        tokens.reverse();
        Self(tokens)
    }

    fn from(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or_default()
    }
}

const fn percent(budget: u64, percent: u64) -> u64 {
    budget.saturating_mul(percent) / 100
}

const fn least_kept(budget: u64) -> u64 {
    percent(budget, KEPT_PERCENT)
}

/// The place of the history's first item.
fn first(items: &[StoredItem], tokens: &Tokens, has_older: bool, budget: u64) -> usize {
    let fits = |index: &usize| tokens.from(*index) <= budget;
    let is_large = |index: &usize| tokens.from(*index) >= least_kept(budget);
    if !has_older && fits(&0) {
        return 0;
    }
    let last_begin = last_begin(items).and_then(|id| items.iter().position(|stored| stored.item.id() == id));
    if let Some(unchanged) = last_begin.filter(|index| fits(index) && is_large(index)) {
        return unchanged;
    }
    let is_begin =
        |index: &usize| matches!(items[*index].item, ThreadItem::UserMessage(_)) || (*index == 0 && !has_older);
    let begins = || (0..items.len()).filter(is_begin);
    let kept = begins().rev().filter(fits).find(is_large);
    kept.or_else(|| begins().find(fits)).or_else(|| begins().next_back()).unwrap_or_default()
}

/// The item with which the history of the newest turn began.
fn last_begin(items: &[StoredItem]) -> Option<&str> {
    items.iter().rev().find_map(|stored| stored.history_from.as_deref())
}

/// Shortens a turn that has more than the budget by itself. The question and the last item are shown however long they
/// are.
fn shorten_turn(items: &mut Vec<StoredItem>, budget: u64) {
    let Some(last) = items.len().checked_sub(1) else { return };
    let asks = matches!(items[0].item, ThreadItem::UserMessage(_));
    let question = if asks && last > 0 { item_tokens(&items[0], false) } else { 0 };
    let tokens = Tokens::of(items);
    let oldest = (1..last).find(|index| tokens.from(*index).saturating_add(question) <= budget).unwrap_or(last);
    items.drain(usize::from(asks).min(last)..oldest);
}

/// Which page before these items belongs to the history, too; none if they have all of it.
fn next_page(items: &[StoredItem], budget: u64) -> Option<Older<'_>> {
    let tokens = Tokens::of(items);
    let used = tokens.from(0);
    if used > budget || items.iter().any(|stored| stored.is_summary) {
        return None;
    }
    if let Some(begin) = last_begin(items) {
        let is_before = |stored: &StoredItem| ids::sort_key(stored.item.id()) < ids::sort_key(begin);
        let index = items.partition_point(is_before);
        if index == 0 && items.first().is_some_and(|oldest| oldest.item.id() != begin) {
            return Some(Older::DownTo(begin));
        }
        if tokens.from(index) >= least_kept(budget) {
            return None;
        }
    }
    let read = items.len() as u64;
    let wanted = read.saturating_mul(budget - used) / used.max(1) + 1;
    let count = wanted.clamp(u64::from(FIRST_PAGE_ITEMS), (read * MAX_PAGE_GROWTH).max(u64::from(FIRST_PAGE_ITEMS)));
    Some(Older::Newest(u32::try_from(count).unwrap_or(u32::MAX)))
}

impl Engine {
    /// A thread with the items of its history: the newest page in one round trip with the head, each older one in a
    /// further one.
    pub(super) async fn load(&self, owner: &Owner, thread_id: &str) -> Result<Option<Loaded>, StoreError> {
        match self.store.threads.load(owner, thread_id, FIRST_PAGE_ITEMS).await? {
            Some(newest) => self.read_back(owner, newest).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same as they are now: what the page answers was stored milliseconds ago.
    pub(super) async fn load_now(&self, owner: &Owner, thread_id: &str) -> Result<Option<Loaded>, StoreError> {
        match self.load_newest(owner, thread_id).await? {
            Some(newest) => self.read_back(owner, newest).await.map(Some),
            None => Ok(None),
        }
    }

    /// A thread with its newest items, as they are now.
    pub(super) async fn load_newest(&self, owner: &Owner, thread_id: &str) -> Result<Option<Loaded>, StoreError> {
        self.store.threads.load_now(owner, thread_id, FIRST_PAGE_ITEMS).await
    }

    /// Reads what is missing at the beginning of the history.
    pub(super) async fn read_back(&self, owner: &Owner, mut loaded: Loaded) -> Result<Loaded, StoreError> {
        while loaded.has_older
            && let Some(oldest) = loaded.items.first()
            && let Some(page) = next_page(&loaded.items, self.context_tokens())
        {
            let page = self.store.items.before(owner, &loaded.thread.id, oldest.item.id(), page).await?;
            if page.items.is_empty() {
                loaded.has_older = page.has_older;
                break;
            }
            loaded.has_older = page.has_older;
            loaded.items.splice(0..0, page.items);
        }
        Ok(loaded)
    }

    /// The history within a thread's newest items.
    pub(super) fn history(&self, items: Vec<StoredItem>, has_older: bool) -> History {
        let budget = self.context_tokens();
        let outgrown = match self.assistant.memory {
            Memory::Cut => None,
            Memory::Compact => Outgrown::of(&items, budget),
        };
        History { outgrown, ..History::of(items, has_older, budget) }
    }

    pub(super) fn context_tokens(&self) -> u64 {
        u64::from(self.assistant.max_context_tokens)
    }
}
