//! Sessions by the hash of their secret.

use std::time::Duration;

use chatkit_shared::store::SessionRecord;

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
    };
    sessions.put("abc", &session, at(1000)).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(sessions.get("abc", at(999)).await.unwrap(), Some(session));
    assert_eq!(dynamo.reset().units(), (1.0, 0.0));
    assert_eq!(sessions.get("abc", at(1000)).await.unwrap(), None);
    assert_eq!(sessions.get("abd", at(0)).await.unwrap(), None);
    assert_eq!(sessions.get("", at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn rotate_succeeds_once_and_again_within_the_leeway() {
    let dynamo = Dynamo::start().await;
    let sessions = dynamo.sessions();
    let leeway = Duration::from_secs(30);
    let mut exchanged = Vec::new();
    for seconds in [0, 0, 30, 31, 10_000] {
        exchanged.push(sessions.rotate("abc", at(seconds), leeway, at(1000)).await.unwrap());
    }
    assert_eq!(exchanged, [true, true, true, false, false]);
    assert_eq!(dynamo.reset().units(), (0.0, 5.0));
    assert!(sessions.rotate("abd", at(31), leeway, at(1000)).await.unwrap());
}
