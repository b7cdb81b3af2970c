//! Turns and tokens of a user, and tokens that several share.

use std::collections::BTreeMap;
use std::time::Duration;

use chatkit_shared::identity::Owner;
use chatkit_shared::limits::Bucket;
use chatkit_shared::store::{
    Account, Admission, Budgets, Limit, Payer, Refusal, Reservation, Scope, TurnMark, Used, Window,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::owner;
use crate::harness::dynamodb::{Dynamo, Fault};

/// A moment by the second from the beginning of a clock hour.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(500_000 * 3600 + seconds).unwrap()
}

async fn admit(budgets: &Budgets, turns: &Bucket, tokens: u64, reserve: u64, now: Timestamp) -> Admission {
    let owner = owner();
    let account = Account { turns: *turns, tokens, ..Account::of_turns(Scope::User(&owner), Window::Hour) };
    budgets.admit(&[account], reserve, None, now).await.unwrap()
}

async fn admitted(budgets: &Budgets, turns: &Bucket, tokens: u64, reserve: u64, now: Timestamp) -> Reservation {
    match admit(budgets, turns, tokens, reserve, now).await {
        Admission::Admitted(reservation) => reservation,
        Admission::Refused(refusal) => panic!("{refusal:?}"),
    }
}

fn refused(seconds: u64, limit: Limit) -> Admission {
    Admission::Refused(Refusal { retry_after: Duration::from_secs(seconds), limit })
}

#[tokio::test]
async fn admit_and_settle_cost_one_write_each() {
    let dynamo = Dynamo::start().await;
    let (budgets, turns) = (dynamo.budgets(), Bucket::per_minute(2));
    let first = admitted(&budgets, &turns, 1000, 600, at(0)).await;
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    let used =
        Used { turns_available: Some(1), turns_full_at: at(30), tokens_this_hour: 600, tokens_reset_at: at(3600) };
    assert_eq!(budgets.used(&owner(), &turns, at(0)).await.unwrap(), used);
    assert_eq!(dynamo.reset().units(), (0.5, 0.0));

    // What is reserved is not there for another turn until the first one is settled.
    let second = admit(&budgets, &turns, 1000, 600, at(1)).await;
    assert_eq!(second, refused(3599, Limit::Tokens(Payer::User)));
    dynamo.reset();
    budgets.settle(&first, 150).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    let used = Used { tokens_this_hour: 150, ..used };
    assert_eq!(budgets.used(&owner(), &turns, at(0)).await.unwrap(), used);
    let second = admitted(&budgets, &turns, 1000, 600, at(1)).await;
    budgets.settle(&second, 2000).await.unwrap();

    let tokens = admit(&budgets, &turns, 1000, 600, at(40)).await;
    assert_eq!(tokens, refused(3560, Limit::Tokens(Payer::User)));
    let _: Reservation = admitted(&budgets, &turns, 1000, 600, at(3600)).await;
}

#[tokio::test]
async fn admit_when_turns_are_used_up_refuses_despite_free_tokens() {
    let dynamo = Dynamo::start().await;
    let (budgets, turns) = (dynamo.budgets(), Bucket::per_minute(2));
    for _ in 0..2 {
        let _: Reservation = admitted(&budgets, &turns, 1000, 10, at(0)).await;
    }
    let third = admit(&budgets, &turns, 1000, 10, at(0)).await;
    assert_eq!(third, refused(30, Limit::Turns));
    // Refused by both: what lasts longer is told.
    let both = admit(&budgets, &turns, 20, 10, at(3599)).await;
    assert_eq!(both, refused(1, Limit::Tokens(Payer::User)));
}

#[tokio::test]
async fn admit_when_limits_are_zero_always_admits() {
    let dynamo = Dynamo::start().await;
    let (budgets, off, on) = (dynamo.budgets(), Bucket::per_minute(0), Bucket::per_minute(1));
    for _ in 0..3 {
        let reservation = admitted(&budgets, &off, 0, 600, at(0)).await;
        budgets.settle(&reservation, 1000).await.unwrap();
    }
    assert_eq!(dynamo.reset().calls, []);

    let reservation = admitted(&budgets, &on, 0, 600, at(0)).await;
    budgets.settle(&reservation, 1000).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(admit(&budgets, &on, 0, 600, at(0)).await, refused(60, Limit::Turns));

    for _ in 0..3 {
        let _: Reservation = admitted(&budgets, &off, 300, 100, at(0)).await;
    }
    assert_eq!(admit(&budgets, &off, 300, 100, at(0)).await, refused(3600, Limit::Tokens(Payer::User)));
    let used = budgets.used(&owner(), &off, at(0)).await.unwrap();
    assert_eq!((used.turns_available, used.tokens_this_hour), (None, 300));
}

