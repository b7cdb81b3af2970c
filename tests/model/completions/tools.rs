//! Calls of functions, as OpenAI streams them and as others do.

use chatkit_shared::model::{
    FileSource, FunctionCall, IncompleteReason, Input, InputPart, ModelEvent, Prompt, TokenUsage,
};
use serde_json::{Value, json};

use super::super::prompt;
use super::super::tools::call;
use super::super::tools::request::file;
use super::super::translation::{COMPLETED, added, done, text, whole};
use super::request::sent;
use super::{STARTED, events};
use crate::harness::completions::{Chunk, DONE, chunks, content, delta, finish, function_calls, role, tool_call};

const ARGUMENTS: &str = r#"{"order":7}"#;

/// The calls that these pieces become.
async fn calls(pieces: impl IntoIterator<Item = Value>) -> Vec<ModelEvent> {
    let pieces = pieces.into_iter().map(|piece| tool_call(&piece));
    let answer = chunks([role()].into_iter().chain(pieces).chain([finish("tool_calls")])).bytes(DONE);
    let mut events = events(answer).await;
    assert_eq!(events.pop(), Some(COMPLETED));
    events
}

fn piece(index: impl Into<Value>, id: impl Into<Value>, name: impl Into<Value>, arguments: impl Into<Value>) -> Value {
    let (index, id, name, arguments) = (index.into(), id.into(), name.into(), arguments.into());
    json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn null() -> Value {
    Value::Null
}

#[tokio::test]
async fn calls_are_reported_when_the_answer_is_complete() {
    assert_eq!(
        events(function_calls(&[("call_a", "find_order", ARGUMENTS), ("call_b", "nothing", "")])).await,
        [
            call("call_a", "find_order", ARGUMENTS),
            call("call_b", "nothing", ""),
            ModelEvent::Completed(Some(TokenUsage {
                input: 12,
                cached: 5,
                output: 16,
                reasoning: 0,
                ..TokenUsage::default()
            })),
        ]
    );
    let piece = piece(0, "call_a", "find_order", ARGUMENTS);
    assert_eq!(
        events(chunks([content("Hm"), tool_call(&piece), finish("stop")]).bytes(DONE)).await,
        [
            STARTED,
            added(0, 0),
            text(0, 0, "Hm"),
            whole(0, 0, "Hm"),
            done(0, &["Hm"]),
            call("call_a", "find_order", ARGUMENTS),
            COMPLETED
        ]
    );
}

#[tokio::test]
async fn one_call_in_any_known_shape_is_read() {
    let object = json!({"order": 7});
    let (start, end) = ARGUMENTS.split_at(5);
    for pieces in [
        vec![piece(0, "call_a", "find_order", ""), piece(0, null(), null(), start), piece(0, null(), null(), end)],
        vec![piece(0, "call_a", "find_order", ARGUMENTS)],
        vec![piece(0, "call_a", "find_order", object)],
        // The name and the id again and again.
        vec![piece(0, "call_a", "find_order", start), piece(0, "call_a", "find_order", end)],
        vec![piece(0, "call_a", "find_order", start), piece(0, "", "find_order", end), piece(0, "", "find_order", "")],
        // Another id in each piece.
        vec![piece(0, "call_a", "find_order", ""), piece(0, "x", null(), start), piece(0, "y", "", end)],
        // No index.
        vec![piece(null(), "call_a", "find_order", start), piece(null(), null(), null(), end)],
        vec![piece(u64::MAX, "call_a", "find_order", start), piece(u64::MAX, "", "", end)],
        vec![piece(-1, "call_a", "find_order", start), piece("0", "", "", end)],
        // The id or the name last.
        vec![piece(0, null(), "find_order", start), piece(0, "call_a", null(), end)],
        vec![piece(0, "call_a", null(), start), piece(0, null(), "find_order", end)],
    ] {
        assert_eq!(calls(pieces.clone()).await, [call("call_a", "find_order", ARGUMENTS)], "{pieces:?}");
    }
    for function in [json!({"name": "find_order", "arguments": ARGUMENTS}), json!({"name": "find_order"})] {
        let answer = chunks([delta(&json!({"function_call": function})), finish("function_call")]).bytes(DONE);
        let arguments = function["arguments"].as_str().unwrap_or_default();
        assert_eq!(events(answer).await, [call("call_1", "find_order", arguments), COMPLETED]);
    }
}

#[tokio::test]
async fn two_calls_in_any_known_shape_are_read() {
    for (ids, pieces) in [
        (["a", "b"], [piece(0, "a", "find_order", ARGUMENTS), piece(1, "b", "find_order", ARGUMENTS)]),
        (["a", "b"], [piece(1, "a", "find_order", ARGUMENTS), piece(0, "b", "find_order", ARGUMENTS)]),
        // All at the same place, or at none.
        (["a", "b"], [piece(0, "a", "find_order", ARGUMENTS), piece(0, "b", "find_order", ARGUMENTS)]),
        (["a", "b"], [piece(null(), "a", "find_order", ARGUMENTS), piece(null(), "b", "find_order", ARGUMENTS)]),
        (["call_1", "call_2"], [piece(0, "", "find_order", ARGUMENTS), piece(0, "", "find_order", ARGUMENTS)]),
        (
            ["call_1", "call_2"],
            [piece(null(), null(), "find_order", ARGUMENTS), piece(null(), null(), "find_order", ARGUMENTS)],
        ),
        // The same id, or one of a strange form.
        (["a", "call_2"], [piece(0, "a", "find_order", ARGUMENTS), piece(1, "a", "find_order", ARGUMENTS)]),
        (["call_1", "call_2"], [piece(0, 7, "find_order", ARGUMENTS), piece(1, 7, "find_order", ARGUMENTS)]),
    ] {
        let expected = ids.map(|id| call(id, "find_order", ARGUMENTS));
        assert_eq!(calls(pieces.clone()).await, expected, "{pieces:?}");
    }
}

#[tokio::test]
async fn malformed_calls_are_ignored() {
    let nameless = [piece(0, "a", null(), ARGUMENTS), piece(1, "b", 7, ARGUMENTS), json!({}), json!(null), json!("f")];
    assert_eq!(calls(nameless).await, []);
    for strange in [json!("of a strange form"), json!({"index": 0}), json!(null), json!([[]])] {
        let strange = delta(&json!({"tool_calls": strange, "function_call": strange}));
        assert_eq!(events(chunks([strange, finish("stop")]).bytes(DONE)).await, [COMPLETED]);
    }
}

#[tokio::test]
async fn calls_in_an_incomplete_answer_are_dropped() {
    let pieces = || [piece(0, "a", "find_order", ARGUMENTS), piece(1, "b", "find_order", r#"{"ord"#)];
    let cut = |reason| ModelEvent::Incomplete { reason, usage: None };
    let answer = |end: Vec<Chunk>| chunks(pieces().iter().map(tool_call).chain(end)).bytes(DONE);
    for (end, reason) in [
        (vec![finish("length")], IncompleteReason::MaxOutputTokens),
        (vec![finish("content_filter")], IncompleteReason::ContentFilter),
        (vec![], IncompleteReason::Other),
    ] {
        assert_eq!(events(answer(end)).await, [call("a", "find_order", ARGUMENTS), cut(reason)]);
    }
}

#[tokio::test]
async fn thoughts_are_sent_back_with_the_calls_after_them() {
    for name in ["reasoning_content", "reasoning"] {
        let thought = |text: &str| delta(&json!({name: text}));
        let piece = piece(0, "call_a", "find_order", ARGUMENTS);
        let answer = chunks([thought("Hm, "), thought("hm"), tool_call(&piece), finish("tool_calls")]).bytes(DONE);
        let events = events(answer).await;
        let kept = json!({name: "Hm, hm"});
        let end = [ModelEvent::Opaque(kept.clone()), call("call_a", "find_order", ARGUMENTS), COMPLETED];
        assert_eq!(events[events.len() - 3..], end);

        let ModelEvent::Call(call) = &events[events.len() - 2] else { panic!("{events:?}") };
        let mut asked = prompt();
        asked.input.extend([Input::Opaque(kept), Input::Call(call.clone()), output("call_a")]);
        let tool_calls = json!([
            {"id": "call_a", "type": "function", "function": {"name": "find_order", "arguments": ARGUMENTS}}
        ]);
        assert_eq!(
            sent(&asked).await["messages"][1],
            json!({"role": "assistant", "content": null, "tool_calls": tool_calls, name: "Hm, hm"})
        );
    }
}

fn output(call_id: &str) -> Input {
    Input::CallOutput { call_id: call_id.to_owned(), output: format!("output of {call_id}") }
}

#[tokio::test]
async fn request_sends_functions_in_this_apis_shape_and_no_other_tools() {
    let parameters = json!({"type": "object", "properties": {}});
    let tools = json!([
        {"type": "function", "name": "find_order", "description": "Finds", "parameters": parameters, "strict": true},
        {"type": "function", "name": "nothing", "description": null, "parameters": null},
        {"type": "web_search"},
        {"type": "function"},
    ]);
    let expected = json!([
        {"type": "function", "function":
            {"name": "find_order", "description": "Finds", "parameters": parameters, "strict": true}},
        {"type": "function", "function": {"name": "nothing"}},
    ]);
    let chosen = json!({"type": "function", "function": {"name": "find_order"}});
    for (tool_choice, expected_choice) in [
        (json!({"type": "function", "name": "find_order"}), chosen),
        (json!("required"), json!("required")),
        (json!({"type": "web_search"}), null()),
        (null(), null()),
    ] {
        let tools = tools.as_array().unwrap().clone();
        let effort = Some("low".to_owned());
        let asked = Prompt { tools, tool_choice: Some(tool_choice), reasoning_effort: effort, ..prompt() };
        let body = sent(&asked).await;
        assert_eq!((&body["tools"], &body["tool_choice"]), (&expected, &expected_choice));
        assert_eq!(body.get("reasoning_effort"), None);
    }
    let asked = Prompt { tools: vec![json!({"type": "web_search"})], tool_choice: Some(json!("required")), ..prompt() };
    assert_eq!(sent(&asked).await, sent(&prompt()).await);
}

#[tokio::test]
async fn request_places_calls_and_outputs_between_the_messages() {
    let call = |call_id: &str| {
        let [call_id, name, arguments] = [call_id, "find_order", ARGUMENTS].map(ToOwned::to_owned);
        Input::Call(FunctionCall { call_id, name, arguments, extra_content: None })
    };
    let mut asked = prompt();
    asked.input.extend([
        // Of another API, and thoughts whose calls are gone.
        Input::Opaque(json!({"type": "reasoning", "encrypted_content": "gAAAAA"})),
        Input::Assistant("Let me see.".to_owned()),
        call("a"),
        call("b"),
        output("a"),
        output("b"),
        call("c"),
        output("c"),
        Input::Assistant("Sent.".to_owned()),
        Input::User(vec![InputPart::Text("Thanks".to_owned())]),
        Input::Opaque(json!({"reasoning": "Hm"})),
    ]);
    let tool_call =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "find_order", "arguments": ARGUMENTS}});
    let tool = |id: &str| json!({"role": "tool", "content": format!("output of {id}"), "tool_call_id": id});
    assert_eq!(
        sent(&asked).await["messages"],
        json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": [tool_call("a"), tool_call("b")]},
            tool("a"),
            tool("b"),
            {"role": "assistant", "content": null, "tool_calls": [tool_call("c")]},
            tool("c"),
            {"role": "assistant", "content": "Sent."},
            {"role": "user", "content": "Thanks"},
        ])
    );
}

