//! What belongs to somebody else does not exist.

use axum::body::Body;
use chatkit_shared::http::TrustedIdentity;
use chatkit_shared::identity::{Identity, Owner};
use http::Request;
use serde_json::{Value, json};

use crate::harness::app::{Answer, App, chatkit, create, thread_id};
use crate::harness::names::Names;
use crate::harness::requests::operations;
use crate::harness::responses::answer;

/// An operation of a user of a tenant.
fn of(tenant: &str, user: &str, operation: &Value) -> Request<Body> {
    let mut request = chatkit(user, operation);
    let owner = Owner::new(tenant, user).unwrap();
    request.extensions_mut().insert(TrustedIdentity(Identity::of(owner)));
    request
}

/// Status and body, without the request's id.
fn seen(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), Names::default().text(&answer.text))
}

#[tokio::test]
async fn operations_on_the_ids_of_another_user_answer_as_for_unknown_ids() {
    // Names that try to look like another's keys.
    for (tenant, user) in
        [("default", "eve"), ("other", "alice"), ("default", "alice#"), ("default#alice", "eve"), ("Default", "alice")]
    {
        let app = App::with([("LIMIT_USER_TURNS_PER_MINUTE", "0")]).await;
        app.model.on(|request| !request.is_title(), answer("A secret"));
        let thread = thread_id(&app.create("alice", "My secret").await);
        let before = super::reload(&app, "alice", &thread).await;
        let item = before["items"]["data"][0]["id"].as_str().unwrap().to_owned();
        let own = thread_id(&app.send(of(tenant, user, &create("My own"))).await.events());
        let (records, asked) = (app.dynamo.records("threads").len(), app.model.requests().len());

        let invented = ("thr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let mut attempts = vec![
            (operations(&thread, &item), operations(invented.0, invented.1)),
            // In a thread of one's own, the items of another.
            (operations(&own, &item), operations(&own, invented.1)),
        ];
        for disguised in [format!("alice#{thread}"), format!("default#alice#{thread}")] {
            attempts.push((operations(&disguised, &item), operations(invented.0, invented.1)));
        }
        for (real, invented) in attempts {
            for ((kind, real, built), (_, invented, _)) in real.into_iter().zip(invented) {
                let reaches_own =
                    real["thread_id"] == json!(own) && real.get("item_id").or(real.get("item_ids")).is_none();
                if !built || real.get("thread_id").is_none() || reaches_own {
                    continue;
                }
                let real = app.send(of(tenant, user, &super::operation(kind, real))).await;
                let invented = app.send(of(tenant, user, &super::operation(kind, invented))).await;
                assert_eq!(seen(&real), seen(&invented), "{kind}");
                assert!(real.status == 404 || (kind == "threads.delete" && real.text == "{}"), "{kind} {}", real.text);
            }
        }
        for (kind, params) in [
            ("threads.list", json!({ "limit": 9999 })),
            ("threads.list", json!({ "limit": 9999, "after": "thr_0", "order": "asc" })),
            ("items.list", json!({ "thread_id": own, "after": item, "limit": 9999 })),
            ("items.list", json!({ "thread_id": own, "after": item, "limit": 9999, "order": "asc" })),
        ] {
            let answer = app.send(of(tenant, user, &super::operation(kind, params))).await;
            assert!(answer.status == 200 && !answer.text.contains("My secret"), "{}", answer.text);
        }
        assert_eq!(super::reload(&app, "alice", &thread).await, before);
        assert_eq!((app.dynamo.records("threads").len(), app.model.requests().len()), (records, asked));
    }
}

#[tokio::test]
async fn limits_of_one_user_do_not_affect_another_user() {
    let app = App::with([("LIMIT_USER_REQUESTS_PER_MINUTE", "1"), ("LIMIT_USER_TURNS_PER_MINUTE", "1")]).await;
    app.model.on(|request| !request.is_title(), answer("ok"));
    let list = super::operation("threads.list", json!({}));
    for (tenant, user) in [("default", "alice"), ("default", "bob"), ("other", "alice")] {
        assert_eq!(app.send(of(tenant, user, &list)).await.status, 200);
        app.send(of(tenant, user, &list)).await.error(429, "rate_limit_exceeded");
        assert_eq!(app.send(of(tenant, user, &create("Hi"))).await.status, 200);
        app.send(of(tenant, user, &create("Hi"))).await.error(429, "rate_limit_exceeded");
    }
}
