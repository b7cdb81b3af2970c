//! What no operation takes: the documented error, nothing written, and the next request works.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{operation, retry, thread, transcript};
use crate::harness::app::{App, add, create, input, request};
use crate::harness::requests::operations;
use crate::harness::responses::answer;

pub(super) const NO_LIMITS: [(&str, &str); 3] = [
    ("LIMIT_USER_TURNS_PER_MINUTE", "0"),
    ("LIMIT_USER_REQUESTS_PER_MINUTE", "0"),
    ("LIMIT_USER_TOKENS_PER_HOUR", "0"),
];

/// A conversation that bad requests must not change.
pub(super) struct Bystander {
    pub(super) app: App,
    pub(super) thread_id: String,
    records: Vec<Value>,
}

impl Bystander {
    pub(super) async fn start() -> Self {
        let app = App::with(NO_LIMITS).await;
        let thread_id = thread(&app, "alice").await;
        let records = app.dynamo.records("threads");
        Self { app, thread_id, records }
    }

    pub(super) async fn send(&self, body: impl Into<Body>) -> crate::harness::app::Answer {
        self.app.send(request(Method::POST, "/chatkit", "alice", body.into())).await
    }

    /// The message of a `bad_request`.
    pub(super) async fn refused(&self, body: impl Into<Body>) -> String {
        self.send(body).await.error(400, "bad_request")
    }

    /// Nothing was written, the model was not asked, and the next request works.
    pub(super) async fn unharmed(self) {
        assert_eq!(self.app.dynamo.records("threads"), self.records);
        assert_eq!(self.app.model.requests().len(), 2);
        self.app.model.then(answer("still here"));
        self.app.add("alice", &self.thread_id, "and?").await;
        let shown = transcript(&self.app, "alice", &self.thread_id).await;
        assert_eq!(shown[2..], ["user: and?", "assistant: still here"]);
    }
}

