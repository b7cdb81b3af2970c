//! Whatever is sent, the server has an answer below 500, and a later request finds it unharmed.

use axum::body::Body;
use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::bad_input::NO_LIMITS;
use super::transcript;
use crate::harness::app::{App, request};
use crate::harness::requests::operations;
use crate::harness::responses::answer;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z#%\\x00 ]{0,8}",
        Just("x".repeat(3_000)),
        Just("asc".to_owned()),
        Just("input_tag".to_owned()),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// How many values a tree has, itself among them.
fn size(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(elements) => elements.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Puts another value in the place with the number.
fn replace(tree: &mut Value, number: &mut usize, with: &Value) {
    if *number == 0 {
        *tree = with.clone();
    }
    *number = number.wrapping_sub(1);
    match tree {
        _ if *number > usize::MAX / 2 => {}
        Value::Array(elements) => elements.iter_mut().for_each(|element| replace(element, number, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, number, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check<T: std::fmt::Debug>(cases: u32, bodies: &impl Strategy<Value = T>, body: impl Fn(&str, T) -> Vec<u8>) {
    let runtime = Runtime::new().unwrap();
    let (app, thread_id) = runtime.block_on(async {
        let app = App::with(NO_LIMITS).await;
        app.model.on(|_| true, answer("ok"));
        let thread_id = crate::harness::app::thread_id(&app.create("bob", "Hi").await);
        (app, thread_id)
    });
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(bodies, |case| {
        let sent = request(Method::POST, "/chatkit", "alice", Body::from(body(&thread_id, case)));
        let answer = runtime.block_on(app.send(sent));
        match answer.status.as_u16() {
            200 if answer.headers["content-type"] == "application/json" => drop(answer.json()),
            200 => prop_assert!(answer.events().last().unwrap()["type"] != "error", "{}", answer.text),
            400 => drop(answer.error(400, "bad_request")),
            404 => drop(answer.error(404, "not_found")),
            other => prop_assert!(false, "{other}: {}", answer.text),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    runtime.block_on(async {
        assert_eq!(transcript(&app, "bob", &thread_id).await, ["user: Hi", "assistant: ok"]);
        app.add("bob", &thread_id, "and?").await;
        assert_eq!(transcript(&app, "bob", &thread_id).await.len(), 4);
    });
}

#[test]
fn chatkit_with_random_bytes_never_fails_with_5xx() {
    check(300, &vec(any::<u8>(), 0..200), |_, bytes| bytes);
}

#[test]
fn chatkit_with_random_json_never_fails_with_5xx() {
    check(300, &(tree(), tree()), |_, (kind, params)| json!({ "type": kind, "params": params }).to_string().into());
}

#[test]
fn chatkit_with_one_value_replaced_never_fails_with_5xx() {
    let one = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), tree());
    check(300, &one, |thread_id, (operation, place, value)| {
        let operations = operations(thread_id, "msg_01M7WD7TG0KWDG3SESQ006DVVZ");
        let (kind, mut params, _) = operation.get(&operations).clone();
        let mut place = place.index(size(&params));
        replace(&mut params, &mut place, &value);
        json!({ "type": kind, "params": params }).to_string().into()
    });
}

#[test]
fn chatkit_with_some_bytes_changed_never_fails_with_5xx() {
    let changes = (any::<prop::sample::Index>(), vec((any::<prop::sample::Index>(), any::<u8>()), 1..4));
    check(300, &changes, |thread_id, (operation, changes)| {
        let (kind, params, _) = operation.get(&operations(thread_id, "msg_1")).clone();
        let mut body = json!({ "type": kind, "params": params }).to_string().into_bytes();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        body
    });
}
