//! What happens when DynamoDB does not answer, or answers and the answer is lost.

use chatkit_shared::aws::Aws;
use chatkit_shared::clock::Clock;
use chatkit_shared::store::{BeginError, RunTrigger, Store, ThreadRecord};

use super::{all, answer, at, delete, id, owner, question, run, thread};
use crate::harness::dynamodb::{Dynamo, Fault};
use crate::harness::outside::{client, outside};

const FAULTS: [Fault; 4] = [Fault::Throttle, Fault::ServerError, Fault::CutBefore, Fault::CutAfter];
/// Tries of the client.
const TRIES: u32 = 3;

#[tokio::test]
async fn operations_with_two_faults_in_a_row_succeed() {
    for fault in FAULTS {
        let dynamo = Dynamo::start().await;
        let store = dynamo.store();
        let head = ThreadRecord { run: Some(run(1, "a")), ..thread(1) };
        dynamo.fail("PutItem", "", fault, TRIES - 1);
        dynamo.fail("UpdateItem", "", fault, TRIES - 1);
        store.threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
        dynamo.fail("PutItem", "", fault, TRIES - 1);
        store.threads.create(&owner(), &thread(2), &question(1, "hi")).await.unwrap();
        dynamo.fail("UpdateItem", "run_id", fault, TRIES - 1);
        let (next, item) = (run(2, "a"), question(2, "hi"));
        store.runs.begin(&owner(), &head.id, &next, None, RunTrigger::Message(&item), at(60)).await.unwrap();
        dynamo.fail("GetItem", "", fault, TRIES - 1);
        dynamo.fail("Query", "", fault, TRIES - 1);
        let loaded = store.threads.load(&owner(), &head.id, 24).await.unwrap().unwrap();
        assert_eq!((loaded.thread.run, loaded.items), (Some(next), vec![question(1, "hi"), item]), "{fault:?}");
    }
}

#[tokio::test]
async fn create_when_one_write_fails_is_rolled_back() {
    for fault in FAULTS {
        for (operation, containing) in [("PutItem", "created_at"), ("UpdateItem", "item")] {
            let dynamo = Dynamo::start().await;
            let store = dynamo.store();
            dynamo.fail(operation, containing, fault, TRIES);
            let result = store.threads.create(&owner(), &thread(1), &question(1, "hi")).await;
            let Err(BeginError::Store(error)) = result else { panic!("{result:?}") };
            assert!(error.is_unavailable(), "{error:?}");
            assert_eq!(error.to_string(), "the store is not available");
            assert_eq!(dynamo.records("threads").len(), 0, "{fault:?} {operation}");
        }
    }
}

#[tokio::test]
async fn begin_run_when_one_write_fails_is_rolled_back() {
    for fault in FAULTS {
        for containing in ["run_digest", "#item"] {
            // Whether the item was written is then unknown, and what stood there before.
            if (fault, containing) == (Fault::CutAfter, "#item") {
                continue;
            }
            let dynamo = Dynamo::start().await;
            let store = dynamo.store();
            store.threads.create(&owner(), &thread(1), &question(1, "hi")).await.unwrap();
            dynamo.fail("UpdateItem", containing, fault, TRIES);
            let item = question(2, "and?");
            let result =
                store.runs.begin(&owner(), &id("thr", 1), &run(2, "a"), None, RunTrigger::Message(&item), at(0)).await;
            assert!(matches!(result, Err(BeginError::Store(error)) if error.is_unavailable()));
            let loaded = store.threads.load(&owner(), &id("thr", 1), 24).await.unwrap().unwrap();
            assert_eq!((loaded.thread.run, loaded.items), (None, vec![question(1, "hi")]), "{fault:?} {containing}");
        }
    }
}

