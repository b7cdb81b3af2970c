//! Lists in both directions, in pages of every size.

use chatkit_shared::protocol::{Order, Page};
use chatkit_shared::store::{StoredItem, ThreadRecord};

use super::{all, answer, delete, hidden, id, owner, paging, thread};
use crate::harness::dynamodb::Dynamo;

const ITEMS: usize = 60;

/// Hidden items alone, in runs, first and last.
fn is_hidden(number: usize) -> bool {
    number <= 2 || number == 7 || (20..=41).contains(&number) || number == ITEMS
}

#[tokio::test]
async fn items_in_pages_of_every_size_are_complete() {
    let dynamo = Dynamo::start().await;
    let (store, head) = (dynamo.store(), thread(1));
    let item = |number| if is_hidden(number) { hidden(number) } else { answer(number, &number.to_string()) };
    store.threads.create(&owner(), &head, &item(1)).await.unwrap();
    for number in 2..=ITEMS {
        store.items.put(&owner(), &head.id, &item(number)).await.unwrap();
    }
    let mut expected: Vec<StoredItem> = (1..=ITEMS).filter(|number| !is_hidden(*number)).map(item).collect();
    for order in [Order::Asc, Order::Desc] {
        for size in 1..=expected.len() + 1 {
            let (mut seen, mut after) = (0, None::<String>);
            loop {
                let page = paging(i64::try_from(size).unwrap(), order, after.as_deref());
                let page = store.items.list(&owner(), &head.id, &page).await.unwrap().unwrap();
                let data = expected[seen..expected.len().min(seen + size)].to_vec();
                seen += data.len();
                let has_more = seen < expected.len();
                after = has_more.then(|| data.last().unwrap().item.id().to_owned());
                assert_eq!(page, Page { data, has_more, after: after.clone() }, "{order:?} {size}");
                if !has_more {
                    break;
                }
            }
            assert_eq!(seen, expected.len());
        }
        expected.reverse();
    }
    // Any id is a cursor: a hidden item's, one that does not exist, one that could not.
    for (after, first) in [(id("msg", 2), 3), (id("msg", 30), 42), ("tc_".to_owned(), 3), (String::new(), 3)] {
        let page = paging(1, Order::Asc, Some(&after));
        assert_eq!(store.items.list(&owner(), &head.id, &page).await.unwrap().unwrap().data, [item(first)], "{after}");
    }
    let beyond = paging(1, Order::Asc, Some(&format!("msg_{}", "z#%é".repeat(2000))));
    assert_eq!(store.items.list(&owner(), &head.id, &beyond).await.unwrap(), Some(Page::empty()));
}

#[tokio::test]
async fn list_returns_threads_newest_first_without_deleted_ones() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    let heads: Vec<ThreadRecord> = (1..=7).map(thread).collect();
    for head in &heads {
        store.threads.create(&owner(), head, &answer(1, "x")).await.unwrap();
    }
    // A deletion that got stuck.
    dynamo.fail("Query", "", crate::harness::dynamodb::Fault::ServerError, 3);
    delete(&store, &owner(), &heads[4].id).await.unwrap_err();

    let page = store.threads.list(&owner(), &paging(3, Order::Desc, None)).await.unwrap().page;
    let data = vec![heads[6].clone(), heads[5].clone(), heads[3].clone()];
    assert_eq!(page, Page { data, has_more: true, after: Some(heads[3].id.clone()) });
    let page = store.threads.list(&owner(), &paging(3, Order::Desc, page.after.as_deref())).await.unwrap().page;
    let data = vec![heads[2].clone(), heads[1].clone(), heads[0].clone()];
    assert_eq!(page, Page { data, has_more: false, after: None });
    let page = store.threads.list(&owner(), &paging(1, Order::Asc, Some(&heads[3].id))).await.unwrap().page;
    assert_eq!(page, Page { data: vec![heads[5].clone()], has_more: true, after: Some(heads[5].id.clone()) });
}

#[tokio::test]
async fn list_with_an_invalid_limit_uses_the_default() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    for number in 1..=22 {
        store.threads.create(&owner(), &thread(number), &answer(1, "x")).await.unwrap();
    }
    for limit in [0, -1, i64::MIN] {
        let page = store.threads.list(&owner(), &paging(limit, Order::Desc, None)).await.unwrap().page;
        assert_eq!((page.data.len(), page.has_more), (20, true));
    }
    let page = store.threads.list(&owner(), &paging(i64::MAX, Order::Desc, None)).await.unwrap().page;
    assert_eq!((page.data.len(), page.has_more), (22, false));
}

#[tokio::test]
async fn items_page_ends_at_four_megabytes_and_the_next_continues() {
    let dynamo = Dynamo::start().await;
    let (store, head) = (dynamo.store(), thread(1));
    let text = "x".repeat(300_000);
    store.threads.create(&owner(), &head, &answer(1, &text)).await.unwrap();
    for number in 2..=16 {
        store.items.put(&owner(), &head.id, &answer(number, &text)).await.unwrap();
    }
    dynamo.reset();
    let page = store.items.list(&owner(), &head.id, &all()).await.unwrap().unwrap();
    assert_eq!((page.data.len(), page.has_more, &page.after), (14, true, &Some(id("msg", 14))));
    assert!(dynamo.reset().round_trips() > 4);
    let rest = paging(9999, Order::Asc, page.after.as_deref());
    let rest = store.items.list(&owner(), &head.id, &rest).await.unwrap().unwrap();
    assert_eq!((rest.data.len(), rest.has_more), (2, false));
}
