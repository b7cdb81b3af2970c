//! The history: the newest part of a thread, which the model is shown. It begins with a message of the user's, and stays
//! where it begins until it outgrows the budget of a prompt; then it is cut in one large step. So a prompt begins with the
//! bytes of the one before, which the model's server has in its cache.

use super::Engine;
use super::prompt::item_tokens;
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

/// The items that the model is shown, oldest first. The last one is what is to be answered.
#[derive(Debug)]
pub(super) struct History {
    pub(super) items: Vec<StoredItem>,
    /// Its first item, if the history does not begin with its thread.
    pub(super) begins_at: Option<String>,
}

impl History {
    /// The history within `loaded`, a thread's newest items.
    pub(super) fn of(mut loaded: Vec<StoredItem>, has_older: bool, budget: u64) -> Self {
        let tokens = Tokens::of(&loaded);
        let first = first(&loaded, &tokens, has_older, budget);
        let is_cut = has_older || first > 0;
        let mut items = loaded.split_off(first);
        if tokens.from(first) > budget {
            shorten_turn(&mut items, budget);
        }
        let begins_at = items.first().filter(|_| is_cut).map(|stored| stored.item.id().to_owned());
        Self { items, begins_at }
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

const fn least_kept(budget: u64) -> u64 {
    budget / 100 * KEPT_PERCENT + budget % 100 * KEPT_PERCENT / 100
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
    if used > budget {
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
        History::of(items, has_older, self.context_tokens())
    }

    fn context_tokens(&self) -> u64 {
        u64::from(self.assistant.max_context_tokens)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{AssistantContent, AssistantMessage, ItemHeader, UserContent, UserMessage};

    /// Items of so many tokens, a message of the user's where it is marked: `"q20 a30 a5"`.
    fn items(sizes: &str) -> Vec<StoredItem> {
        let sizes = sizes.split_whitespace().map(|size| size.split_at(1)).enumerate();
        sizes.map(|(place, (kind, tokens))| item(place, kind == "q", tokens.parse().unwrap())).collect()
    }

    fn item(place: usize, asks: bool, tokens: usize) -> StoredItem {
        let header = ItemHeader {
            id: format!("msg_{place:026}"),
            thread_id: "thr_1".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        let text = "x".repeat((tokens - 4) * 4);
        let item = if asks {
            ThreadItem::UserMessage(UserMessage {
                header,
                content: vec![UserContent::InputText { text }],
                attachments: Vec::new(),
                quoted_text: None,
                inference_options: Default::default(),
            })
        } else {
            let content = vec![AssistantContent { annotations: Vec::new(), text }];
            ThreadItem::AssistantMessage(AssistantMessage { header, content })
        };
        StoredItem::new(item)
    }

    /// The places of what the model is shown.
    fn shown(history: &History) -> Vec<usize> {
        history.items.iter().map(|stored| stored.item.id()[4..].parse().unwrap()).collect()
    }

    #[test]
    fn history_begins_with_a_whole_turn_that_fits() {
        for (thread, has_older, first) in [
            ("q10", false, 0),
            // It fits, from the beginning of the thread.
            ("a20 q10 a20 q50", false, 0),
            ("q50 a50", false, 0),
            // What is before it is not known, so that an answer may lack its question.
            ("a20 q10 a20 q30", true, 1),
            // At least 70 of 100 remain, in whole turns.
            ("q20 a10 q10 a10 q10 a10 q10 a10 q20", false, 2),
            ("q20 a10 q10 a10 q10 a10 q10 a10 q29", false, 2),
            ("q20 a10 q10 a10 q10 a10 q10 a10 q39", false, 4),
            // Whole turns leave less.
            ("q60 a40 q30 a30 q10", false, 2),
            ("q60 a40 q60 a30 q20", false, 4),
            // The question is shown however long it is.
            ("q20 a10 q500", false, 2),
        ] {
            let last = items(thread).len();
            let history = History::of(items(thread), has_older, 100);
            assert_eq!(shown(&history), (first..last).collect::<Vec<_>>(), "{thread}");
            assert_eq!(history.begins_at.is_some(), has_older || first > 0, "{thread}");
        }
    }

    #[test]
    fn turn_that_is_longer_than_the_budget_keeps_its_question_and_its_end() {
        for (thread, expected) in [
            ("q10 a10 q20 a50 a30 a20 a10", vec![2, 4, 5, 6]),
            ("q20 a50 a90", vec![0, 2]),
            ("q99 a50 a90", vec![0, 2]),
            ("a50 a30 a20 a10", vec![1, 2, 3]),
        ] {
            assert_eq!(shown(&History::of(items(thread), true, 100)), expected, "{thread}");
        }
    }

    #[test]
    fn history_begins_where_it_began_until_it_is_too_long_or_short() {
        // Of 75, 100, 101 and 69 tokens from the known beginning on.
        for (last, first) in [(15, 2), (40, 2), (41, 4), (9, 0)] {
            let mut thread = items(&format!("q10 a10 q15 a15 q15 a15 q{last}"));
            thread[4].history_from = Some(thread[2].item.id().to_owned());
            assert_eq!(shown(&History::of(thread, true, 100))[0], first, "{last}");
        }
    }

    /// A thread whose newest items are read page by page, as the engine does. The second value is how many were read.
    fn read(thread: &[StoredItem], budget: u64) -> (History, usize) {
        let mut from = thread.len().saturating_sub(FIRST_PAGE_ITEMS as usize);
        let mut has_older = from > 0;
        while has_older && let Some(page) = next_page(&thread[from..], budget) {
            let older = match page {
                Older::Newest(count) => from.saturating_sub(count as usize),
                Older::DownTo(id) => thread.iter().position(|stored| stored.item.id() == id).unwrap(),
            };
            assert!(older < from);
            has_older = older > 0;
            from = older;
        }
        (History::of(thread[from..].to_vec(), has_older, budget), thread.len() - from)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn growing_thread_moves_its_history_rarely_and_reads_what_it_shows(
            turns in prop::collection::vec((5_usize..30, 5_usize..60), 1..80), budget in 16_u64..1_500,
        ) {
            let (mut thread, mut begin, mut moves) = (Vec::new(), 0, 0);
            let mut moved_by = 0;
            for (question, answer) in turns {
                let mut asked = item(thread.len(), true, question);
                thread.push(asked.clone());
                let (history, read) = read(&thread, budget);
                let places = shown(&history);
                let tokens = Tokens::of(&history.items).from(0);
                prop_assert_eq!(places[0] % 2, 0, "begins with an answer");
                prop_assert_eq!(*places.last().unwrap() + 1, thread.len());
                prop_assert!(tokens <= budget || places.len() == 1);
                prop_assert!(places[0] >= begin, "moved back");
                if places[0] > begin {
                    (moves, moved_by) = (moves + 1, moved_by + places[0] - begin);
                    begin = places[0];
                    // One turn more would not fit, or would have been cut off, too.
                    let next = Tokens::of(&thread).from(begin.saturating_sub(2));
                    prop_assert!(tokens >= least_kept(budget) || next > budget);
                }
                // Whatever of the thread is known, the history is the same.
                prop_assert_eq!(&places, &shown(&History::of(thread.clone(), false, budget)));
                // The first page; what is shown; and what the item took that no longer fits.
                prop_assert!(read <= (FIRST_PAGE_ITEMS as usize).max(places.len() + places.len() / 2 + 20), "{read}");
                asked.history_from = history.begins_at;
                thread.pop();
                thread.extend([asked, item(thread.len() + 1, false, answer)]);
            }
            // Turns have 95 tokens at most: where the budget has many, a cut takes many.
            if budget > 900 && moves > 0 {
                prop_assert!(moved_by / moves >= 4, "{moves} moves, {moved_by} items");
            }
        }
    }
}