#[tokio::test]
async fn delete_when_interrupted_hides_the_thread_and_can_be_finished() {
    for (operation, containing, left) in
        [("UpdateItem", "", 61), ("Query", "", 61), ("BatchWriteItem", "0026\"", 36), ("DeleteItem", "", 1)]
    {
        for fault in [Fault::ServerError, Fault::CutBefore] {
            let dynamo = Dynamo::start().await;
            let (store, head) = (dynamo.store(), thread(1));
            store.threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
            for number in 2..=60 {
                store.items.put(&owner(), &head.id, &answer(number, "x")).await.unwrap();
            }
            dynamo.fail(operation, containing, fault, TRIES);
            assert!(delete(&store, &owner(), &head.id).await.unwrap_err().is_unavailable());
            let records = dynamo.records("threads").len();
            // Batches run beside one another; which of the others were written by then is open.
            assert!(if operation == "BatchWriteItem" { (26..=36).contains(&records) } else { records == left });

            dynamo.reset();
            let visible = operation == "UpdateItem";
            assert_eq!(store.threads.head(&owner(), &head.id).await.unwrap().is_some(), visible);
            assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap().is_some(), visible);
            assert_eq!(store.items.list(&owner(), &head.id, &all()).await.unwrap().is_some(), visible);
            assert_eq!(store.items.get(&owner(), &head.id, &id("msg", 60)).await.unwrap().is_some(), visible);
            let list = store.threads.list(&owner(), &all()).await.unwrap();
            let half_deleted = if visible { Vec::new() } else { vec![(head.id.clone(), at(0))] };
            assert_eq!((list.page.data.len(), list.half_deleted), (usize::from(visible), half_deleted));
            assert_eq!(store.threads.head(&owner(), &head.id).await.unwrap().is_none(), !visible);

            delete(&store, &owner(), &head.id).await.unwrap();
            assert_eq!(dynamo.records("threads").len(), 0);
        }
    }
}

#[tokio::test]
async fn store_error_when_the_table_is_missing_is_not_transient() {
    let dynamo = Dynamo::start().await;
    let mut env = chatkit_shared::env::Env::from_iter([
        ("TABLE_THREADS", "missing"),
        ("TABLE_COUNTERS", "missing"),
        ("TABLE_USAGE", "missing"),
    ]);
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_DYNAMODB"] {
        env.or_insert(name, dynamo.env().get(name).unwrap());
    }
    let store = Store::from_env(&dynamo.handle(), &env).unwrap();
    let error = store.threads.head(&owner(), "thr_1").await.unwrap_err();
    assert_eq!(
        (error.is_unavailable(), error.to_string().as_str()),
        (
            false,
            "the store refuses: create the tables that `TABLE_THREADS`, `TABLE_COUNTERS` and `TABLE_USAGE` name, or \
         correct the names"
        )
    );

    env = chatkit_shared::env::Env::from_iter([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("TABLE_THREADS", "threads"),
        ("TABLE_COUNTERS", "counters"),
        ("TABLE_USAGE", "usage"),
    ]);
    let dynamodb = outside(&env, &Clock::system()).dynamodb;
    let store = Store::from_env(&dynamodb, &env).unwrap();
    assert!(store.threads.head(&owner(), "thr_1").await.unwrap_err().is_unavailable());
}

#[test]
fn aws_from_env_when_a_variable_is_missing_names_it() {
    let env = chatkit_shared::env::Env::from_iter([("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "test")]);
    let error = Aws::from_env(&env, client()).unwrap_err();
    assert_eq!(error.to_string(), "`AWS_SECRET_ACCESS_KEY` must be set to the access key's secret");
}

#[tokio::test]
async fn claim_when_the_response_is_lost_succeeds() {
    let dynamo = Dynamo::start().await;
    let claims = dynamo.claims();
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let name = format!("{fault:?}");
        dynamo.fail("UpdateItem", "O#", fault, 2);
        assert!(claims.claim(&name, at(3600)).await.unwrap(), "{name}");
        assert!(!claims.claim(&name, at(3600)).await.unwrap(), "{name}");
    }
}
