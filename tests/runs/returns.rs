//! A client that comes back to a run, with the position that it has.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    again, client, half_said, in_halves, live, other_process, reload, rest, run_of, send, texts, thread, until_delta,
    while_time_passes,
};
use crate::harness::app::{App, add, chatkit, create};
use crate::harness::dynamodb::Fault;
use crate::harness::live::Live;
use crate::harness::model::Gate;
use crate::harness::page::Page;
use crate::harness::responses::{answer, upstream_error};

#[tokio::test]
async fn client_that_comes_back_while_the_answer_ends_sees_all_of_it() {
    let app = App::start().await;
    let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
    let thread_id = thread(&app).await;
    let operation = add(&thread_id, "go");
    app.model.then(in_halves(&one, &two, &end));
    let mut started = app.live("alice", &operation).await;
    started.until("stream_options").await;
    let position = started.position.clone().unwrap();
    one.open();
    until_delta(&mut started, "One, ").await;
    // It reads what is stored when more is stored than there was when it came.
    let read = app.dynamo.hold("Query", "");
    let back = live(&app.router, again("alice", &operation, &position)).await;
    read.arrived.pass().await;
    two.open();
    end.open();
    started.rest().await;
    read.released.open();
    let (mut page, events) = (Page::of(&thread_id), back.rest().await);
    let refused: Vec<_> = events.iter().filter_map(|event| page.show(event).err()).collect();
    assert!(refused.is_empty(), "{refused:?} in {events:#?}");
    assert_eq!(page.items.last().unwrap()["content"][0]["text"], "One, two.", "{events:#?}");
}

