//! The model's input: the history of a thread, or of a conversation that the caller keeps. No I/O.

use std::collections::HashSet;

use serde_json::Value;

use super::history::History;
use super::prompt_size::{counted, estimate};
use crate::assistant::{Assistant, ClientChoice, Function, Tool};
use crate::identity::Identity;
use crate::model::{FileSource, FunctionCall, Input, InputFile, InputPart, Prompt, estimate_tokens};
use crate::protocol::{
    AttachmentKind, ClientToolCall, ClientToolCallStatus, InferenceOptions, StructuredInput, StructuredInputItem,
    StructuredInputStatus, ThreadItem, UserContent, UserMessage,
};
use crate::store::{ModelContext, StoredItem};

/// The prompt of a turn.
pub(super) fn prompt(assistant: &Assistant, identity: &Identity, thread_id: &str, history: &History) -> Prompt {
    let items = &history.items;
    let last = items.len().saturating_sub(1);
    let input = items.iter().enumerate().flat_map(|(index, stored)| group(stored, index == last)).collect();
    let mut prompt = Prompt { input, cache_key: Some(thread_id.to_owned()), ..basis(assistant, identity) };
    prompt.tools = assistant.tools.iter().map(definition).collect();
    let asked = items.iter().rev().find_map(|stored| match &stored.item {
        ThreadItem::UserMessage(message) => Some(&message.inference_options),
        _ => None,
    });
    if let Some(InferenceOptions { tool_choice, model }) = asked {
        if let Some(model) = chosen(&assistant.models, model.as_ref()).and_then(Value::as_str) {
            model.clone_into(&mut prompt.model);
        }
        // The tool that was picked in the composer is used once, in the turn of that message.
        let is_question = matches!(items.last().map(|stored| &stored.item), Some(ThreadItem::UserMessage(_)));
        let tool = tool_choice.as_ref().map(|tool| &tool.id).filter(|_| is_question);
        prompt.tool_choice = chosen(&assistant.tool_choices, tool).cloned();
    }
    prompt.counted = counted(&prompt, history);
    for_first_round(assistant, prompt)
}

/// The prompt of a conversation that the caller keeps.
pub(super) fn prompt_of(assistant: &Assistant, identity: &Identity, inputs: Vec<Input>) -> Prompt {
    let tools = assistant.tools.iter().map(definition).collect();
    let input = newest_that_fit(inputs, u64::from(assistant.max_context_tokens));
    for_first_round(assistant, Prompt { input, tools, ..basis(assistant, identity) })
}

/// Where the first round is also the last, the model has to answer with what it knows.
fn for_first_round(assistant: &Assistant, mut prompt: Prompt) -> Prompt {
    if assistant.max_rounds <= 1 && prompt.has_functions() {
        prompt.tool_choice = Some("none".into());
    }
    prompt
}

fn basis(assistant: &Assistant, identity: &Identity) -> Prompt {
    Prompt {
        model: assistant.model.clone(),
        instructions: assistant.instructions_for(identity),
        max_output_tokens: Some(assistant.max_output_tokens),
        reasoning_effort: assistant.reasoning_effort.clone(),
        reasoning_summaries: assistant.reasoning_summaries,
        ..Prompt::default()
    }
}

fn chosen<'a>(choices: &'a [ClientChoice], id: Option<&String>) -> Option<&'a Value> {
    choices.iter().find(|choice| Some(&choice.id) == id).map(|choice| &choice.value)
}

fn definition(tool: &Tool) -> Value {
    match tool {
        Tool::Hosted { definition, .. } | Tool::Function(Function { definition, .. }) => definition.clone(),
    }
}

/// The inputs of one item, after those that were stored with it.
pub(super) fn group(stored: &StoredItem, is_last: bool) -> Vec<Input> {
    let carried = stored.model_context.iter().flat_map(|context| &context.inputs_before);
    // The model's thoughts are given back only to the turn that is resumed.
    let before = carried.filter(|input| is_last || !matches!(input, Input::Opaque(_))).cloned();
    if let (true, ThreadItem::SdkHiddenContext(summary)) = (stored.is_summary, &stored.item) {
        let text = format!("What was said before this, in short:\n<summary>\n{}\n</summary>", summary.content);
        return vec![user_text(text)];
    }
    before.chain(inputs(stored)).collect()
}

