//! Tools, calls and files in requests to the Responses API.

use chatkit_shared::model::{FileSource, FunctionCall, Input, InputFile, InputPart, Model, ModelErrorKind, Prompt};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::super::prompt;
use crate::harness::model::ScriptedModel;
use crate::harness::outside::client;
use crate::harness::responses::answer;

async fn sent(prompt: &Prompt) -> Value {
    let upstream = ScriptedModel::start().await;
    upstream.then(answer("Hello"));
    let stream = Model::new(&upstream.config(), client()).stream(prompt).await.unwrap();
    stream.try_collect::<Vec<_>>().await.unwrap();
    upstream.single_request().body
}

pub(in crate::model) fn file(name: &str, media_type: &str, source: FileSource) -> InputFile {
    InputFile { name: name.to_owned(), media_type: media_type.to_owned(), size: 3, source }
}

#[tokio::test]
async fn request_sends_tools_unchanged() {
    let tools = json!([
        {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}},
        {"type": "function", "name": "find_order", "parameters": {"type": "object"}, "strict": false},
        {"type": "mcp", "server_label": "docs", "server_url": "https://mcp.example/", "require_approval": "never"},
    ]);
    let asked = Prompt {
        tools: tools.as_array().unwrap().clone(),
        tool_choice: Some(json!({"type": "function", "name": "find_order"})),
        reasoning_effort: Some("low".to_owned()),
        ..prompt()
    };
    let mut expected = json!({
        "model": "gpt-test",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "tools": tools,
        "tool_choice": {"type": "function", "name": "find_order"},
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"},
        "store": false,
        "stream": true,
    });
    assert_eq!(sent(&asked).await, expected);

    let asked = Prompt { reasoning_summaries: true, ..asked };
    expected["reasoning"] = json!({"effort": "low", "summary": "auto"});
    assert_eq!(sent(&asked).await, expected);
}

#[tokio::test]
async fn request_without_tools_sends_no_tool_choice() {
    let asked = Prompt { tool_choice: Some(json!("required")), ..prompt() };
    assert_eq!(sent(&asked).await, sent(&prompt()).await);
}

#[tokio::test]
async fn request_sends_calls_with_their_thoughts() {
    let thoughts = json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAAA"});
    let call = |call_id: &str, arguments: &str| {
        let [call_id, name, arguments] = [call_id, "find_order", arguments].map(ToOwned::to_owned);
        Input::Call(FunctionCall { call_id, name, arguments, extra_content: None })
    };
    let output =
        |call_id: &str| Input::CallOutput { call_id: call_id.to_owned(), output: r#"{"state":"sent"}"#.to_owned() };
    let asked = Prompt {
        input: vec![
            Input::User(vec![InputPart::Text("Where is it?".to_owned())]),
            Input::Opaque(thoughts.clone()),
            Input::Assistant("Let me see.".to_owned()),
            call("call_a", r#"{"order":7}"#),
            call("call_b", ""),
            output("call_a"),
            output("call_b"),
            // Thoughts that another API gave.
            Input::Opaque(json!({"reasoning_content": "Hm"})),
        ],
        ..prompt()
    };
    assert_eq!(
        sent(&asked).await["input"],
        json!([
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Where is it?"}]},
            thoughts,
            {"type": "message", "role": "assistant", "content": "Let me see."},
            {"type": "function_call", "call_id": "call_a", "name": "find_order", "arguments": r#"{"order":7}"#},
            {"type": "function_call", "call_id": "call_b", "name": "find_order", "arguments": ""},
            {"type": "function_call_output", "call_id": "call_a", "output": r#"{"state":"sent"}"#},
            {"type": "function_call_output", "call_id": "call_b", "output": r#"{"state":"sent"}"#},
        ])
    );
}

#[tokio::test]
async fn request_sends_files_as_urls_or_inline() {
    let url = || FileSource::Url("https://files.example/1?signature=x".to_owned());
    let base64 = || FileSource::Base64("YWJj".to_owned());
    let asked = Prompt {
        input: vec![Input::User(vec![
            InputPart::Text("Look".to_owned()),
            InputPart::Image(file("a.png", "image/png", url())),
            InputPart::Image(file("b.webp", "image/webp", base64())),
            InputPart::File(file("c.pdf", "application/pdf", url())),
            InputPart::File(file("d \"e\".txt", "text/plain", base64())),
        ])],
        ..prompt()
    };
    assert_eq!(
        sent(&asked).await["input"][0]["content"],
        json!([
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "https://files.example/1?signature=x"},
            {"type": "input_image", "image_url": "data:image/webp;base64,YWJj"},
            {"type": "input_file", "file_url": "https://files.example/1?signature=x"},
            {"type": "input_file", "filename": "d \"e\".txt", "file_data": "data:text/plain;base64,YWJj"},
        ])
    );
}

#[tokio::test]
async fn request_with_a_stored_file_is_refused() {
    let upstream = ScriptedModel::start().await;
    let stored = || file("a.png", "image/png", FileSource::Stored("tenant/user/secret".to_owned()));
    for part in [InputPart::Image(stored()), InputPart::File(stored())] {
        let asked = Prompt { input: vec![Input::User(vec![part])], ..prompt() };
        let error = Model::new(&upstream.config(), client()).stream(&asked).await.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::Rejected);
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    assert!(upstream.requests().is_empty());
}
