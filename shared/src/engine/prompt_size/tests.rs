use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::model::{FileSource, FunctionCall};
use crate::protocol::{
    AssistantContent, AssistantMessage, HiddenContext, ItemHeader, SdkHiddenContext, UserContent, UserMessage,
};
use crate::store::{ItemPosition, ModelContext};

fn user(text: &str) -> Input {
    Input::User(vec![InputPart::Text(text.to_owned())])
}

#[test]
fn input_is_estimated_by_its_words_and_bounded_by_its_bytes() {
    let file = |media_type: &str, size| {
        let source = FileSource::Stored("atc_1".to_owned());
        InputFile { name: "file".to_owned(), media_type: media_type.to_owned(), size, source }
    };
    let document = |media_type: &str, size| Input::User(vec![InputPart::File(file(media_type, size))]);
    let call = |extra_content| {
        let (name, arguments) = ("pick".to_owned(), "{ }".to_owned());
        Input::Call(FunctionCall { name, arguments, extra_content, ..FunctionCall::default() })
    };
    let picture = Input::User(vec![InputPart::Text("1234".to_owned()), InputPart::Image(file("image/png", 9))]);
    let output = Input::CallOutput { call_id: "call_1".to_owned(), output: "fine".to_owned() };
    for (input, estimated, most) in [
        (user("12345"), 2, 5),
        (picture, 1 + IMAGE_TOKENS, 4 + IMAGE_TOKENS),
        (document("application/pdf", 4_001), 1_001, 1_001),
        (document("application/pdf", 1_000_000), 10_000, 10_000),
        (document("text/plain", 1_000_000), 10_000, 1_000_000),
        (Input::Assistant("12345678".to_owned()), 2, 8),
        (Input::Opaque(json!({ "a": "b" })), 3, 9),
        (call(None), 1 + 1, 4 + 3),
        (call(Some(json!({ "a": 1 }))), 1 + 1 + 2, 4 + 3 + 7),
        (output, 1, 4),
    ] {
        let actual = (estimate(&input), max_input_tokens(std::slice::from_ref(&input)));
        assert_eq!(actual, (estimated + 4, most + 16), "{input:?}");
    }
}

#[test]
fn prompt_is_bounded_by_what_is_counted_and_the_bytes_of_the_rest() {
    let prompt = Prompt {
        instructions: Some("12345".to_owned()),
        tools: vec![json!({ "a": 1 })],
        input: vec![user("Hi"), user("Ho!")],
        ..Prompt::default()
    };
    assert_eq!(max_prompt_tokens(&prompt), (5 + 7 + 64) + (2 + 16) + (3 + 16));
    for (tokens, inputs, expected) in [(50, 1, 50 + 3 + 16), (60, 2, 60), (60, 3, 60)] {
        let counted = CountedPart { tokens, inputs, begins_at: None };
        assert_eq!(max_prompt_tokens(&Prompt { counted, ..prompt.clone() }), expected, "{inputs}");
    }
}

/// The items of a thread: a question, an answer, a note for the model, a summary, a note that was changed later.
fn items(kinds: &str) -> Vec<StoredItem> {
    let item = |(place, kind)| {
        let id = format!("msg_{place}");
        let header = ItemHeader { id, thread_id: "thr_1".to_owned(), created_at: Timestamp::UNIX_EPOCH };
        let text = "x".repeat(10 + place);
        let item = match kind {
            'q' => ThreadItem::UserMessage(UserMessage {
                header,
                content: vec![UserContent::InputText { text }],
                attachments: Vec::new(),
                quoted_text: None,
                inference_options: Default::default(),
            }),
            'a' => {
                let content = vec![AssistantContent { annotations: Vec::new(), text }];
                ThreadItem::AssistantMessage(AssistantMessage { header, content })
            }
            's' => ThreadItem::SdkHiddenContext(SdkHiddenContext { header, content: text }),
            _ => ThreadItem::HiddenContextItem(HiddenContext { header, content: json!(text) }),
        };
        let position = ItemPosition { run_id: "run_1".to_owned(), seq: 0, is_replaced: kind == 'r' };
        StoredItem { is_summary: kind == 's', position: Some(position), ..StoredItem::new(item) }
    };
    kinds.chars().enumerate().map(item).collect()
}

