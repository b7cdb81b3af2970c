//! The tables that the local server and the tests create.

use chatkit_shared::store::{TableNames, create_missing};
use serde_json::json;

use super::{owner, question, thread};
use crate::harness::dynamodb::{Dynamo, Fault};

#[tokio::test]
async fn create_missing_keeps_existing_tables_and_enables_expiry() {
    let dynamo = Dynamo::start().await;
    dynamo.store().threads.create(&owner(), &thread(1), &question(1, "hi")).await.unwrap();
    let names = TableNames::from_env(&dynamo.env()).unwrap();
    create_missing(&dynamo.handle(), &names).await.unwrap();
    assert_eq!(dynamo.records("threads").len(), 2);

    let on = json!({ "TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at" });
    assert_eq!(["threads", "counters", "usage"].map(|table| dynamo.time_to_live(table)), [on.clone(), on.clone(), on]);
}

#[tokio::test]
async fn create_missing_after_an_interruption_finishes() {
    let dynamo = Dynamo::start().await;
    let names = TableNames { usage: "usage-2".to_owned(), ..TableNames::from_env(&dynamo.env()).unwrap() };
    dynamo.fail("UpdateTimeToLive", "", Fault::ServerError, 3);
    create_missing(&dynamo.handle(), &names).await.unwrap_err();
    create_missing(&dynamo.handle(), &names).await.unwrap();
    assert_eq!(dynamo.time_to_live("usage-2")["TimeToLiveStatus"], "ENABLED");
}