#[tokio::test]
async fn admit_when_the_reservation_exceeds_the_budget_reserves_all_of_it() {
    let dynamo = Dynamo::start().await;
    let (budgets, off) = (dynamo.budgets(), Bucket::per_minute(0));
    let first = admitted(&budgets, &off, 100, 600, at(0)).await;
    budgets.settle(&first, 0).await.unwrap();
    let second = admitted(&budgets, &off, 100, 600, at(0)).await;
    dynamo.reset();
    budgets.settle(&second, 100).await.unwrap();
    assert_eq!(dynamo.reset().calls, [], "it used what it held");
    assert_eq!(admit(&budgets, &off, 100, 600, at(0)).await, refused(3600, Limit::Tokens(Payer::User)));
}

#[tokio::test]
async fn settle_in_a_later_hour_charges_the_hour_of_admission() {
    let dynamo = Dynamo::start().await;
    let (budgets, off) = (dynamo.budgets(), Bucket::per_minute(0));
    let old = admitted(&budgets, &off, 1000, 600, at(3599)).await;
    let new = admitted(&budgets, &off, 1000, 700, at(3600)).await;
    budgets.settle(&old, 1000).await.unwrap();
    budgets.settle(&new, 5).await.unwrap();
    assert_eq!(budgets.used(&owner(), &off, at(3599)).await.unwrap().tokens_this_hour, 1000);
    assert_eq!(budgets.used(&owner(), &off, at(3600)).await.unwrap().tokens_this_hour, 5);

    // Hours that nobody settles any more go with the next settlement.
    let later = admitted(&budgets, &off, 1000, 10, at(9000)).await;
    budgets.settle(&later, 10).await.unwrap();
    let record = dynamo.records("counters").remove(0);
    let mut names: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["expires_at", "h500001", "h500002", "last", "pk", "sk"]);
    assert_eq!(record["expires_at"]["N"], at(4 * 3600).as_second().to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admit_when_turns_race_stays_within_both_limits() {
    for (turns, tokens, expected) in [(30, 10_000, 30), (1000, 2_500, 25)] {
        let dynamo = Dynamo::start().await;
        let turns = Bucket::new(turns, 1, Duration::from_secs(3600));
        let clients: Vec<_> = (0..4).map(|_| dynamo.budgets()).collect();
        // No more at once than are answered within the SDK's timeout on a machine that is busy with other tests.
        let admissions = (0..60).map(|number| {
            let now = at(0) + SignedDuration::from_millis(number % 5);
            let budgets = clients[usize::try_from(number).unwrap() % clients.len()].clone();
            async move { admit(&budgets, &turns, tokens, 100, now).await }
        });
        let admissions = futures_util::future::join_all(admissions).await;
        let admitted = admissions.iter().filter(|admission| matches!(admission, Admission::Admitted(_))).count();
        assert_eq!(admitted, expected);
    }
}

/// A user with an hour, a visitor's address with an hour, and a tenant with a day.
fn accounts(owner: &Owner, tokens: [u64; 3]) -> [Account<'_>; 3] {
    let account = |scope, tokens, window| Account { tokens, ..Account::of_turns(scope, window) };
    [
        account(Scope::User(owner), tokens[0], Window::Hour),
        account(Scope::Address("192.0.2.1"), tokens[1], Window::Hour),
        account(Scope::Tenant(owner.tenant()), tokens[2], Window::Day),
    ]
}

/// All records by their partition, without their keys.
fn records(dynamo: &Dynamo) -> BTreeMap<String, BTreeMap<String, i64>> {
    let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
    let numbers = |record: &Value| {
        let fields = record.as_object().unwrap().iter().filter(|(_, value)| value.get("N").is_some());
        fields.map(|(name, value)| (name.clone(), value["N"].as_str().unwrap().parse().unwrap())).collect()
    };
    let records = dynamo.records("counters");
    records.iter().map(|record| (text(&record["pk"]) + " " + &text(&record["sk"]), numbers(record))).collect()
}

#[tokio::test]
async fn admit_with_several_accounts_charges_and_settles_all() {
    let dynamo = Dynamo::start().await;
    let (budgets, owner) = (dynamo.budgets(), owner());
    let (hour, day) = (500_000, 500_000 / 24);
    let expected = |tokens: [i64; 3]| {
        let record = |window: String, tokens: i64, expires_at: i64| {
            BTreeMap::from([(window, tokens), ("expires_at".to_owned(), expires_at)])
        };
        BTreeMap::from([
            ("U#default#ada budget".to_owned(), record(format!("h{hour}"), tokens[0], (hour + 2) * 3_600)),
            ("A#192.0.2.1 budget".to_owned(), record(format!("h{hour}"), tokens[1], (hour + 2) * 3_600)),
            ("T#default budget".to_owned(), record(format!("d{day}"), tokens[2], (day + 2) * 86_400)),
        ])
    };
    let accounts = accounts(&owner, [1_000, 500, 2_000]);
    let Admission::Admitted(mut reservation) = budgets.admit(&accounts, 600, None, at(7)).await.unwrap() else {
        panic!()
    };
    assert_eq!(dynamo.reset().units(), (0.0, 3.0));
    assert_eq!(records(&dynamo), expected([600, 500, 600]));

    // What one has no room for is refused, by the one that lasts longest; what the others hold is settled at the end.
    assert_eq!(budgets.hold(&mut reservation, 600, at(7)).await.unwrap().unwrap().limit, Limit::Tokens(Payer::Address));
    let refusal = budgets.hold(&mut reservation, 2_001, at(7)).await.unwrap().unwrap();
    let midnight = (day + 1) * 86_400 - at(7).as_second();
    let longest =
        Refusal { retry_after: Duration::from_secs(midnight.unsigned_abs()), limit: Limit::Tokens(Payer::Tenant) };
    assert_eq!(refusal, longest);
    assert_eq!(records(&dynamo), expected([600, 500, 600]));

    dynamo.reset();
    budgets.settle(&reservation, 70).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 3.0));
    assert_eq!(records(&dynamo), expected([70, 70, 70]));
}