#[tokio::test]
async fn request_inlines_files_and_sends_text_files_as_text() {
    let base64 = |base64: &str| FileSource::Base64(base64.to_owned());
    let url = || FileSource::Url("https://files.example/1".to_owned());
    let user = |parts: Vec<InputPart>| Input::User(parts);
    let text_file = || InputPart::File(file("a.txt", "text/plain; charset=utf-8", base64("YWJj")));
    let asked = Prompt { input: vec![user(vec![InputPart::Text("Look".to_owned()), text_file()])], ..prompt() };
    assert_eq!(sent(&asked).await["messages"], json!([{"role": "user", "content": "Look\nThe file `a.txt`:\nabc"}]));

    let asked = Prompt {
        input: vec![
            user(vec![InputPart::Text("Look".to_owned())]),
            user(vec![
                InputPart::Image(file("b.png", "image/png", base64("YWJj"))),
                InputPart::Image(file("c.png", "image/png", url())),
                text_file(),
                InputPart::File(file("d.json", "application/json", base64("//8="))),
                InputPart::File(file("e.pdf", "application/pdf", base64("YWJj"))),
                InputPart::File(file("f.pdf", "application/pdf", url())),
            ]),
        ],
        ..prompt()
    };
    assert_eq!(
        sent(&asked).await["messages"],
        json!([{"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}},
            {"type": "image_url", "image_url": {"url": "https://files.example/1"}},
            {"type": "text", "text": "The file `a.txt`:\nabc"},
            {"type": "file", "file": {"filename": "d.json", "file_data": "data:application/json;base64,//8="}},
            {"type": "file", "file": {"filename": "e.pdf", "file_data": "data:application/pdf;base64,YWJj"}},
            {"type": "text", "text": "The file `f.pdf` cannot be shown to you."},
        ]}])
    );
}

#[tokio::test]
async fn what_the_server_wants_back_with_a_call_is_given_back() {
    let extra_content = json!({"google": {"thought_signature": "c2lnbmF0dXJl"}});
    let signed = {
        let mut signed = piece(null(), "a", "find_order", ARGUMENTS);
        signed["extra_content"] = extra_content.clone();
        signed
    };
    let [first, second] = &calls([signed, piece(null(), "b", "find_order", ARGUMENTS)]).await[..] else { panic!() };
    let ModelEvent::Call(first) = first else { panic!("{first:?}") };
    assert_eq!(first.extra_content.as_ref(), Some(&extra_content));
    assert_eq!(*second, call("b", "find_order", ARGUMENTS));

    let mut asked = prompt();
    asked.input.extend([Input::Call(first.clone()), output("a")]);
    let sent = sent(&asked).await;
    let function = json!({"name": "find_order", "arguments": ARGUMENTS});
    let expected = json!([{"id": "a", "type": "function", "function": function, "extra_content": extra_content}]);
    assert_eq!(sent["messages"][1]["tool_calls"], expected);
}