fn prompt(model: &str, instructions: &str) -> Prompt {
    Prompt { model: model.to_owned(), instructions: Some(instructions.to_owned()), ..Prompt::default() }
}

/// What is known of a thread whose last answer came with a count of 1,000 tokens.
fn counted_of(asked: &Prompt, mut items: Vec<StoredItem>, shown_from: Option<usize>) -> CountedPart {
    let mut earlier = prompt("m", "Be kind.");
    earlier.counted.begins_at = shown_from.map(|place| format!("msg_{place}"));
    let answer = items.iter().rposition(|stored| matches!(stored.item, ThreadItem::AssistantMessage(_))).unwrap();
    items[answer].counted = Some(counted_prompt(&earlier, 1_000));
    counted(asked, &History { items, begins_at: Some("msg_0".to_owned()), outgrown: None })
}

#[test]
fn counted_part_is_what_an_earlier_turn_was_shown_in_the_same_form() {
    for (kinds, shown_from, beside) in [
        ("qaq", None, &[][..]),
        ("qa", None, &[]),
        // What came in front of the question was shown, and what came after it is now shown as it was stored.
        ("nqaq", None, &[]),
        ("qnaq", None, &[1]),
        ("qnnaq", None, &[1, 2]),
        ("qanqaq", None, &[]),
        ("naq", None, &[0]),
        // It has another form since then.
        ("rqaq", None, &[0]),
        ("qarqaq", None, &[2]),
        // That turn's history began later, or before there was a summary.
        ("qaqaq", Some(2), &[0, 1]),
        ("nqaqaq", Some(3), &[0, 1, 2]),
        ("sqaq", None, &[0]),
        ("sqaq", Some(0), &[]),
        ("sqaqaq", Some(0), &[]),
    ] {
        let items = items(kinds);
        let other: u64 = beside.iter().map(|place| max_input_tokens(&inputs(&items[*place]))).sum();
        let expected = CountedPart {
            tokens: 1_000 + other,
            inputs: kinds.rfind('a').unwrap() + 1,
            begins_at: Some("msg_0".to_owned()),
        };
        assert_eq!(counted_of(&prompt("m", "Be kind."), items, shown_from), expected, "{kinds} {shown_from:?}");
    }
}

#[test]
fn counted_part_has_the_thoughts_of_a_turn_that_goes_on() {
    for (kinds, expected) in [("qa", 3), ("qaq", 2)] {
        let mut items = items(kinds);
        let inputs_before = vec![Input::Opaque(json!({ "type": "reasoning" }))];
        items[1].model_context = Some(ModelContext { inputs_before, ..ModelContext::default() });
        assert_eq!(counted_of(&prompt("m", "Be kind."), items, None).inputs, expected, "{kinds}");
    }
}

#[test]
fn counted_part_is_of_the_same_model_and_instructions() {
    let of = |prompt: &Prompt| counted_of(prompt, items("qaq"), None);
    let none = CountedPart { begins_at: Some("msg_0".to_owned()), ..CountedPart::default() };
    assert_eq!(of(&prompt("another", "Be kind.")), none);
    let mut with_tools = prompt("m", "Be kind.");
    with_tools.tools = vec![json!({ "type": "web_search" })];
    for other in [prompt("m", "Be quick."), with_tools] {
        let expected = CountedPart { tokens: 1_000 + max_basis_tokens(&other), inputs: 2, ..none.clone() };
        assert_eq!(of(&other), expected);
    }
    // They are stored with every answer.
    let stored = counted_prompt(&prompt("m", "Be kind."), 1_000);
    assert_eq!((stored.model.len(), stored.basis.len()), (8, 8));
}
