//! Frames that do not arrive, or twice.

use serde_json::{Value, json};

use crate::harness::app::create;
use crate::harness::dynamodb::Fault;
use crate::harness::log::Log;
use crate::harness::model::Gate;
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, part_done, sse, text_done, usage,
};
use crate::harness::socket::Sockets;

fn is_turn(event: &Value) -> bool {
    event.get("turn").is_some()
}

#[tokio::test]
async fn turn_when_the_client_leaves_continues_and_is_stored() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    let gate = Gate::closed();
    let script = sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Hello")])
        .wait(&gate)
        .event(delta(" there"))
        .event(text_done("Hello there"))
        .event(part_done("Hello there"))
        .event(message_done("msg_1", "Hello there"))
        .event(completed(usage(10, 0, 5, 0)));
    sockets.app.model.then(script);
    client.ask("1", &create("Hi")).await;
    while !client.frame().await.to_string().contains("\"delta\":\"Hello\"") {}
    client.leave().await;
    sockets.wait_for_connections(0).await;
    gate.open_for_good();
    let answered = |records: &[Value]| records.iter().any(|record| record.to_string().contains("Hello there"));
    sockets.app.settled(1, answered).await;
}

#[tokio::test]
async fn frame_to_a_closed_connection_removes_the_connection_record() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    // The order goes through, the first frame does not.
    sockets.fail([200, 410]);
    client.ask("1", &create("Hi")).await;
    sockets.wait_for_connections(0).await;
    let answered = |records: &[Value]| records.iter().any(|record| record.to_string().contains("Hello there"));
    sockets.app.settled(1, answered).await;
}

#[tokio::test]
async fn frame_when_aws_is_busy_is_posted_again() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    // Also one of a client that reads slowly: its frames wait, and what the model writes comes with the next one.
    sockets.fail([429, 500, 200, 503, 429, 500, 200, 429, 429, 429, 429, 200]);
    client.ask("1", &create("Hi")).await;
    client.answer().await.events();
}

/// Of a frame that was refused it is not known whether it has arrived: there is a gap behind it in any case.
#[tokio::test]
async fn frame_that_is_refused_leaves_a_gap_in_the_numbers() {
    for status in [400, 403, 404, 413] {
        let sockets = Sockets::start().await;
        let mut client = sockets.connect("alice").await;
        sockets.app.model.then(answer("Hello there"));
        sockets.fail([200, status]);
        client.ask("1", &create("Hi")).await;
        assert_eq!(client.frame().await, json!({ "id": "1", "seq": 2, "done": true }));
        sockets.app.model.then(answer("Hello there"));
        sockets.fail([200]);
        sockets.mislead([status]);
        client.ask("2", &create("Hi")).await;
        assert_eq!(client.frame().await["seq"], 0);
        assert_eq!(client.frame().await, json!({ "id": "2", "seq": 2, "done": true }));
    }
}

#[tokio::test]
async fn reply_that_is_refused_becomes_an_error() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.fail([413]);
    client.ask("1", &json!({ "type": "threads.list", "params": {} })).await;
    let frame = client.frame().await;
    assert_eq!((&frame["seq"], &frame["error"]["error"]), (&json!(2), &json!("unavailable")));
}

#[tokio::test]
async fn frame_that_is_posted_twice_keeps_its_number() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    sockets.fail([200]);
    sockets.mislead([500, 429]);
    client.ask("1", &create("Hi")).await;
    let first = client.frame().await;
    assert_eq!(first["seq"], 0);
    assert_eq!([client.frame().await, client.frame().await], [first.clone(), first]);
    let mut next = 1;
    loop {
        let frame = client.frame().await;
        assert_eq!(frame["seq"], next);
        next += 1;
        if frame["done"] == true {
            break;
        }
    }
}

#[tokio::test]
async fn message_when_the_store_fails_answers_unavailable() {
    let sockets = Sockets::start().await;
    let token = sockets.app.session("alice").await;
    let mut client = sockets.connect_with(&token).await;
    let dynamo = &sockets.app.dynamo;
    dynamo.fail("UpdateItem", "", Fault::Throttle, 3);
    client.ask("1", &create("Hi")).await;
    client.error(Some("1"), "unavailable").await;
    dynamo.fail("UpdateItem", "claim", Fault::Throttle, 3);
    client.ask("2", &create("Hi")).await;
    client.error(Some("2"), "unavailable").await;
    dynamo.fail("PutItem", "socket", Fault::Throttle, 3);
    assert_eq!(sockets.handshake(Some(&format!("chatkit, {token}"))).await.unwrap_err().0, 503);
    assert_eq!(sockets.app.model.requests().len(), 0);
}

