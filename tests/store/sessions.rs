//! Sessions by the hash of their secret.

use std::time::Duration;

use chatkit_shared::identity::{Owner, SessionId};
use chatkit_shared::store::{Exchange, SessionRecord};

use super::at;
use crate::harness::dynamodb::Dynamo;

#[tokio::test]
async fn session_is_found_until_it_expires() {
    let dynamo = Dynamo::start().await;
    let sessions = dynamo.sessions();
    let session = SessionRecord {
        tenant: "acme".to_owned(),
        user: "ada".to_owned(),
        anonymous: false,
        session_id: "ses_1".to_owned(),
        expires_at: at(600),
        id: Some(SessionId { family: "ses_0".to_owned(), generation: 3 }),
        began_at: Some(at(-60)),
    };
    sessions.put("abc", &session, at(1000)).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(sessions.get("abc", at(999)).await.unwrap(), Some(session));
    assert_eq!(dynamo.reset().units(), (1.0, 0.0));
    assert_eq!(sessions.get("abc", at(1000)).await.unwrap(), None);
    assert_eq!(sessions.get("abd", at(0)).await.unwrap(), None);
    assert_eq!(sessions.get("", at(0)).await.unwrap(), None);
}

fn id(text: &str) -> SessionId {
    SessionId::from(text)
}

#[tokio::test]
async fn session_is_exchanged_once_and_again_within_the_leeway() {
    let dynamo = Dynamo::start().await;
    let sessions = dynamo.sessions();
    let exchange = async |text: &str, seconds| {
        sessions.exchange(&id(text), at(seconds), Duration::from_secs(30), at(1000)).await.unwrap()
    };
    assert_eq!(exchange("ses_1", 0).await, Exchange::First);
    for seconds in [0, 30] {
        assert_eq!(exchange("ses_1", seconds).await, Exchange::Again(at(0)));
    }
    assert_eq!(exchange("ses_1.1", 30).await, Exchange::First);
    assert_eq!(exchange("ses_1.1", 60).await, Exchange::Again(at(30)));
    assert_eq!(dynamo.reset().units(), (0.0, 5.0));
    assert_eq!(exchange("ses_1.1", 61).await, Exchange::Reused);
    assert_eq!(dynamo.reset().units(), (0.0, 2.0));
    for text in ["ses_1", "ses_1.1", "ses_1.2", "ses_1.3"] {
        assert_eq!(exchange(text, 62).await, Exchange::Ended);
    }
    assert_eq!(exchange("ses_2.7", 62).await, Exchange::First, "another family, whose record was lost");
    assert_eq!(exchange("ses_2.6", 62).await, Exchange::Reused, "two generations ago");
}

#[tokio::test]
async fn exchange_whose_answer_was_lost_is_the_first_one_or_again() {
    let dynamo = Dynamo::start().await;
    dynamo.fail("UpdateItem", "", crate::harness::dynamodb::Fault::CutAfter, 1);
    let sessions = dynamo.sessions();
    let exchanged = sessions.exchange(&id("ses_1"), at(0), Duration::from_secs(30), at(1000)).await.unwrap();
    assert_eq!(exchanged, Exchange::Again(at(0)));
}

#[tokio::test]
async fn ended_families_are_exchanged_no_more() {
    let dynamo = Dynamo::start().await;
    let sessions = dynamo.sessions();
    let exchange =
        async |text: &str| sessions.exchange(&id(text), at(10), Duration::from_secs(30), at(1000)).await.unwrap();
    sessions.end("ses_1", at(0), at(1000)).await.unwrap();
    assert_eq!(exchange("ses_1").await, Exchange::Ended);
    assert_eq!(exchange("ses_2").await, Exchange::First);
    sessions.end("ses_2", at(20), at(1000)).await.unwrap();
    assert_eq!(exchange("ses_2").await, Exchange::Ended);
    assert_eq!(exchange("ses_2.1").await, Exchange::Ended);

    let owner = |tenant: &str, user: &str| Owner::new(tenant, user).unwrap();
    sessions.end_all(&owner("acme", "ada"), at(5), at(1000)).await.unwrap();
    assert_eq!(sessions.all_ended_at(&owner("acme", "ada")).await.unwrap(), Some(at(5)));
    for other in [owner("acme", "grace"), owner("default", "ada"), owner("ac", "me#ada")] {
        assert_eq!(sessions.all_ended_at(&other).await.unwrap(), None);
    }
}