/// Items as one text that a model can read as what others have said: the newest of them, and a summary at their
/// beginning, as far as the tokens reach.
pub(super) fn transcript(items: &[StoredItem], tokens: u64) -> String {
    let lines = |stored| group(stored, false).iter().map(line).collect::<Vec<_>>().join("\n");
    let (summary, items) = match items {
        [first, items @ ..] if first.is_summary => (lines(first), items),
        items => (String::new(), items),
    };
    let mut left = tokens.saturating_sub(estimate_tokens(&summary));
    let newest = items.iter().rev().map(lines).take_while(|lines| {
        let cost = estimate_tokens(lines) + 1;
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        fits
    });
    let mut parts: Vec<_> = newest.chain([summary]).filter(|lines| !lines.is_empty()).collect();
    parts.reverse();
    parts.join("\n")
}

fn line(input: &Input) -> String {
    let part = |part: &InputPart| match part {
        InputPart::Text(text) => text.clone(),
        InputPart::Image(file) | InputPart::File(file) => format!("[the file \"{}\"]", file.name),
    };
    match input {
        Input::User(parts) => format!("User: {}", parts.iter().map(part).collect::<Vec<_>>().join("\n")),
        Input::Assistant(text) => format!("Assistant: {text}"),
        Input::Opaque(_) => String::new(),
        Input::Call(FunctionCall { name, arguments, .. }) => format!("Assistant calls {name}: {arguments}"),
        Input::CallOutput { output, .. } => format!("Result: {output}"),
    }
}

/// The newest inputs that fit.
fn newest_that_fit(inputs: Vec<Input>, budget: u64) -> Vec<Input> {
    let mut left = budget;
    let mut newest_first = Vec::new();
    for (age, input) in inputs.into_iter().rev().enumerate() {
        let cost = estimate(&input);
        // The question is shown however long it is.
        if age > 0 && cost > left {
            break;
        }
        left = left.saturating_sub(cost);
        newest_first.push(input);
    }
    // A conversation begins with what a person said; half an exchange only confuses.
    let has_user = newest_first.iter().any(|input| matches!(input, Input::User(_)));
    while has_user && !matches!(newest_first.last(), Some(Input::User(_))) {
        newest_first.pop();
    }
    newest_first.reverse();
    newest_first
}

/// The inputs of an item alone.
pub(super) fn inputs(stored: &StoredItem) -> Vec<Input> {
    match &stored.item {
        ThreadItem::UserMessage(message) => user_inputs(message),
        ThreadItem::AssistantMessage(message) => {
            let text = message.content.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
            if text.is_empty() { Vec::new() } else { vec![Input::Assistant(text)] }
        }
        ThreadItem::HiddenContextItem(hidden) => {
            vec![hidden_context(&hidden.content)]
        }
        ThreadItem::SdkHiddenContext(hidden) => vec![hidden_text(&hidden.content)],
        ThreadItem::ClientToolCall(call) => called(call, stored.model_context.as_ref()),
        ThreadItem::Widget(item) => {
            let widget = excerpt(&item.widget.to_string());
            vec![user_text(format!(
                "The application showed the user a widget with the id {}:\n{widget}",
                item.header.id
            ))]
        }
        ThreadItem::GeneratedImage(item) => {
            let text = "The application showed the user this picture, which you had made.";
            let picture = item.image.as_ref().map(|image| picture(&image.id));
            vec![Input::User(std::iter::once(InputPart::Text(text.to_owned())).chain(picture).collect())]
        }
        ThreadItem::StructuredInput(item) => vec![user_text(questions(item))],
        // Thoughts and tasks matter in their own turn only.
        ThreadItem::Workflow(_) | ThreadItem::Task(_) | ThreadItem::EndOfTurn(_) => Vec::new(),
    }
}