#[tokio::test]
async fn log_has_a_line_for_each_invocation_without_any_text() {
    let log = Log::start();
    let sockets = Sockets::start().await;
    let token = sockets.app.session("alice").await;
    let mut client = sockets.connect_with(&token).await;
    sockets.app.model.then(answer("The answer's words"));
    client.ask("1", &create("The question's words")).await;
    let answered = client.answer().await.events();
    client.send("nonsense").await;
    client.error(None, "bad_request").await;
    let turn = sockets.event(is_turn).await;
    // The record of the connection cannot be deleted.
    sockets.app.dynamo.fail("DeleteItem", "", Fault::Throttle, 3);
    client.leave().await;

    let of_sockets = |line: &&Value| line["path"].as_str().unwrap().starts_with('$');
    // The last one is written behind the last frame.
    log.until(|lines| lines.iter().filter(of_sockets).count() == 5).await;
    let lines = log.requests();
    let lines: Vec<_> = lines.iter().filter(of_sockets).collect();
    let shown: Vec<_> = lines
        .iter()
        .map(|line| [&line["method"], &line["path"], &line["status"], &line["outcome"], &line["operation"]])
        .map(|fields| fields.map(|field| field.as_str().map_or_else(|| field.to_string(), ToOwned::to_owned)).join(" "))
        .collect();
    assert_eq!(
        shown,
        [
            "CONNECT $connect 200 ok null",
            "MESSAGE $default 202 ok threads.create",
            "TURN $default 200 ok threads.create",
            "MESSAGE $default 400 bad_request null",
            "DISCONNECT $disconnect 200 ok null",
        ]
    );
    assert_eq!(lines[1]["thread"], json!(null), "it has none yet");
    assert_eq!(lines[2]["thread"], answered[0]["thread"]["id"]);
    let all = log.lines();
    let warned =
        all.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains("closed connection")));
    assert_eq!(warned.unwrap()["request_id"], lines[4]["request_id"]);
    assert_eq!(lines[1]["request_id"], lines[2]["request_id"]);
    assert_eq!(lines[2]["request_id"], turn["turn"]["request_id"]);
    assert_eq!(lines[2]["model"], "test-model");
    let text = log.text();
    let token = token.rsplit('.').next().unwrap();
    let order_token = turn["turn"]["token"].as_str().unwrap().rsplit('.').next().unwrap();
    for secret in ["words", "alice", token, order_token] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// One of the things that can become of a frame.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    SentAgain,
    ArrivesTwice,
    Refused,
    RefusedAndArrives,
}

#[tokio::test]
async fn turn_when_frames_are_lost_is_complete_or_has_a_gap() {
    use Fate::{Arrives, ArrivesTwice, Refused, RefusedAndArrives, SentAgain};
    let off = [("LIMIT_USER_TURNS_PER_MINUTE", "0"), ("LIMIT_USER_TOKENS_PER_HOUR", "0")];
    let sockets = Sockets::with(off).await;
    let mut client = sockets.connect("alice").await;
    let fates = [Arrives, SentAgain, ArrivesTwice, Refused, RefusedAndArrives];
    for (first, second) in fates.into_iter().flat_map(|first| fates.map(|second| (first, second))) {
        sockets.app.model.then(answer("Hello there"));
        // A turn whose events came close together had fewer frames than fates.
        sockets.stop_failing();
        sockets.fail([200]);
        for fate in [first, second] {
            match fate {
                Arrives => sockets.fail([200]),
                SentAgain => sockets.fail([500, 200]),
                ArrivesTwice => {
                    sockets.mislead([500]);
                    sockets.fail([200]);
                }
                Refused => sockets.fail([403]),
                RefusedAndArrives => sockets.mislead([403]),
            }
        }
        client.ask("1", &create("Hi")).await;
        let (mut next, mut has_gap, mut seen) = (0, false, String::new());
        loop {
            let frame = client.frame().await;
            let number = frame["seq"].as_u64().unwrap();
            has_gap |= number > next;
            if number >= next {
                next = number + 1;
                seen.push_str(&frame.to_string());
            }
            if frame["done"] == true {
                break;
            }
        }
        let is_whole =
            ["thread.created", "user_message", "\"text\":\"Hello there\""].iter().all(|it| seen.contains(it));
        assert!(is_whole || has_gap, "{first:?}, {second:?}: {seen}");
    }
}
