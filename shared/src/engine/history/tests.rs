use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::protocol::{AssistantContent, AssistantMessage, ItemHeader, UserContent, UserMessage};

/// Items of so many tokens: questions, answers, and a summary, as in `"s20 q20 a30"`.
fn items(sizes: &str) -> Vec<StoredItem> {
    let sizes = sizes.split_whitespace().map(|size| size.split_at(1)).enumerate();
    sizes.map(|(place, (kind, tokens))| item(place, kind, tokens.parse().unwrap())).collect()
}

fn item(place: usize, kind: &str, tokens: usize) -> StoredItem {
    let header =
        ItemHeader { id: format!("msg_{place:026}"), thread_id: "thr_1".to_owned(), created_at: Timestamp::UNIX_EPOCH };
    let text = "x".repeat((tokens - 4) * 4);
    let item = if kind == "q" {
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
    StoredItem { is_summary: kind == "s", ..StoredItem::new(item) }
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

#[test]
fn summary_stands_for_everything_before_it() {
    for (thread, expected) in [
        ("q10 a10 s20 q10 a10 q10", vec![2, 3, 4, 5]),
        ("s20 q10 a10 s20 q10", vec![3, 4]),
        // The oldest turns are left out, the summary never.
        ("q10 s20 q30 a30 q20 a10 q20", vec![1, 4, 5, 6]),
        ("s20 q99", vec![0, 1]),
    ] {
        let history = History::of(items(thread), true, 100);
        assert_eq!(shown(&history), expected, "{thread}");
        assert_eq!(history.begins_at, Some(history.items[0].item.id().to_owned()));
    }
}

#[test]
fn summary_is_made_before_the_budget_is_used_up() {
    for (thread, expected) in [
        ("q20 a20 q20 a20 q5", None),
        ("q20 a20 q20 a20 q10", Some((2, 2))),
        // Half of the budget stays as it is, in whole turns.
        ("q20 a20 q20 a21 q10", Some((4, 4))),
        ("q10 a10 s10 q20 a20 q20 a20", Some((3, 5))),
        ("s10 q90", None),
        ("q90", None),
    ] {
        let outgrown = Outgrown::of(&items(thread), 100).map(|outgrown| {
            let before: usize = outgrown.before[4..].parse().unwrap();
            (outgrown.items.len(), before)
        });
        assert_eq!(outgrown, expected, "{thread}");
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
            let mut asked = item(thread.len(), "q", question);
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
            thread.extend([asked, item(thread.len() + 1, "a", answer)]);
        }
        // Turns have 95 tokens at most: where the budget has many, a cut takes many.
        if budget > 900 && moves > 0 {
            prop_assert!(moved_by / moves >= 4, "{moves} moves, {moved_by} items");
        }
    }
}