/// A picture that the model made. Its real type is the stored object's; models go by the bytes.
fn picture(id: &str) -> InputPart {
    /// No larger picture comes through the model's stream.
    const MAX_PICTURE_BYTES: u64 = 12_000_000;
    let source = FileSource::Stored(id.to_owned());
    InputPart::Image(InputFile {
        name: id.to_owned(),
        media_type: "image/png".to_owned(),
        size: MAX_PICTURE_BYTES,
        source,
    })
}

/// A call that the page has answered. One without an answer is left out: the model must not wait for it.
fn called(call: &ClientToolCall, context: Option<&ModelContext>) -> Vec<Input> {
    let ClientToolCall { call_id, name, arguments, output, .. } = call;
    match call.status {
        ClientToolCallStatus::Pending => Vec::new(),
        ClientToolCallStatus::Completed => {
            let arguments = Value::Object(arguments.clone()).to_string();
            let output = output.as_ref().unwrap_or(&Value::Null).to_string();
            let extra_content = context.and_then(|context| context.extra_content.clone());
            let call = FunctionCall { call_id: call_id.clone(), name: name.clone(), arguments, extra_content };
            vec![Input::Call(call), Input::CallOutput { call_id: call_id.clone(), output }]
        }
    }
}

fn questions(item: &StructuredInputItem) -> String {
    let mut text = match item.status {
        StructuredInputStatus::Pending => {
            "The application asked the user these questions, not answered yet:".to_owned()
        }
        StructuredInputStatus::Answered => "The application asked the user these questions:".to_owned(),
        StructuredInputStatus::Skipped => {
            "The application asked the user these questions, who passed them over:".to_owned()
        }
    };
    for input in &item.inputs {
        let (StructuredInput::MultipleChoice { question, answer, .. }
        | StructuredInput::Freeform { question, answer, .. }) = input;
        let answer = match answer {
            None => "not answered".to_owned(),
            Some(answer) if answer.skipped => "passed over".to_owned(),
            Some(answer) => answer.values.join(", "),
        };
        text.push_str(&format!("\n- {question}: {answer}"));
    }
    text
}

/// The beginning of a text, which tells what it is.
fn excerpt(text: &str) -> String {
    const MAX_EXCERPT_CHARS: usize = 4_000;
    match text.char_indices().nth(MAX_EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What the model is told and the person does not see.
fn hidden_context(content: &Value) -> Input {
    hidden_text(&content.as_str().map_or_else(|| content.to_string(), ToOwned::to_owned))
}

fn hidden_text(content: &str) -> Input {
    user_text(format!("Context from the application, which the user does not see:\n<context>\n{content}\n</context>"))
}

fn user_text(text: String) -> Input {
    Input::User(vec![InputPart::Text(text)])
}

fn user_inputs(message: &UserMessage) -> Vec<Input> {
    let mut text = String::new();
    let mut mentions = Vec::new();
    let mut seen = HashSet::new();
    for part in &message.content {
        match part {
            UserContent::InputText { text: typed } => text.push_str(typed),
            UserContent::InputTag { text: name, data, .. } => {
                text.push('@');
                text.push_str(name);
                if seen.insert(name) {
                    mentions.push(InputPart::Text(format!("@{name}: {}", serde_json::Value::Object(data.clone()))));
                }
            }
        }
    }
    let files = message.attachments.iter().map(|attachment| {
        let file = InputFile {
            name: attachment.name.clone(),
            media_type: attachment.mime_type.clone(),
            size: attachment.size.unwrap_or_default(),
            source: FileSource::Stored(attachment.id.clone()),
        };
        match attachment.kind {
            AttachmentKind::Image { .. } => InputPart::Image(file),
            AttachmentKind::File => InputPart::File(file),
        }
    });
    let text = Some(text).filter(|text| !text.is_empty()).map(InputPart::Text);
    let mut inputs = vec![Input::User(text.into_iter().chain(files).collect())];
    if let Some(quoted) = message.quoted_text.as_deref().filter(|quoted| !quoted.is_empty()) {
        inputs.push(user_text(format!("The message above refers to this part of the conversation:\n{quoted}")));
    }
    if !mentions.is_empty() {
        let header = "What the @-mentions above stand for. Name these things without the `@` in the answer.";
        mentions.insert(0, InputPart::Text(header.to_owned()));
        inputs.push(Input::User(mentions));
    }
    inputs
}
