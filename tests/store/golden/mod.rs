//! The stored formats. Each file beside this one holds raw DynamoDB records as they were once written. Store that
//! people have live in these formats, so the files never change: a renamed field of a Rust type keeps its stored name,
//! and a format that is added gets a file of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use chatkit_shared::identity::{Claims, Identity, Session, SessionId};
use chatkit_shared::limits::Bucket;
use chatkit_shared::model::{FileSource, FunctionCall, HostedCalls, Input, InputFile, InputPart};
use chatkit_shared::protocol::{FeedbackKind, ThreadItem, ThreadStatus};
use chatkit_shared::store::{
    Account, Admission, Exchange, MessageAdmission, ModelContext, Outcome, Retry, Run, Scope, SessionRecord,
    StoredItem, ThreadRecord, UsageRecord, Window,
};
use serde_json::{Value, json};

use super::{all, at, attachment, id, owner, question_with, run, thread};
use crate::harness::dynamodb::Dynamo;

/// The records of a golden file.
fn golden(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

/// Asserts that a table holds what a golden file says, in any order. The id of a counting write is random.
fn assert_written(dynamo: &Dynamo, table: &str, file: &str) {
    let mut records = dynamo.records(table);
    records.sort_by_key(|record| (record["pk"].to_string(), record["sk"].to_string()));
    for record in &mut records {
        if let Some(last) = record.get_mut("last").filter(|_| table == "counters") {
            *last = json!({ "S": "random" });
        }
    }
    assert_eq!(records, golden(file), "written: {}", serde_json::to_string_pretty(&records).unwrap());
}

/// A store that holds what a golden file says.
async fn holding(table: &str, file: &str) -> Dynamo {
    let dynamo = Dynamo::start().await;
    for record in golden(file) {
        dynamo.put(table, &record);
    }
    dynamo
}

fn lease(number: usize) -> Run {
    Run { id: id("run", number), ..run(number, "5f70bf18") }
}

/// A head with everything that one can have.
fn full_head() -> ThreadRecord {
    ThreadRecord {
        title: Some("Lamps".to_owned()),
        created_at: "2027-01-15T08:00:00.123456789Z".parse().unwrap(),
        status: ThreadStatus::Locked { reason: Some("under review".to_owned()) },
        allowed_image_domains: Some(vec!["example.com".to_owned()]),
        run: Some(lease(2)),
        retries: vec![Retry { item: id("msg", 1), run: id("run", 2) }],
        ..thread(1)
    }
}

#[tokio::test]
async fn thread_heads_keep_their_stored_format() {
    const FILE: &str = include_str!("heads.json");
    let (dynamo, head) = (Dynamo::start().await, full_head());
    let store = dynamo.store();
    let new = ThreadRecord { run: Some(lease(1)), retries: Vec::new(), ..head.clone() };
    store.threads.create(&owner(), &new, &super::question(1, "hi")).await.unwrap();
    store.runs.begin_retry(&owner(), &new, &lease(2), &id("msg", 1), at(0)).await.unwrap();
    store.threads.create(&owner(), &thread(2), &super::question(1, "hi")).await.unwrap();
    store.threads.create(&owner(), &thread(3), &super::question(1, "hi")).await.unwrap();
    dynamo.fail("Query", "", crate::harness::dynamodb::Fault::ServerError, 3);
    super::delete(&store, &owner(), &id("thr", 3)).await.unwrap_err();
    for number in 1..=3 {
        store.items.remove(&owner(), &id("thr", number), &[id("msg", 1)]).await.unwrap();
    }
    assert_written(&dynamo, "threads", FILE);

    let list = holding("threads", FILE).await.store().threads.list(&owner(), &all()).await.unwrap();
    assert_eq!((list.page.data, list.half_deleted), (vec![head, thread(2)], vec![(id("thr", 3), at(0))]));
}

/// An item of every kind, with every part that one can have.
fn items() -> Vec<StoredItem> {
    let kinds = [
        json!({"type": "user_message", "content": [
            {"type": "input_text", "text": "Which \"lamp\"?\nü\u{0}"},
            {"type": "input_tag", "id": "t", "text": "T", "data": {"k": null}, "group": "g", "interactive": true},
        ], "attachments": [
            {"id": "atc_1", "name": "a.png", "mime_type": "image/png", "type": "image", "preview_url": "u", "size": 7,
                "thread_id": "thr_1"},
            {"id": "atc_2", "name": "b.pdf", "mime_type": "application/pdf", "type": "file"},
        ], "quoted_text": "q", "inference_options": {"tool_choice": {"id": "x"}, "model": "m"}}),
        json!({"type": "user_message", "content": []}),
        json!({"type": "assistant_message", "content": [{"type": "output_text", "text": "A **lamp**", "annotations": [
            {"type": "annotation", "index": 0, "source": {"type": "url", "title": "t", "description": "d",
                "timestamp": "2027", "group": "g", "url": "u", "attribution": "a"}},
            {"type": "annotation", "index": 1, "source": {"type": "file", "title": "t", "filename": "f"}},
            {"type": "annotation", "source": {"type": "entity", "title": "t", "id": "e", "icon": "i", "label": "l",
                "inline_label": "n", "interactive": true, "data": {"a": [1]}, "preview": "lazy"}}]}]}),
        json!({"type": "client_tool_call", "call_id": "c", "name": "n", "arguments": {"a": []}}),
        json!({"type": "client_tool_call", "status": "completed", "call_id": "c", "name": "n", "arguments": {},
            "output": {"b": null}}),
        json!({"type": "widget", "widget": {"type": "Card", "n": [1, -1, 18446744073709551615_u64, 1e-7,
            -966.1426424238549]}, "copy_text": "c"}),
        json!({"type": "generated_image", "image": {"id": "img_1", "url": ""}}),
        json!({"type": "generated_image"}),
        json!({"type": "structured_input", "inputs": [{"type": "multiple_choice", "id": "i", "question": "q",
            "options": [{"value": "v"}], "multiple": true}]}),
        json!({"type": "structured_input", "status": "answered", "inputs": [{"type": "freeform", "id": "i",
            "question": "q", "description": "d", "answer": {"values": ["v"], "skipped": false}}]}),
        json!({"type": "structured_input", "status": "skipped", "inputs": []}),
        json!({"type": "workflow", "workflow": {"type": "custom", "tasks": [
            {"type": "custom", "status_indicator": "complete", "title": "t", "icon": "i", "content": "c"},
            {"type": "web_search", "title": "t", "title_query": "q", "queries": ["q"], "sources": []},
            {"type": "thought", "title": "t", "content": "c"},
            {"type": "file", "title": "t", "sources": [{"type": "file", "title": "t", "filename": "f"}]},
            {"type": "image", "status_indicator": "loading", "title": "t"},
        ], "summary": {"title": "t", "icon": "i"}, "expanded": true}}),
        json!({"type": "workflow", "workflow": {"type": "reasoning", "tasks": [], "summary": {"duration": 3}}}),
        json!({"type": "task", "task": {"type": "custom", "title": "t"}}),
        json!({"type": "end_of_turn"}),
        json!({"type": "hidden_context_item", "content": ["anything"]}),
        json!({"type": "sdk_hidden_context", "content": "text"}),
    ];
    let mut items: Vec<_> = (1..)
        .zip(kinds)
        .map(|(number, mut kind)| {
            let header = json!({ "id": id("msg", number), "thread_id": id("thr", 1), "created_at": at(0) });
            kind.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
            StoredItem::new(serde_json::from_value::<ThreadItem>(kind).unwrap())
        })
        .collect();
    items[2].upstream_id = Some("msg_upstream".to_owned());
    items[2].ends_run = Some(id("run", 1));
    items[4].answered_by = Some(id("run", 2));
    items[2].model_context = Some(ModelContext { inputs_before: inputs(), ..ModelContext::default() });
    items[3].model_context =
        Some(ModelContext { page_calls: vec![call("call_2"), call("call_3")], ..ModelContext::default() });
    items
}

fn call(call_id: &str) -> FunctionCall {
    FunctionCall {
        call_id: call_id.to_owned(),
        name: "find".to_owned(),
        arguments: r#"{"a":1}"#.to_owned(),
        extra_content: None,
    }
}

/// An input of every kind.
fn inputs() -> Vec<Input> {
    let file =
        |source| InputFile { name: "a.png".to_owned(), media_type: "image/png".to_owned(), size: u64::MAX, source };
    vec![
        Input::User(vec![
            InputPart::Text("Look".to_owned()),
            InputPart::Image(file(FileSource::Stored("atc_1".to_owned()))),
            InputPart::File(file(FileSource::Url("https://example.com/a.png".to_owned()))),
            InputPart::File(file(FileSource::Base64("aGk=".to_owned()))),
        ]),
        Input::Assistant("I look".to_owned()),
        Input::Opaque(json!({ "type": "reasoning", "encrypted_content": "x", "summary": [] })),
        Input::Call(call("call_1")),
        Input::CallOutput { call_id: "call_1".to_owned(), output: r#"{"lamp":"red"}"#.to_owned() },
    ]
}

#[tokio::test]
async fn items_keep_their_stored_format() {
    const FILE: &str = include_str!("items.json");
    let (dynamo, items) = (Dynamo::start().await, items());
    let store = dynamo.store();
    store.threads.create(&owner(), &thread(1), &super::question(1, "hi")).await.unwrap();
    for item in &items {
        store.items.put(&owner(), &id("thr", 1), item).await.unwrap();
    }
    let rated = [id("msg", 3)];
    assert!(
        store.items.feedback(&owner(), &id("thr", 1), &rated, FeedbackKind::Negative, at(5)).await.unwrap().all_exist
    );
    assert_written(&dynamo, "threads", FILE);

    let loaded =
        holding("threads", FILE).await.store().threads.load(&owner(), &id("thr", 1), 99).await.unwrap().unwrap();
    assert_eq!((loaded.thread, loaded.items), (thread(1), items));
}

#[tokio::test]
async fn places_of_histories_keep_their_stored_format() {
    const FILE: &str = include_str!("histories.json");
    let dynamo = Dynamo::start().await;
    let asked = StoredItem { history_from: Some(id("msg", 1)), ..super::question(3, "and?") };
    dynamo.store().threads.create(&owner(), &thread(1), &asked).await.unwrap();
    assert_written(&dynamo, "threads", FILE);

    let loaded = holding("threads", FILE).await.store().threads.load(&owner(), &id("thr", 1), 9).await.unwrap();
    assert_eq!(loaded.unwrap().items, [asked]);
}

#[tokio::test]
async fn calls_with_extra_content_keep_their_stored_format() {
    const FILE: &str = include_str!("extra_content.json");
    let extra_content = Some(json!({ "google": { "thought_signature": "c2ln" } }));
    let signed = |call_id: &str| FunctionCall { extra_content: extra_content.clone(), ..call(call_id) };
    let mut item = items().swap_remove(3);
    item.model_context = Some(ModelContext {
        inputs_before: vec![Input::Call(signed("call_1"))],
        page_calls: vec![signed("call_2")],
        extra_content: extra_content.clone(),
    });
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    store.threads.create(&owner(), &thread(1), &super::question(1, "hi")).await.unwrap();
    store.items.put(&owner(), &id("thr", 1), &item).await.unwrap();
    assert_written(&dynamo, "threads", FILE);

    let loaded = holding("threads", FILE).await.store().threads.load(&owner(), &id("thr", 1), 99).await.unwrap();
    assert_eq!(loaded.unwrap().items[1..], [item]);
}

#[tokio::test]
async fn summaries_keep_their_stored_format() {
    const FILE: &str = include_str!("summaries.json");
    let dynamo = Dynamo::start().await;
    let item = json!({
        "type": "sdk_hidden_context", "id": id("msg", 2), "thread_id": id("thr", 1), "created_at": at(0),
        "content": "Ada likes lamps.",
    });
    let summary = StoredItem { is_summary: true, ..StoredItem::new(serde_json::from_value(item).unwrap()) };
    let store = dynamo.store();
    store.threads.create(&owner(), &thread(1), &summary).await.unwrap();
    // The first one counts.
    assert!(!store.items.put_new(&owner(), &id("thr", 1), &summary).await.unwrap());
    assert_written(&dynamo, "threads", FILE);

    let loaded = holding("threads", FILE).await.store().threads.load(&owner(), &id("thr", 1), 9).await.unwrap();
    assert_eq!(loaded.unwrap().items, [summary]);
}

#[tokio::test]
async fn attachments_keep_their_stored_format() {
    const FILE: &str = include_str!("attachments.json");
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    for id in ["atc_1", "atc_2"] {
        store.attachments.put(&owner(), &attachment(id)).await.unwrap();
    }
    store.threads.create(&owner(), &thread(1), &question_with(1, &["atc_2"])).await.unwrap();
    assert_written(&dynamo, "threads", FILE);

    let store = holding("threads", FILE).await.store();
    assert_eq!(store.attachments.get(&owner(), "atc_1").await.unwrap(), Some(attachment("atc_1")));
    let mut taken = attachment("atc_2");
    taken.message_id = Some(id("msg", 1));
    assert_eq!(store.attachments.get(&owner(), "atc_2").await.unwrap(), Some(taken));
}

fn usage() -> UsageRecord {
    UsageRecord {
        id: id("req", 1),
        at: at(0),
        tenant: "acme".to_owned(),
        user: "ada".to_owned(),
        thread_id: Some(id("thr", 1)),
        operation: "threads.create".to_owned(),
        model: "gpt-6-luna".to_owned(),
        outcome: Outcome::Incomplete,
        input_tokens: 100,
        cached_tokens: 40,
        output_tokens: 10,
        reasoning_tokens: 5,
        cache_write_tokens: 0,
        calls: HostedCalls::default(),
        picodollars: 0,
        is_priced: false,
        duration_ms: 1000,
        first_token_ms: Some(20),
    }
}

/// Of what has a price, of what has one in part, and the sums of both.
#[tokio::test]
async fn costs_keep_their_stored_format() {
    const FILE: &str = include_str!("costs.json");
    let dynamo = Dynamo::start().await;
    let calls = HostedCalls { web_search: 1, file_search: 2, code_interpreter: 3, image_generation: 4 };
    let priced = UsageRecord { cache_write_tokens: 30, calls, picodollars: 1_234_567, is_priced: true, ..usage() };
    let partly = UsageRecord { id: id("req", 5), picodollars: 1, is_priced: false, ..priced.clone() };
    let free = UsageRecord { id: id("req", 9), picodollars: 0, is_priced: true, ..usage() };
    for usage in [&priced, &partly, &free] {
        dynamo.store().usage.record(usage, 30).await.unwrap();
    }
    assert_written(&dynamo, "usage", FILE);

    let day = "2027-01-15".parse().unwrap();
    let daily = holding("usage", FILE).await.store().usage.daily("acme", day, day).await.unwrap();
    let daily: Vec<_> =
        daily.iter().map(|day| (day.requests, day.priced_requests, day.picodollars, day.cache_write_tokens)).collect();
    assert_eq!(daily, [(3, 2, 1_234_568, 60)]);
}

#[tokio::test]
async fn usage_keeps_its_stored_format() {
    const FILE: &str = include_str!("usage.json");
    let (dynamo, usage) = (Dynamo::start().await, usage());
    let failed = UsageRecord { outcome: Outcome::Error, thread_id: None, first_token_ms: None, ..usage.clone() };
    let ok = UsageRecord { outcome: Outcome::Ok, ..failed.clone() };
    for (number, usage) in [&usage, &failed, &ok].into_iter().enumerate() {
        dynamo.store().usage.record(&UsageRecord { id: id("req", number + 1), ..usage.clone() }, 30).await.unwrap();
    }
    assert_written(&dynamo, "usage", FILE);

    let day = "2027-01-15".parse().unwrap();
    let daily = holding("usage", FILE).await.store().usage.daily("acme", day, day).await.unwrap();
    let daily: Vec<_> = daily.iter().map(|day| (day.requests, day.errors, day.input_tokens, day.duration_ms)).collect();
    assert_eq!(daily, [(3, 1, 300, 3000)]);
}

#[tokio::test]
async fn sums_of_feedback_keep_their_stored_format() {
    const FILE: &str = include_str!("feedback.json");
    let dynamo = Dynamo::start().await;
    for (kind, count) in [(FeedbackKind::Positive, 2), (FeedbackKind::Negative, 1), (FeedbackKind::Positive, 1)] {
        dynamo.store().usage.count_feedback("acme", kind, count, at(0)).await.unwrap();
    }
    assert_written(&dynamo, "usage", FILE);

    let day = "2027-01-15".parse().unwrap();
    let daily = holding("usage", FILE).await.store().usage.daily("acme", day, day).await.unwrap();
    let daily: Vec<_> = daily.iter().map(|day| (&*day.model, day.positive_feedback, day.negative_feedback)).collect();
    assert_eq!(daily, [("", 3, 1)]);
}

#[tokio::test]
async fn sessions_keep_their_stored_format() {
    const FILE: &str = include_str!("families.json");
    let dynamo = Dynamo::start().await;
    let session = SessionRecord {
        tenant: "acme".to_owned(),
        user: "ada".to_owned(),
        session_id: "ses_1".to_owned(),
        anonymous: true,
        expires_at: at(600),
        id: Some(SessionId { family: "ses_0".to_owned(), generation: 1 }),
        began_at: Some(at(-60)),
    };
    let sessions = dynamo.sessions();
    sessions.put("abc", &session, at(1000)).await.unwrap();
    let (first, leeway) = (SessionId::from("ses_0"), Duration::from_secs(30));
    sessions.exchange(&first, at(0), leeway, at(1000)).await.unwrap();
    sessions.end("ses_2", at(1), at(1000)).await.unwrap();
    sessions.end_all(&owner(), at(2), at(1000)).await.unwrap();
    assert_written(&dynamo, "counters", FILE);

    let sessions = holding("counters", FILE).await.sessions();
    assert_eq!(sessions.get("abc", at(0)).await.unwrap(), Some(session));
    assert_eq!(sessions.exchange(&first, at(30), leeway, at(1000)).await.unwrap(), Exchange::Again(at(0)));
    let ended = sessions.exchange(&SessionId::from("ses_2"), at(1), leeway, at(1000)).await.unwrap();
    assert_eq!(ended, Exchange::Ended);
    assert_eq!(sessions.all_ended_at(&owner()).await.unwrap(), Some(at(2)));
}

#[tokio::test]
async fn sessions_from_before_there_were_families_can_be_read() {
    let sessions = holding("counters", include_str!("sessions.json")).await.sessions();
    let session = sessions.get("abc", at(0)).await.unwrap().unwrap();
    assert_eq!((session.user.as_str(), session.id, session.began_at), ("ada", None, None));
}

#[tokio::test]
async fn connections_keep_their_stored_format() {
    const FILE: &str = include_str!("connections.json");
    let dynamo = Dynamo::start().await;
    let claims = Claims {
        name: Some("Ada".to_owned()),
        email: Some("ada@example.com".to_owned()),
        locale: Some("de-AT".to_owned()),
        zoneinfo: Some("Europe/Vienna".to_owned()),
        plan: Some("pro".to_owned()),
        chatkit: BTreeMap::from([("seats".to_owned(), json!(3))]),
    };
    let identity =
        Identity { owner: owner(), anonymous: true, permissions: Vec::new(), claims, ..Identity::of(owner()) };
    let session = Session { identity, expires_at: at(600), began_at: at(-60) };
    let bucket = Bucket::per_minute(2);
    let (connections, claims) = (dynamo.connections(), dynamo.claims());
    assert!(connections.open("c=1", &session, 3, at(0)).await.unwrap());
    connections.admit_message("c=1", &bucket, at(0)).await.unwrap();
    assert!(claims.claim("req_1", at(60)).await.unwrap());
    assert_written(&dynamo, "counters", FILE);

    let dynamo = holding("counters", FILE).await;
    let (connections, claims) = (dynamo.connections(), dynamo.claims());
    let admitted = MessageAdmission::Admitted(Box::new(session.clone()));
    assert_eq!(connections.admit_message("c=1", &bucket, at(0)).await.unwrap(), admitted);
    let refused = MessageAdmission::Refused { retry_after: Duration::from_secs(30) };
    assert_eq!(connections.admit_message("c=1", &bucket, at(0)).await.unwrap(), refused);
    assert!(!connections.open("c=2", &session, 1, at(0)).await.unwrap());
    assert!(!claims.claim("req_1", at(60)).await.unwrap());
}

#[tokio::test]
async fn budgets_keep_their_stored_format() {
    const FILE: &str = include_str!("budgets.json");
    let (dynamo, owner, turns) = (Dynamo::start().await, owner(), Bucket::per_minute(2));
    let accounts = [
        Account { turns, tokens: 1000, ..Account::of_turns(Scope::User(&owner), Window::Hour) },
        Account { tokens: 1000, ..Account::of_turns(Scope::Tenant("acme"), Window::Day) },
    ];
    let budgets = dynamo.budgets();
    let Admission::Admitted(_) = budgets.admit(&accounts, 600, None, at(0)).await.unwrap() else { panic!() };
    budgets.take(Scope::Address("192.0.2.1"), "sessions", &turns, at(0)).await.unwrap();
    assert_written(&dynamo, "counters", FILE);

    let dynamo = holding("counters", FILE).await;
    let used = dynamo.budgets().used(&owner, &turns, at(0)).await.unwrap();
    assert_eq!((used.turns_available, used.tokens_this_hour), (Some(1), 600));
    let Admission::Refused(_) = dynamo.budgets().admit(&accounts[1..], 600, None, at(0)).await.unwrap() else {
        panic!()
    };
}
