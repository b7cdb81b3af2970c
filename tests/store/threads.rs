use chatkit_shared::protocol::ThreadStatus;
use chatkit_shared::store::{Loaded, Threads};

use super::{answer, at, hidden, id, owner, question, run, thread};
use crate::harness::dynamodb::Dynamo;

#[tokio::test]
async fn smoke() {
    let dynamo = Dynamo::start().await;
    let threads = dynamo.threads();
    let head = thread(1);
    threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
    let loaded = threads.load(&owner(), &head.id, Threads::NEWEST).await.unwrap();
    let meter = dynamo.reset();
    println!("{:?} {:?} {}", meter.operations(), meter.units(), meter.round_trips());
    assert_eq!(loaded, Some(Loaded { thread: head, items: vec![question(1, "hi")], has_more: false }));
}