#[tokio::test]
async fn client_that_comes_back_sees_all_of_the_answer_and_nothing_twice() {
    for in_another_process in [false, true] {
        for first in [true, false] {
            let app = App::start().await;
            let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
            let thread_id = if first { String::new() } else { thread(&app).await };
            let operation = if first { create("go") } else { add(&thread_id, "go") };
            app.model.then(in_halves(&one, &two, &end));
            let mut started = app.live("alice", &operation).await;
            let mut seen = vec![started.next().await.unwrap()];
            one.open();
            loop {
                seen.push(started.next().await.unwrap());
                if seen.last().unwrap()["update"]["delta"] == "One, " {
                    break;
                }
            }
            let position = started.position.clone().unwrap();
            let router = if in_another_process { other_process(&app) } else { app.router.clone() };
            let asked = app.model.requests().len();

            two.open();
            if in_another_process {
                // The record of the run, which another process reads.
                until_delta(&mut started, "two.").await;
                recorded(&app, "two.").await;
            }
            drop(started);
            let mut back = live(&router, again("alice", &operation, &position)).await;
            loop {
                let event = back.next().await.unwrap();
                seen.push(event.clone());
                if event["update"]["delta"].as_str().is_some_and(|delta| delta.contains("two.")) {
                    break;
                }
            }
            end.open();
            seen.extend(rest(&app, back).await);
            let thread_id = position.split(':').next().unwrap().to_owned();
            let stored = reload(&app.router, "alice", &thread_id).await["items"]["data"].as_array().unwrap().clone();
            let stored = if first { stored } else { stored[2..].to_vec() };
            assert_eq!(client(&seen), stored, "{in_another_process} {first} {seen:#?}");
            let deltas: String = seen.iter().filter_map(|event| event["update"]["delta"].as_str()).collect();
            assert_eq!(deltas, "One, two.");
            // Nothing was started for it.
            let titles = app.model.requests()[asked..].iter().filter(|request| !request.is_title()).count();
            assert_eq!(titles, 0);
            let list = app.chatkit("alice", &json!({ "type": "threads.list", "params": {} })).await.json();
            assert_eq!(list["data"].as_array().unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn client_that_has_more_than_the_record_of_its_run_sees_nothing_twice() {
    let app = App::start().await;
    let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
    let thread_id = thread(&app).await;
    let operation = add(&thread_id, "go");
    app.model.then(in_halves(&one, &two, &end));
    let (mut page, mut started) = (Page::of(&thread_id), app.live("alice", &operation).await);
    page.show(&started.until("stream_options").await).unwrap();
    page.show(&started.until("thread.item.added").await).unwrap();
    recorded(&app, r#""content":[]"#).await;
    one.open();
    while page.items.last().unwrap()["content"][0]["text"] != "One, " {
        page.show(&started.next().await.unwrap()).unwrap();
    }
    let position = started.position.clone().unwrap();
    let mut back = live(&other_process(&app), again("alice", &operation, &position)).await;
    page.show(&back.next().await.unwrap()).unwrap();
    two.open();
    until_delta(&mut started, "two.").await;
    recorded(&app, "two.").await;
    end.open();
    started.rest().await;
    for event in rest(&app, back).await {
        page.show(&event).unwrap();
    }
    assert_eq!(page.items.last().unwrap()["content"][0]["text"], "One, two.");
}

#[tokio::test]
async fn follower_looks_again_when_the_database_fails() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let operation = add(&thread_id, "go");
    let (started, two, end) = half_said(&app, &operation).await;
    recorded(&app, "One, ").await;
    let mut back = live(&other_process(&app), run_of(Method::GET, "alice", &thread_id)).await;
    until_delta(&mut back, "One, ").await;
    app.dynamo.fail("Query", "", Fault::ServerError, 3);
    two.open();
    end.open();
    started.rest().await;
    let events = rest(&app, back).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["thread.updated", "thread.item.done"], "{events:#?}");
    assert_eq!(app.dynamo.faults_left(), 0);
}

/// Lets time pass until the record of the run has this.
async fn recorded(app: &App, part: &str) {
    let has = |record: &Value| record["snapshot"]["S"].as_str().is_some_and(|snapshot| snapshot.contains(part));
    while_time_passes(app, app.dynamo.until("threads", |records| records.iter().any(has))).await;
}

#[tokio::test]
async fn client_that_comes_back_after_the_end_is_shown_how_it_ended() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    app.model.then(answer("All of it"));
    let operation = add(&thread_id, "go");
    let mut started = app.live("alice", &operation).await;
    started.until("stream_options").await;
    let position = started.position.clone().unwrap();
    started.end().await;
    for router in [app.router.clone(), other_process(&app)] {
        let events = send(&router, again("alice", &operation, &position)).await.events();
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["stream_options", "thread.updated", "thread.item.done"]);
        assert_eq!(events[2]["item"]["content"][0]["text"], "All of it");
    }
    assert_eq!(texts(&app.router, "alice", &thread_id).await, ["Hi", "Hello", "go", "All of it"]);

    // A turn that failed says so again.
    app.model.then(upstream_error(400, "invalid_request_error", "no"));
    let mut started = app.live("alice", &add(&thread_id, "more")).await;
    started.until("stream_options").await;
    let position = started.position.clone().unwrap();
    let error = started.rest().await.pop().unwrap();
    assert_eq!(error["type"], "error");
    let events = send(&other_process(&app), again("alice", &add(&thread_id, "more"), &position)).await.events();
    assert_eq!(events.iter().filter(|event| event["type"] == "error").collect::<Vec<_>>(), [&error]);
}

#[tokio::test]
async fn same_message_while_its_run_is_live_joins_it() {
    for in_another_process in [false, true] {
        let app = App::start().await;
        let thread_id = thread(&app).await;
        let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
        app.model.then(in_halves(&one, &two, &end));
        let mut started = app.live("alice", &add(&thread_id, "go")).await;
        started.until("stream_options").await;
        let router = if in_another_process { other_process(&app) } else { app.router.clone() };
        let mut joined = live(&router, chatkit("alice", &add(&thread_id, "go"))).await;
        joined.until("stream_options").await;
        [&one, &two, &end].into_iter().for_each(Gate::open_for_good);
        started.end().await;
        let events = rest(&app, joined).await;
        let said: Vec<_> = client(&events).iter().map(|item| item["content"][0]["text"].clone()).collect();
        assert!(said.ends_with(&[json!("One, two.")]), "{events:?}");
        assert_eq!(texts(&app.router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, two."]);
        assert_eq!(super::used(&app).0, 2);
        assert_eq!(super::budget(&app).1, 0);
        // What joined does not count as a turn: 20 less the two.
        let me =
            app.send(super::request(Method::GET, "/api/usage/me", "alice", axum::body::Body::empty())).await.json();
        assert_eq!(me["turns"]["remaining"].as_u64(), Some(18), "{me}");
    }
}

#[tokio::test]
async fn thread_that_is_begun_twice_with_the_same_message_is_one() {
    let app = App::start().await;
    let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
    app.model.then(in_halves(&one, &two, &end));
    let mut started = app.live("alice", &create("go")).await;
    let thread = started.until("thread.created").await["thread"]["id"].clone();
    let mut joined = app.live("alice", &create("go")).await;
    assert_eq!(joined.until("thread.created").await["thread"]["id"], thread);
    [&one, &two, &end].into_iter().for_each(Gate::open_for_good);
    started.end().await;
    rest(&app, joined).await;
    let list = app.chatkit("alice", &json!({ "type": "threads.list", "params": {} })).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!((super::used(&app).0, super::budget(&app).1), (1, 0));
}

#[tokio::test]
async fn thread_in_the_middle_of_a_run_shows_what_has_come() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let (started, two, end) = half_said(&app, &add(&thread_id, "go")).await;
    let other = other_process(&app);
    app.clock.advance(2_500);
    app.dynamo.until("threads", |records| records.iter().any(|record| record["snapshot"].is_object())).await;
    for router in [&app.router, &other] {
        assert_eq!(texts(router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
        for limit in 1..=4 {
            for order in ["asc", "desc"] {
                let listed = pages(router, &thread_id, order, limit).await;
                let mut texts: Vec<_> =
                    listed.iter().map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect();
                if order == "desc" {
                    texts.reverse();
                }
                assert_eq!(texts, ["Hi", "Hello", "go", "One, "], "{order} {limit}");
            }
        }
    }
    [&two, &end].into_iter().for_each(Gate::open_for_good);
    started.end().await;
    assert_eq!(texts(&other, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, two."]);
}

/// All items of a thread, page by page.
async fn pages(router: &axum::Router, thread_id: &str, order: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), Value::Null);
    loop {
        let params = json!({ "thread_id": thread_id, "order": order, "limit": limit, "after": after });
        let page = send(router, chatkit("alice", &json!({ "type": "items.list", "params": params }))).await.json();
        items.extend(page["data"].as_array().unwrap().clone());
        if page["has_more"] == false {
            return items;
        }
        after = page["after"].clone();
    }
}

#[tokio::test]
async fn run_that_is_foreign_or_unknown_looks_like_an_unknown_thread() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let gate = Gate::closed();
    app.model.then(in_halves(&gate, &gate, &gate));
    let operation = add(&thread_id, "go");
    let mut started = app.live("alice", &operation).await;
    started.until("stream_options").await;
    let position = started.position.clone().unwrap();
    let run = position.split(':').nth(1).unwrap();
    for (user, position) in [
        ("eve", position.clone()),
        ("alice", format!("{thread_id}:run_01KADK5S00000000000000000A:1:0")),
        ("alice", format!("thr_01KADK5S00000000000000000A:{run}:1:0")),
    ] {
        for router in [&app.router, &other_process(&app)] {
            let refused = send(router, again(user, &operation, &position)).await;
            assert_eq!(refused.error(404, "not_found"), "this thread does not exist", "{user} {position}");
        }
    }
    app.send(again("alice", &operation, "4711")).await.error(400, "bad_request");
    for method in [Method::GET, Method::DELETE] {
        app.send(run_of(method.clone(), "eve", &thread_id)).await.error(404, "not_found");
        app.send(run_of(method, "alice", "thr_no")).await.error(404, "not_found");
    }
    gate.open_for_good();
    started.end().await;
}

#[tokio::test]
async fn run_of_a_thread_is_followed_from_its_beginning() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let none = app.send(run_of(Method::GET, "alice", &thread_id)).await;
    assert_eq!((none.status, &*none.text), (StatusCode::NO_CONTENT, ""));
    let (_started, two, end) = half_said(&app, &add(&thread_id, "go")).await;
    let mut followed = Live::of(app.begin(run_of(Method::GET, "alice", &thread_id)).await);
    let mut seen = vec![followed.next().await.unwrap(), followed.next().await.unwrap()];
    // As the run itself began.
    assert_eq!(seen.iter().map(|event| &event["type"]).collect::<Vec<_>>(), ["thread.item.done", "stream_options"]);
    [&two, &end].into_iter().for_each(Gate::open_for_good);
    seen.extend(followed.rest().await);
    let texts: Vec<_> = client(&seen).iter().map(|item| item["content"][0]["text"].clone()).collect();
    assert_eq!(texts, ["go", "One, two."]);
    assert_eq!(app.send(run_of(Method::GET, "alice", &thread_id)).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn failed_retry_leaves_everything_as_it_was() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    app.model.then(answer("Second"));
    app.add("alice", &thread_id, "two").await;
    let before = reload(&app.router, "alice", &thread_id).await;
    let question = before["items"]["data"][0]["id"].as_str().unwrap().to_owned();
    let retry =
        json!({ "type": "threads.retry_after_item", "params": { "thread_id": thread_id, "item_id": question } });
    app.model.then(upstream_error(400, "invalid_request_error", "no"));
    let events = app.chatkit("alice", &retry).await.events();
    assert_eq!(events.last().unwrap()["type"], "error");
    assert_eq!(reload(&app.router, "alice", &thread_id).await, before);
    // While it is answered anew, the old answers are not shown; with the first item of the new one they are gone.
    let (live, two, end) = half_said(&app, &retry).await;
    assert_eq!(texts(&app.router, "alice", &thread_id).await, ["Hi", "One, "]);
    [&two, &end].into_iter().for_each(Gate::open_for_good);
    live.end().await;
    assert_eq!(texts(&app.router, "alice", &thread_id).await, ["Hi", "One, two."]);
}