#[tokio::test]
async fn chatkit_when_the_body_is_no_request_says_what_is_wrong() {
    let bystander = Bystander::start().await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let envelope = |what: &str| format!("the body is not a ChatKit request: {what}");
    let cases: Vec<(Vec<u8>, String)> = vec![
        (b"".into(), envelope("EOF while parsing a value")),
        (b"{".into(), envelope("EOF while parsing an object")),
        (b"not json".into(), envelope("expected ident")),
        (b"null".into(), envelope("wrong type, expected an object")),
        (b"[]".into(), envelope("wrong type, expected an object")),
        (br#"["threads.list", {}]"#.into(), envelope("wrong type, expected an object")),
        (b"{}".into(), envelope("missing field `type`")),
        (br#"{"params":{}}"#.into(), envelope("missing field `type`")),
        (br#"{"type":1,"params":{}}"#.into(), envelope("wrong type, expected a string")),
        (br#"{"type":null}"#.into(), envelope("wrong type, expected a string")),
        (br#"{"type":"threads.list","type":"threads.list"}"#.into(), envelope("duplicate field `type`")),
        (br#"{"type":"threads.list","params":{}}x"#.into(), envelope("trailing characters")),
        (b"\xef\xbb\xbf{}".into(), envelope("expected value")),
        (b"{\"type\":\"\xff\"}".into(), envelope("invalid unicode code point")),
        (b"{\"type\":\"threads.list\",\"params\":{\"after\":\"\xff\"}}".into(), envelope("invalid unicode code point")),
        (br#"{"type":"\ud800"}"#.into(), envelope("unexpected end of hex escape")),
        (br#"{"type":"threads.stop","params":{}}"#.into(), "unknown operation `threads.stop`".into()),
        (br#"{"type":"","params":{}}"#.into(), "unknown operation ``".into()),
        (br#"{"type":"threads.<script>"}"#.into(), "unknown operation `threads.`".into()),
        (format!(r#"{{"type":"{}"}}"#, "x".repeat(500_000)).into(), format!("unknown operation `{}`", "x".repeat(64))),
        (format!(r#"{{"type":{}}}"#, deep(400_000)).into(), envelope("wrong type, expected a string")),
        (deep(400_000).into(), envelope("wrong type, expected an object")),
    ];
    for (body, expected) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(bystander.refused(body).await, expected, "{shown}");
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn chatkit_when_parameters_are_missing_or_mistyped_names_the_field() {
    let bystander = Bystander::start().await;
    for (kind, params, _) in operations(&bystander.thread_id, "msg_1") {
        for wrong in [json!(null), json!([]), json!("x"), json!(1)] {
            let message = bystander.refused(operation(kind, wrong.clone()).to_string()).await;
            assert!(message.starts_with(&format!("`{kind}`: params")), "{kind} {wrong}: {message}");
        }
        let missing = json!({ "type": kind }).to_string();
        let message = bystander.refused(missing).await;
        assert!(message.starts_with(&format!("`{kind}`: params: wrong type, expected an object")), "{message}");
        for field in params.as_object().unwrap().keys() {
            let mut without = params.clone();
            without.as_object_mut().unwrap().remove(field);
            let message = bystander.refused(operation(kind, without).to_string()).await;
            assert_eq!(message, format!("`{kind}`: params: missing field `{field}`"));
            for wrong in [json!({ "secret": 1 }), json!([["secret"]]), json!(true), json!(7.5)] {
                let anything = field == "result" || (kind == "threads.add_structured_input" && wrong.is_object());
                if anything {
                    continue;
                }
                let mut params = params.clone();
                params[field] = wrong;
                let message = bystander.refused(operation(kind, params).to_string()).await;
                assert!(message.starts_with(&format!("`{kind}`: params.{field}")), "{message}");
                assert!(!message.contains("secret") && !message.contains("7.5"), "{message}");
            }
        }
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn chatkit_when_a_choice_is_unknown_lists_the_valid_ones() {
    let bystander = Bystander::start().await;
    let thread_id = &bystander.thread_id;
    for (request, expected) in [
        (
            operation("threads.list", json!({ "order": "secret" })),
            "`threads.list`: params: unknown value, expected `asc` or `desc`",
        ),
        (
            operation("items.feedback", json!({ "thread_id": thread_id, "item_ids": ["msg_1"], "kind": "secret" })),
            "`items.feedback`: params.kind: unknown value, expected `positive` or `negative`",
        ),
    ] {
        assert_eq!(bystander.refused(request.to_string()).await, expected);
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn chatkit_when_the_operation_is_not_configured_names_the_variable() {
    let bystander = Bystander::start().await;
    for (kind, params, built) in operations(&bystander.thread_id, "msg_1") {
        if !built {
            let message = bystander.refused(operation(kind, params).to_string()).await;
            let expected = match kind {
                "attachments.create" | "attachments.delete" => {
                    "attachments are not configured on this server: `FILES_BUCKET`".to_owned()
                }
                "input.transcribe" => "dictation is not configured on this server: `TRANSCRIBE_MODEL`".to_owned(),
                "threads.custom_action" | "threads.sync_custom_action" => {
                    "this server takes no actions: its assistant names no endpoint for them".to_owned()
                }
                other => panic!("{other} is built"),
            };
            assert_eq!(message, expected);
        }
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn add_user_message_when_the_message_is_invalid_is_refused() {
    let bystander = Bystander::start().await;
    let thread_id = bystander.thread_id.clone();
    let text = |text: &str| json!({ "type": "input_text", "text": text });
    let tag = |text: &str| json!({ "type": "input_tag", "id": "i", "text": text });
    let with = |field: &str, value: Value| {
        let mut input = input("Hi");
        input[field] = value;
        input
    };
    let content = |parts: Vec<Value>| with("content", json!(parts));
    let long = "the message has more than 10000 characters";
    let large = "the message is larger than 64 KB";
    let attachment = "`attachments` names an attachment that does not exist";
    for (input, expected) in [
        (content(vec![]), "the message is empty"),
        (content(vec![text("")]), "the message is empty"),
        (content(vec![text(" \n\u{3000}"), text("\t")]), "the message is empty"),
        (with("attachments", json!(["atc_1"])), attachment),
        (with("attachments", json!([""])), attachment),
        (content(vec![tag("x"); 101]), "the message has more than 100 tags"),
        (content(vec![text(&"ü".repeat(10_001))]), long),
        (content(vec![text(&"x".repeat(5_001)), text(&"x".repeat(5_000))]), long),
        (content(vec![text("Hi"), tag(&"x".repeat(9_998))]), long),
        (with("quoted_text", json!("x".repeat(9_999))), long),
        (with("inference_options", json!({ "model": "x".repeat(9_999) })), long),
        (with("inference_options", json!({ "tool_choice": { "id": "x".repeat(9_999) } })), long),
        (
            content(vec![json!({ "type": "input_tag", "id": "i", "text": "x", "data": { "k": "x".repeat(10_000) } })]),
            long,
        ),
        // Two characters, yet more than a record holds.
        (content([vec![text("Hi")], vec![text(""); 20_000]].concat()), large),
    ] {
        for operation in [
            operation("threads.create", json!({ "input": input })),
            operation("threads.add_user_message", json!({ "thread_id": thread_id, "input": input })),
        ] {
            assert_eq!(bystander.refused(operation.to_string()).await, expected);
        }
    }
    let kinds = "unknown value, expected `input_text` or `input_tag`";
    for (input, path, expected) in [
        (content(vec![json!({ "text": "x" })]), "content[0]", "missing field `type`"),
        (content(vec![json!({ "type": "image", "text": "secret" })]), "content[0].type", kinds),
        (content(vec![json!({ "type": "x, expected secret at line 1" })]), "content[0].type", kinds),
        (content(vec![text("x"), json!({ "type": "input_text" })]), "content[1]", "missing field `text`"),
        (content(vec![json!({ "type": "input_tag", "text": "x" })]), "content[0]", "missing field `id`"),
        (content(vec![json!("x")]), "content[0]", "wrong type, expected internally tagged enum UserContent"),
        (with("content", json!("secret")), "content", "wrong type, expected a sequence"),
        (with("attachments", json!([1])), "attachments[0]", "wrong type, expected a string"),
        (with("quoted_text", json!(["secret"])), "quoted_text", "wrong type, expected a string"),
        (with("inference_options", json!("x")), "inference_options", "wrong type, expected an object"),
    ] {
        let message = bystander.refused(operation("threads.create", json!({ "input": input })).to_string()).await;
        assert_eq!(message, format!("`threads.create`: params.input.{path}: {expected}"));
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn create_thread_with_the_largest_valid_messages_is_accepted() {
    let app = App::with(NO_LIMITS).await;
    let tag = json!({ "type": "input_tag", "id": "i", "text": "x" });
    for content in [
        json!([{ "type": "input_text", "text": "ü".repeat(10_000) }]),
        json!([{ "type": "input_text", "text": "\0".repeat(10_000) }]),
        json!(vec![tag; 100]),
    ] {
        app.model.then(answer("ok"));
        let mut message = create("");
        message["params"]["input"]["content"] = content;
        let events = app.chatkit("alice", &message).await.events();
        assert_ne!(events.last().unwrap()["type"], "error");
    }
    // With the limit on characters off, a message still has to fit a record.
    let app = App::with([("LIMIT_MESSAGE_CHARS", "0"), NO_LIMITS[0], NO_LIMITS[1], NO_LIMITS[2]]).await;
    app.model.then(answer("ok"));
    let events = app.create("alice", &"x".repeat(60_000)).await;
    assert_eq!(transcript(&app, "alice", events[0]["thread"]["id"].as_str().unwrap()).await.len(), 2);
    let refused = app.chatkit("alice", &create(&"x".repeat(66_000))).await;
    assert_eq!(refused.error(400, "bad_request"), "the message is larger than 64 KB");
}

#[tokio::test]
async fn operations_with_unknown_ids_answer_not_found() {
    let bystander = Bystander::start().await;
    let this = bystander.thread_id.clone();
    let items = super::reload(&bystander.app, "alice", &this).await["items"]["data"].clone();
    let (question, answer) = (items[0]["id"].as_str().unwrap(), items[1]["id"].as_str().unwrap());
    let mut unknown = ["", "thr_no", "\0", "#", "%", "..", "/", "T#", "I#", "thr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "😀"]
        .map(ToOwned::to_owned)
        .to_vec();
    unknown.extend([this.to_lowercase(), format!("{this} "), format!("{this}#"), format!("alice#{this}")]);
    unknown.extend(["x".repeat(129), "x".repeat(10_000), "ü".repeat(10_000), "\0".repeat(10_000)]);
    for id in &unknown {
        for (kind, params, built) in operations(id, question) {
            if !built || params.get("thread_id").is_none() {
                continue;
            }
            let answer = bystander.send(operation(kind, params).to_string()).await;
            match kind {
                // Deleting what is not there is done already.
                "threads.delete" => assert_eq!((answer.status.as_u16(), &*answer.text), (200, "{}"), "{id}"),
                "items.feedback" => assert_eq!(answer.error(404, "not_found"), "this item does not exist"),
                _ => assert_eq!(answer.error(404, "not_found"), "this thread does not exist", "{kind} {id}"),
            }
        }
        let answer = bystander.send(retry(&this, id).to_string()).await;
        assert_eq!(answer.error(404, "not_found"), "this item does not exist");
        let params = json!({ "thread_id": this, "item_ids": [id], "kind": "negative" });
        let answer = bystander.send(operation("items.feedback", params).to_string()).await;
        assert_eq!(answer.error(404, "not_found"), "this item does not exist");
        // A cursor is a place; nothing need stand there.
        for kind in ["threads.list", "items.list"] {
            let params = json!({ "thread_id": this, "after": id });
            let answer = bystander.send(operation(kind, params).to_string()).await;
            assert_eq!(answer.status, 200, "{kind} {id} {}", answer.text);
        }
    }
    // The prefix is part of an id.
    let other = question.replace("msg_", "wf_");
    let refused = bystander.send(retry(&this, &other).to_string()).await;
    assert_eq!(refused.error(404, "not_found"), "this item does not exist");
    let refused = bystander.send(retry(&this, answer).to_string()).await;
    assert_eq!(refused.error(400, "bad_request"), "`item_id` must name a message of the user");
    bystander.unharmed().await;
}

#[tokio::test]
async fn lists_accept_a_limit_of_zero_or_more_in_several_forms() {
    let bystander = Bystander::start().await;
    for kind in ["threads.list", "items.list"] {
        for limit in
            [json!(5), json!("5"), json!(" 5 "), json!(5.0), json!(null), json!(0), json!(-0.0), json!(i64::MAX)]
        {
            let params = json!({ "thread_id": bystander.thread_id, "limit": limit });
            let page = bystander.send(operation(kind, params).to_string()).await;
            assert_eq!((page.status.as_u16(), page.json()["has_more"].clone()), (200, json!(false)), "{limit}");
        }
        for limit in ["-1", "-9223372036854775808", "-5.0", "\"-5\""] {
            let params = format!(r#"{{"thread_id":"{}","limit":{limit}}}"#, bystander.thread_id);
            let message = bystander.refused(format!(r#"{{"type":"{kind}","params":{params}}}"#)).await;
            assert_eq!(message, "`limit` must not be negative", "{limit}");
        }
        for limit in
            ["1.5", "1e300", "18446744073709551615", "99999999999999999999999", "true", "[5]", "\"\"", "\"five\""]
        {
            let params = format!(r#"{{"thread_id":"{}","limit":{limit}}}"#, bystander.thread_id);
            let message = bystander.refused(format!(r#"{{"type":"{kind}","params":{params}}}"#)).await;
            assert_eq!(message, format!("`{kind}`: params: expected an integer"), "{limit}");
        }
        for (field, wrong) in [("order", json!("up")), ("order", json!(1)), ("after", json!(1))] {
            let mut params = json!({ "thread_id": bystander.thread_id });
            params[field] = wrong;
            bystander.refused(operation(kind, params).to_string()).await;
        }
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn update_thread_when_the_title_is_too_long_is_refused() {
    let bystander = Bystander::start().await;
    let rename = |title: String| {
        operation("threads.update", json!({ "thread_id": bystander.thread_id, "title": title })).to_string()
    };
    assert_eq!(bystander.refused(rename("ü".repeat(1_001))).await, "`title` has more than 1000 characters");
    for title in ["ü".repeat(1_000), "\0\n".to_owned(), String::new(), "A title".to_owned()] {
        assert_eq!(bystander.send(rename(title.clone())).await.json()["title"], title);
    }
    bystander.unharmed().await;
}

#[tokio::test]
async fn create_thread_with_deep_nesting_or_repeated_keys_is_refused() {
    let bystander = Bystander::start().await;
    let nested = |depth: usize| format!(r#"{{"a":{}0{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let tag = |data: &str| {
        let content = format!(r#"[{{"type":"input_tag","id":"i","text":"x","data":{data}}}]"#);
        let input = format!(r#"{{"content":{content},"attachments":[],"inference_options":{{}}}}"#);
        format!(r#"{{"type":"threads.create","params":{{"input":{input}}}}}"#)
    };
    for depth in [128, 1_000, 4_000] {
        let message = bystander.refused(tag(&nested(depth))).await;
        assert!(message.starts_with("`threads.create`: params.input.content[0].data.a[0]"), "{message}");
        assert!(message.ends_with("[0]: recursion limit exceeded"), "{message}");
    }
    for twice in [
        r#"{"type":"threads.get_by_id","params":{"thread_id":"a","thread_id":"b"}}"#,
        r#"{"type":"threads.get_by_id","params":{"thread_id":"a"},"params":{"thread_id":"a"}}"#,
    ] {
        assert!(bystander.refused(twice).await.contains("duplicate field `"));
    }
    // What nobody reads may look as it likes.
    for unread in [
        format!(r#"{{"type":"threads.list","params":{{}},"metadata":{}}}"#, nested(100_000)),
        r#"{"type":"threads.list","params":{"x":1,"x":2},"metadata":null}"#.to_owned(),
        r#" {"metadata":{"a":"\ud800"},"params":{ },"type":"threads.list"} "#.to_owned(),
        format!(r#"{{"type":"threads.list","params":{{"deep":{}}}}}"#, nested(100)),
    ] {
        assert_eq!(bystander.send(unread).await.status, 200);
    }
    // The deepest that is taken comes back and goes to the model.
    bystander.app.model.then(answer("deep"));
    let events = bystander.send(tag(&nested(110))).await.events();
    let thread_id = events[0]["thread"]["id"].as_str().unwrap();
    let expected: Value = serde_json::from_str(&nested(110)).unwrap();
    let items = super::reload(&bystander.app, "alice", thread_id).await["items"]["data"].clone();
    assert_eq!(items[0]["content"][0]["data"], expected);
    bystander.app.model.then(answer("deeper"));
    bystander.app.add("alice", thread_id, "and?").await;
    assert_eq!(transcript(&bystander.app, "alice", thread_id).await.len(), 4);
}

#[tokio::test]
async fn add_user_message_when_the_thread_is_locked_is_refused() {
    let bystander = Bystander::start().await;
    bystander.app.dynamo.set("threads", "T#", "status", r#"{"type":"locked","reason":"Closed for today"}"#);
    let items = super::reload(&bystander.app, "alice", &bystander.thread_id).await;
    assert_eq!(items["status"], json!({ "type": "locked", "reason": "Closed for today" }));
    let item_id = items["items"]["data"][0]["id"].as_str().unwrap();
    for operation in [add(&bystander.thread_id, "Hi"), retry(&bystander.thread_id, item_id)] {
        let answer = bystander.send(operation.to_string()).await;
        assert_eq!(answer.error(403, "forbidden"), "this thread takes no more messages");
    }
    assert_eq!(transcript(&bystander.app, "alice", &bystander.thread_id).await.len(), 2);
}
