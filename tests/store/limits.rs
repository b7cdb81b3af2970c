//! Buckets, shared by any number of processes.

use std::time::Duration;

use chatkit_shared::limits::Bucket;
use chatkit_shared::store::{Decision, Scope};
use jiff::SignedDuration;

use super::{at, owner};
use crate::harness::dynamodb::{Dynamo, Fault};

const ADDRESS: Scope<'_> = Scope::Address("192.0.2.1");

#[tokio::test]
async fn take_costs_one_write() {
    let dynamo = Dynamo::start().await;
    let budgets = dynamo.budgets();
    let bucket = Bucket::new(3, 1, Duration::from_secs(10));
    let mut decisions = Vec::new();
    for seconds in [0, 0, 1, 1, 10, 19, 20] {
        decisions.push(budgets.take(ADDRESS, "start", &bucket, at(seconds)).await.unwrap());
    }
    let refused = |seconds| Decision::Refused { retry_after: Duration::from_secs(seconds) };
    let admitted = Decision::Admitted;
    assert_eq!(decisions, [admitted, admitted, admitted, refused(9), admitted, refused(1), admitted]);
    assert_eq!(dynamo.reset().units(), (0.0, 7.0));

    // A process that remembers nothing tries the wrong condition first.
    assert_eq!(dynamo.budgets().take(ADDRESS, "start", &bucket, at(30)).await.unwrap(), admitted);
    assert_eq!(dynamo.reset().units(), (0.0, 2.0));
    // What one remembers from long ago is a full bucket by now.
    assert_eq!(budgets.take(ADDRESS, "start", &bucket, at(10_000)).await.unwrap(), admitted);
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));

    let record = &dynamo.records("counters")[0];
    assert_eq!(record["expires_at"]["N"], (at(10_031).as_second()).to_string());

    // Another process has given something back: the bucket is full earlier than this one remembers.
    let mut record = record.clone();
    record["full_at"]["N"] = at(10_000).as_microsecond().to_string().into();
    dynamo.put("counters", &record);
    assert_eq!(budgets.take(ADDRESS, "start", &bucket, at(10_001)).await.unwrap(), admitted);
    assert_eq!(dynamo.reset().units(), (0.0, 2.0));
}

#[tokio::test]
async fn take_remembers_the_states_of_a_thousand_buckets() {
    let dynamo = Dynamo::start().await;
    let (budgets, bucket) = (dynamo.budgets(), Bucket::new(3, 1, Duration::from_secs(3600)));
    let take = async |address: u32| {
        let address = address.to_string();
        let taken = budgets.take(Scope::Address(&address), "start", &bucket, at(0)).await.unwrap();
        assert_eq!(taken, Decision::Admitted);
        dynamo.reset().units().1
    };
    for address in 0..1_024 {
        assert_eq!(take(address).await, 1.0);
    }
    for address in [0, 1] {
        assert_eq!(take(address).await, 1.0, "it is remembered");
    }
    assert_eq!(take(1_024).await, 1.0);
    assert_eq!(take(1).await, 2.0, "it is forgotten, as all others are");
}

#[tokio::test]
async fn take_separates_scopes_and_names_and_costs_nothing_when_off() {
    let dynamo = Dynamo::start().await;
    let (budgets, owner) = (dynamo.budgets(), owner());
    let one = Bucket::new(1, 1, Duration::from_secs(60));
    let long = "#".repeat(5000);
    let scopes = [ADDRESS, Scope::Address("192.0.2.1#start"), Scope::Address("default#ada"), Scope::Address(&long)];
    for scope in scopes.into_iter().chain([Scope::User(&owner)]) {
        for name in ["start", "refresh"] {
            assert_eq!(budgets.take(scope, name, &one, at(0)).await.unwrap(), Decision::Admitted, "{scope:?}");
            assert_ne!(budgets.take(scope, name, &one, at(0)).await.unwrap(), Decision::Admitted, "{scope:?}");
        }
    }
    dynamo.reset();
    for _ in 0..3 {
        assert_eq!(budgets.take(ADDRESS, "off", &Bucket::per_minute(0), at(0)).await.unwrap(), Decision::Admitted);
    }
    assert_eq!(dynamo.reset().calls, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn take_when_raced_admits_exactly_the_capacity() {
    let dynamo = Dynamo::start().await;
    let bucket = Bucket::new(100, 1, Duration::from_secs(3600));
    let clients: Vec<_> = (0..5).map(|_| dynamo.budgets()).collect();
    let takes = (0..300).map(|number| {
        let budgets = clients[number % clients.len()].clone();
        // Clocks differ a little.
        let now = at(0) + SignedDuration::from_millis(i64::try_from(number % 7).unwrap());
        async move { budgets.take(ADDRESS, "start", &bucket, now).await.unwrap() }
    });
    // No more at once than are answered within the SDK's timeout on a machine that is busy with other tests.
    let decisions = futures_util::stream::StreamExt::buffer_unordered(futures_util::stream::iter(takes), 20);
    let decisions: Vec<_> = futures_util::StreamExt::collect(decisions).await;
    assert_eq!(decisions.iter().filter(|decision| **decision == Decision::Admitted).count(), 100);
}

#[tokio::test]
async fn take_when_the_response_is_lost_counts_once() {
    let dynamo = Dynamo::start().await;
    let (budgets, bucket) = (dynamo.budgets(), Bucket::new(3, 1, Duration::from_secs(3600)));
    for _ in 0..3 {
        dynamo.fail("UpdateItem", "", Fault::CutAfter, 2);
        assert_eq!(budgets.take(ADDRESS, "start", &bucket, at(0)).await.unwrap(), Decision::Admitted);
    }
    assert_ne!(budgets.take(ADDRESS, "start", &bucket, at(0)).await.unwrap(), Decision::Admitted);
}
