//! Whatever a server sends, nothing panics, and what begins ends once.

use std::time::Duration;

use chatkit_shared::model::{Api, ModelError, ModelEvent, ModelStream, Prompt};
use chatkit_shared::protocol::{StatusIndicator, Task};
use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::harness::completions;
use crate::harness::responses::{
    annotation_added, arguments_delta, arguments_done, call_events, completed, created, delta, error, failed,
    hosted_events, image_events, incomplete, item_done, message_added, message_done, part_added, part_done,
    reasoning_added, reasoning_delta, reasoning_done, reasoning_text_done, refusal_delta, text_done, url_citation,
    usage,
};

/// Each kind of event that there is.
fn events() -> Vec<Value> {
    let hosted = |kind: &str| {
        let item = json!({"id": "item_1", "type": kind, "status": "completed", "name": "n", "server_label": "s",
            "action": {"query": "q", "queries": ["q"], "sources": [{"url": "u"}]}, "queries": ["q"], "error": null,
            "results": [{"filename": "f"}], "code": "print(1)"});
        hosted_events(kind, "searching", &item, &item)
    };
    let reasoning = json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAAA"});
    let mut events = vec![
        created("resp_1"),
        message_added("msg_1"),
        part_added(),
        delta("Hi"),
        refusal_delta("No"),
        text_done("Hi there"),
        annotation_added(url_citation("https://a.example/", "A", 0, 1)),
        part_done("Hi there"),
        message_done("msg_1", "Hi there"),
        reasoning_added("rs_1"),
        reasoning_delta("Hm"),
        reasoning_text_done("Hmm"),
        reasoning_done("rs_1", &["Hmm"]),
        item_done(&reasoning),
        arguments_delta("{"),
        arguments_done("{}"),
        failed("server_error"),
        error("server_error"),
        incomplete("max_output_tokens", usage(1, 0, 2, 0)),
    ];
    events.extend(call_events("call_a", "f", "{}"));
    events.extend(image_events(&["iVBORw0KGgo="], "iVBORw0KGgo="));
    for kind in ["web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools", "a_call"]
    {
        events.extend(hosted(kind));
    }
    let events: Vec<Value> = events.into_iter().map(|event| event.json()).collect();
    let items: Vec<_> = events.iter().map(|event| event["item"].clone()).filter(|item| !item.is_null()).collect();
    let end = completed(usage(1, 0, 2, 0)).response("output", json!(items)).json();
    events.into_iter().chain([end]).collect()
}

/// Each kind of chunk that there is.
fn chunks() -> Vec<Value> {
    let piece = |name: Value, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"index": 0, "id": "a", "function": function})
    };
    let deltas = [
        json!({"role": "assistant", "content": "", "refusal": null}),
        json!({"content": "Hi"}),
        json!({"content": [{"type": "text", "text": "Hi"}, {"type": "thinking", "thinking": []}]}),
        json!({"refusal": "No"}),
        json!({"reasoning_content": "Hm"}),
        json!({"reasoning": "Hm"}),
        json!({"annotations": [{"url_citation": {"url": "u", "title": "t", "end_index": 1}}]}),
        json!({"tool_calls": [piece(json!("f"), "{}")]}),
        json!({"tool_calls": [piece(json!(null), "{\"a\""), piece(json!("g"), ":1}")]}),
        json!({"function_call": {"name": "f", "arguments": "{}"}}),
    ];
    let ends = ["stop", "length", "tool_calls", "error"].map(completions::finish);
    let counted = completions::counted(completions::usage(1, 0, 2, 0));
    let chunks = deltas.iter().map(completions::delta).chain(ends).chain([counted]);
    chunks.map(|chunk| chunk.json()).collect()
}

/// Any JSON, often of a kind that means something.
fn garbage() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 8] =
        ["", "message", "reasoning", "function_call", "image_generation_call", "x_call", "output_text", "{}"];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        select(&[0, 1, 2, u64::MAX][..]).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(&WORDS[..]).prop_map(Value::from),
        ".{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let keys = select(&["type", "id", "text", "item", "error", "output"][..]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..3)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// Every place in the document.
fn places(document: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match document {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), out)),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Some of these documents, many of them with something else in some place.
fn documents(known: Vec<Value>) -> impl Strategy<Value = Vec<Value>> {
    let change = prop::option::of((any::<Index>(), garbage()));
    let place = prop::option::of(0..4_u64);
    let document = (select(known), change, place).prop_map(|(mut document, change, place)| {
        if let (Some(place), true) = (place, document.get("output_index").is_some()) {
            document["output_index"] = json!(place);
        }
        if let Some((index, value)) = change {
            let mut all = Vec::new();
            places(&document, "", &mut all);
            *document.pointer_mut(index.get::<String>(&all)).unwrap() = value;
        }
        document
    });
    prop::collection::vec(document, 0..40)
}

fn read_documents(api: Api, documents: &[Value], last: &Value) -> (Vec<ModelEvent>, Option<ModelError>) {
    let data: Vec<_> =
        documents.iter().chain([last]).map(|document| Ok(format!("data: {document}\n\n").into())).collect();
    let prompt = Prompt { tools: vec![json!({"type": "image_generation", "partial_images": 2})], ..Prompt::default() };
    read(ModelStream::new(api, &prompt, stream::iter(data), Duration::from_secs(20)))
}