/// A turn with a mark.
async fn marked(budgets: &Budgets, accounts: &[Account<'_>], id: &str, reserve: u64) -> Reservation {
    let mark = TurnMark { id: id.to_owned(), thread_id: Some("thr_1".to_owned()), digest: Some("abc".to_owned()) };
    match budgets.admit(accounts, reserve, Some(mark), at(0)).await.unwrap() {
        Admission::Admitted(reservation) => reservation,
        Admission::Refused(refusal) => panic!("{refusal:?}"),
    }
}

#[tokio::test]
async fn admit_marks_the_users_record_so_that_another_process_can_settle_all() {
    let dynamo = Dynamo::start().await;
    let (budgets, owner) = (dynamo.budgets(), owner());
    let accounts = accounts(&owner, [1_000, 1_000, 1_000]);
    let tokens = || {
        let windows = records(&dynamo).into_iter();
        let tokens = windows.flat_map(|(_, record)| record.into_iter().filter(|(name, _)| name != "expires_at"));
        tokens.map(|(_, tokens)| tokens).collect::<Vec<_>>()
    };
    let mut dies = marked(&budgets, &accounts, "1", 600).await;
    assert_eq!(budgets.hold(&mut dies, 700, at(0)).await.unwrap(), None);
    let with_mark = dynamo.records("counters").into_iter().filter(|record| record.get("r_1").is_some());
    assert_eq!(with_mark.map(|record| record["pk"]["S"].clone()).collect::<Vec<_>>(), ["U#default#ada"]);
    let second = marked(&budgets, &accounts, "2", 300).await;
    let [open] = second.open_turns.as_slice() else { panic!("{second:?}") };
    let of_mark = (open.id.as_str(), open.thread_id.as_deref(), open.digest.as_deref());
    assert_eq!(of_mark, ("1", Some("thr_1"), Some("abc")));
    assert_eq!(tokens(), [1_000; 3]);
    assert!(budgets.settle(open, 70).await.unwrap());
    assert_eq!(tokens(), [370; 3]);
    assert!(!budgets.settle(open, 70).await.unwrap(), "it is settled once");
    assert_eq!(tokens(), [370; 3]);
    // Of the other one, too, all is known that it was admitted with.
    let open = budgets.open_turns(&owner).await.unwrap();
    assert!(budgets.settle(&open[0], 30).await.unwrap());
    assert_eq!(tokens(), [100; 3]);
}

#[tokio::test]
async fn marked_turn_is_admitted_once_and_holds_nothing_more_when_it_is_settled() {
    let dynamo = Dynamo::start().await;
    let (budgets, owner) = (dynamo.budgets(), owner());
    let accounts = accounts(&owner, [1_000, 0, 0]);
    let used = async || budgets.used(&owner, &Bucket::OFF, at(0)).await.unwrap().tokens_this_hour;
    // The second time it is the first one's write, which was delayed and sent again.
    for _ in 0..2 {
        let _: Reservation = marked(&budgets, &accounts, "1", 600).await;
        assert_eq!(used().await, 600);
    }
    let mut turn = marked(&budgets, &accounts, "2", 300).await;
    let mut found = budgets.open_turns(&owner).await.unwrap();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found.iter().map(|turn| turn.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert!(budgets.settle(&found[1], 50).await.unwrap());
    budgets.hold(&mut turn, 400, at(0)).await.unwrap_err();
    assert_eq!(used().await, 650);
}

#[tokio::test]
async fn settle_removes_the_windows_of_past_days() {
    let dynamo = Dynamo::start().await;
    let (budgets, owner) = (dynamo.budgets(), owner());
    let accounts = accounts(&owner, [0, 0, 1_000]);
    for (days, windows) in [(0, vec![0]), (1, vec![0, 1]), (2, vec![1, 2]), (9, vec![9])] {
        let now = at(days * 86_400);
        let Admission::Admitted(reservation) = budgets.admit(&accounts, 600, None, now).await.unwrap() else {
            panic!()
        };
        budgets.settle(&reservation, 5).await.unwrap();
        let record = records(&dynamo).remove("T#default budget").unwrap();
        let first = 500_000 / 24;
        let mut expected: BTreeMap<_, _> = windows.iter().map(|day| (format!("d{}", first + day), 5)).collect();
        expected.insert("expires_at".to_owned(), (first + days + 2) * 86_400);
        assert_eq!(record, expected, "{days}");
    }
}

#[tokio::test]
async fn admit_and_settle_when_the_response_is_lost_count_once() {
    let dynamo = Dynamo::start().await;
    let (budgets, turns) = (dynamo.budgets(), Bucket::per_minute(10));
    let used = async || {
        let used = budgets.used(&owner(), &turns, at(0)).await.unwrap();
        (used.turns_available, used.tokens_this_hour)
    };
    let lose = || dynamo.fail("UpdateItem", "", Fault::CutAfter, 2);
    // Of a bucket that is full, and of one in use.
    for (turns_left, tokens) in [(Some(9), 100), (Some(8), 200)] {
        lose();
        let _: Reservation = admitted(&budgets, &turns, 10_000, 100, at(0)).await;
        assert_eq!(used().await, (turns_left, tokens));
    }
    let mut reservation = admitted(&budgets, &turns, 10_000, 100, at(0)).await;
    lose();
    assert_eq!(budgets.hold(&mut reservation, 5_000, at(0)).await.unwrap(), None);
    assert_eq!(used().await, (Some(7), 5_200));
    lose();
    budgets.settle(&reservation, 40).await.unwrap();
    assert_eq!(used().await, (Some(7), 240));
    // The last turn that there is room for is not refused because it is there already.
    lose();
    let _: Reservation = admitted(&budgets, &turns, 10_000, 9_760, at(0)).await;
    assert_eq!(used().await, (Some(6), 10_000));
}

#[tokio::test]
async fn admit_whose_answers_are_all_lost_holds_nothing() {
    let dynamo = Dynamo::start().await;
    let (budgets, turns, owner) = (dynamo.budgets(), Bucket::per_minute(10), owner());
    let account = Account { turns, tokens: 10_000, ..Account::of("budget", Scope::User(&owner), Window::Hour) };
    let turn = TurnMark { id: "01K2".to_owned(), thread_id: None, digest: None };
    dynamo.fail("UpdateItem", "", Fault::CutAfter, 3);
    budgets.admit(&[account], 100, Some(turn), at(0)).await.unwrap_err();
    assert_eq!(budgets.used(&owner, &turns, at(0)).await.unwrap().tokens_this_hour, 0);
    assert_eq!(budgets.open_turns(&owner).await.unwrap().len(), 0);
}
