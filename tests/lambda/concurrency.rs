//! Lambda Managed Instances: one process answers several users at once, and keeps them apart.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{socket, system};
use crate::harness::app::{create, thread_id};
use crate::harness::model::{Gate, ScriptedModel};
use crate::harness::responses::{
    completed, created, delta, message_added, message_done, part_added, part_done, sse, text_done, usage,
};
use crate::harness::socket::Answered;

const AT_ONCE: usize = 6;
const USERS: [&str; 2] = ["ada", "bob"];

/// Makes the model greet who says this, and stop in the middle until the gate is open.
fn greet(model: &ScriptedModel, said: String, user: &str, gate: &Gate) {
    let text = format!("Hello {user}");
    let script = sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Hello ")])
        .wait(gate)
        .event(delta(user))
        .event(text_done(&text))
        .event(part_done(&text))
        .event(message_done("msg_1", &text))
        .event(completed(usage(10, 0, 5, 0)));
    model.on(move |request| !request.is_title() && request.conversation() == [format!("user: {said}")], script);
}

/// The answer's text, of which nobody else's may be a part.
fn said(events: &[Value]) -> &Value {
    let done = |event: &&Value| event["type"] == "thread.item.done" && event["item"]["type"] == "assistant_message";
    &events.iter().find(done).expect("an answer")["item"]["content"][0]["text"]
}

#[tokio::test]
async fn socket_program_with_concurrency_keeps_users_apart() {
    let system = socket::System::with_concurrency(AT_ONCE).await;
    let gate = Gate::closed();
    let mut clients = Vec::new();
    for user in USERS {
        greet(&system.model, format!("I am {user}"), user, &gate);
        clients.push((user, system.connect(&system.visit().await).await, Answered::default()));
    }
    // Both turns are under way before either may end.
    for (user, client, answered) in &mut clients {
        client.ask(user, &create(&format!("I am {user}"))).await;
        while !answered.contents.iter().any(|content| content.to_string().contains("\"delta\":\"Hello \"")) {
            assert!(!answered.add(client.frame().await));
        }
    }
    gate.open_for_good();
    let mut threads = Vec::new();
    for (user, client, answered) in &mut clients {
        while !answered.add(client.frame().await) {}
        let events = answered.events();
        assert_eq!(*said(&events), json!(format!("Hello {user}")));
        threads.push(thread_id(&events));
    }
    threads.reverse();
    for ((_, client, _), others) in clients.iter_mut().zip(threads) {
        client.ask("list", &json!({ "type": "threads.list", "params": {} })).await;
        assert_eq!(client.reply("list").await["data"].as_array().unwrap().len(), 1);
        client.ask("read", &json!({ "type": "threads.get_by_id", "params": { "thread_id": others } })).await;
        client.error(Some("read"), "not_found").await;
    }
    assert_eq!(system.gateway.environments("socket").len(), 1);
}

#[tokio::test]
async fn programs_with_concurrency_keep_users_apart() {
    let system = system::System::with_concurrency(AT_ONCE).await;
    // The first request of each kind starts the one environment; then they come together.
    let mut tokens = vec![system.visit().await];
    tokens.extend(join_all((1..USERS.len()).map(|_| system.visit())).await);
    let gate = Gate::closed();
    let mut answers = Vec::new();
    for (user, token) in USERS.into_iter().zip(&tokens) {
        greet(&system.model, format!("I am {user}"), user, &gate);
        answers.push(system.post("/chatkit", Some(token), &create(&format!("I am {user}"))).await);
    }
    gate.open_for_good();
    let events = join_all(answers.into_iter().map(system::events)).await;
    for (user, events) in USERS.into_iter().zip(&events) {
        assert_eq!(*said(events), json!(format!("Hello {user}")));
    }

    let refresh = |token: String| {
        let system = &system;
        async move {
            let asked = json!({ "currentClientSecret": token });
            let refreshed = system.post("/api/chatkit/refresh", None, &asked).await.json::<Value>().await.unwrap();
            refreshed["client_secret"].as_str().unwrap().to_owned()
        }
    };
    let mut renewed = vec![refresh(tokens.remove(0)).await];
    renewed.extend(join_all(tokens.into_iter().map(refresh)).await);
    for (token, events) in renewed.iter().zip(&events) {
        let list = json!({ "type": "threads.list", "params": {} });
        let list: Value = system.post("/chatkit", Some(token), &list).await.json().await.unwrap();
        let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|thread| thread["id"].clone()).collect();
        assert_eq!(ids, [json!(thread_id(events))]);
    }
    renewed.push(system.visit().await);
    let used = |token: String| {
        let system = &system;
        async move {
            let asked = system.client.get(system.gateway.url("/api/usage/me")).bearer_auth(token).send().await.unwrap();
            asked.json::<Value>().await.unwrap()["tokens"]["used"].as_u64().unwrap()
        }
    };
    let newcomer = renewed.pop().unwrap();
    assert_eq!(used(newcomer).await, 0);
    assert!(join_all(renewed.into_iter().map(used)).await.into_iter().all(|used| used > 0));
    for function in ["start", "refresh", "chat", "analytics"] {
        assert_eq!(system.gateway.environments(function).len(), 1, "{function}");
    }
}