/// Everything up to the first error.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn read(mut stream: ModelStream) -> (Vec<ModelEvent>, Option<ModelError>) {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// What has started and ended of an answer so far.
#[derive(Default)]
struct Ledger {
    thoughts: Vec<bool>,
    /// Of each message whether it is over, and of each part of it.
    messages: Vec<(bool, Vec<bool>)>,
    tasks: Vec<bool>,
    images: Vec<bool>,
    calls: Vec<String>,
    is_over: bool,
}

/// Notes that the thing of this number goes on, begins or ends: each begins after the one before it, and ends once.
fn note(list: &mut Vec<bool>, number: u64, is_start: bool, is_over: bool) {
    let number = usize::try_from(number).unwrap();
    if is_start {
        assert_eq!(number, list.len(), "numbered as they begin");
        list.push(false);
    }
    assert!(!std::mem::replace(&mut list[number], is_over), "it was over");
}

impl Ledger {
    fn take(&mut self, event: &ModelEvent) {
        assert!(!self.is_over, "the last event is the last");
        match event {
            ModelEvent::ReasoningStarted | ModelEvent::Answered { .. } | ModelEvent::Opaque(_) => {}
            ModelEvent::ReasoningDelta { part, .. } => {
                let is_new = *part == self.thoughts.len() as u64;
                note(&mut self.thoughts, *part, is_new, false);
            }
            ModelEvent::ReasoningDone { part, .. } => {
                let is_new = *part == self.thoughts.len() as u64;
                note(&mut self.thoughts, *part, is_new, true);
            }
            ModelEvent::MessageStarted { message, .. } => {
                assert_eq!(*message, self.messages.len() as u64);
                assert!(self.thoughts.iter().chain(&self.tasks).all(|is_over| *is_over), "over before a message");
                self.messages.push((false, Vec::new()));
            }
            ModelEvent::PartAdded { message, index } => note(self.parts(*message), *index, true, false),
            ModelEvent::TextDelta { message, index, .. } => note(self.parts(*message), *index, false, false),
            ModelEvent::AnnotationAdded { message, index, .. } => {
                assert!(self.parts(*message).len() as u64 > *index);
            }
            ModelEvent::PartDone { message, index, .. } => note(self.parts(*message), *index, false, true),
            ModelEvent::MessageDone { message, content } => {
                assert_eq!(self.parts(*message).len(), content.len());
                assert!(self.parts(*message).iter().all(|is_over| *is_over));
                self.messages[usize::try_from(*message).unwrap()].0 = true;
            }
            ModelEvent::Task { task, content } => {
                let (Task::Custom { status_indicator, .. }
                | Task::WebSearch { status_indicator, .. }
                | Task::Thought { status_indicator, .. }
                | Task::File { status_indicator, .. }
                | Task::Image { status_indicator, .. }) = content.as_ref();
                let is_over = *status_indicator == StatusIndicator::Complete;
                assert!(is_over || *status_indicator == StatusIndicator::Loading);
                let is_new = *task == self.tasks.len() as u64;
                assert!(!(is_new && is_over), "loading first");
                note(&mut self.tasks, *task, is_new, is_over);
            }
            ModelEvent::ImageStarted { image } => note(&mut self.images, *image, true, false),
            ModelEvent::ImagePartial { image, progress, .. } => {
                assert!((0.0..=1.0).contains(progress));
                note(&mut self.images, *image, false, false);
            }
            ModelEvent::ImageDone { image, .. } => note(&mut self.images, *image, false, true),
            ModelEvent::Call(call) => {
                assert!(!call.name.is_empty() && !call.call_id.is_empty() && !self.calls.contains(&call.call_id));
                self.calls.push(call.call_id.clone());
            }
            ModelEvent::Completed(_) | ModelEvent::Incomplete { .. } => self.is_over = true,
        }
    }

    /// The parts of a message that is not over.
    fn parts(&mut self, message: u64) -> &mut Vec<bool> {
        let (is_over, parts) = &mut self.messages[usize::try_from(message).unwrap()];
        assert!(!*is_over, "the message was over");
        parts
    }

    fn finish(self) {
        let messages = self.messages.iter().map(|(is_over, _)| is_over);
        let all = self.thoughts.iter().chain(messages).chain(&self.tasks).chain(&self.images);
        assert!(self.is_over && all.copied().all(|is_over| is_over), "everything is over");
    }
}

/// Asserts that everything begins once and ends once, and that one end comes last.
pub(crate) fn check((events, error): (Vec<ModelEvent>, Option<ModelError>)) {
    let mut ledger = Ledger::default();
    events.iter().for_each(|event| ledger.take(event));
    match error {
        Some(_) => assert!(!ledger.is_over, "an error is an end of its own"),
        None => ledger.finish(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn responses_stream_of_random_documents_never_panics(documents in documents(events())) {
        check(read_documents(Api::Responses, &documents, &json!({"type": "response.completed"})));
    }

    #[test]
    fn chat_completions_stream_of_random_documents_never_panics(documents in documents(chunks())) {
        check(read_documents(Api::ChatCompletions, &documents, &completions::finish("stop").json()));
    }
}
