//! From the document's tools to what the engine works with.

use std::sync::Arc;

use serde_json::{Value, json};

use super::document::{FunctionDocument, ToolChoice, read};
use super::error::DocumentError;
use super::hosted;
use super::schema::Schema;
use super::tool::{ClientChoice, Function, Tool};
use super::values::Fields;
use crate::model::Api;
use crate::protocol::Object;

/// A tool, and by what the composer names it.
pub(super) struct Named {
    pub(super) tool: Tool,
    name: String,
    /// How the model is told that it must use this one.
    choice: Value,
}

/// Reads all tools.
pub(super) fn tools(documents: Vec<Object>, api: Api) -> Result<Vec<Named>, DocumentError> {
    let mut tools: Vec<Named> = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let place = format!("tools[{index}]");
        let named = tool(document, &place, api)?;
        if tools.iter().any(|other| other.choice == named.choice) {
            return Err(DocumentError::at(&place, "is there twice"));
        }
        tools.push(named);
    }
    Ok(tools)
}

fn tool(mut document: Object, place: &str, api: Api) -> Result<Named, DocumentError> {
    let kind = document.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "function" {
        document.remove("type");
        let function = function(read(place, Value::Object(document))?, place)?;
        let choice = json!({ "type": kind, "name": function.name });
        return Ok(Named { name: function.name.clone(), choice, tool: Tool::Function(function) });
    }
    let choice = hosted::check(&document, &kind, place)?;
    if api == Api::ChatCompletions {
        let wants = "must be `function`: where `MODEL_API` is `chat_completions`, there are no other tools";
        return Err(DocumentError::at(&format!("{place}.type"), wants));
    }
    Ok(Named { name: kind, choice, tool: Tool::Hosted(Value::Object(document)) })
}

fn function(document: FunctionDocument, place: &str) -> Result<Function, DocumentError> {
    let FunctionDocument { name, description, parameters, strict, title, icon, run } = document;
    let place = format!("{place}.parameters");
    let parameters = parameters.map_or_else(|| json!({ "type": "object", "properties": {} }), Value::Object);
    let schema = Schema::compile(parameters.clone(), &place)?;
    if parameters.get("type").and_then(Value::as_str) != Some("object") {
        return Err(DocumentError::at(&format!("{place}.type"), "must be `object`"));
    }
    let mut definition = json!({ "type": "function", "name": name.0, "parameters": parameters });
    if let Some(description) = description {
        definition["description"] = description.0.into();
    }
    if let Some(strict) = strict {
        definition["strict"] = strict.into();
    }
    Ok(Function {
        title: title.map_or_else(|| readable(&name.0), |title| title.0),
        icon: icon.map(|icon| icon.0),
        name: name.0,
        definition,
        run,
        parameters: Arc::new(schema),
    })
}

/// A function's name as words.
fn readable(name: &str) -> String {
    let mut words = name.replace(['_', '-'], " ");
    words[..1].make_ascii_uppercase();
    words
}

/// Reads the tools of the composer.
pub(super) fn choices(documents: Vec<Fields<ToolChoice>>, tools: &[Named]) -> Result<Vec<ClientChoice>, DocumentError> {
    let choice = |(index, Fields(document)): (usize, Fields<ToolChoice>)| {
        let mut named = tools.iter().filter(|tool| tool.name == document.tool.0);
        let error = |wants| Err(DocumentError::at(&format!("composer.tools[{index}].tool"), wants));
        match (named.next(), named.next()) {
            (Some(tool), None) => Ok(ClientChoice {
                id: document.id.0,
                label: document.label.0,
                icon: document.icon.map(|icon| icon.0),
                value: tool.choice.clone(),
            }),
            (None, _) => error("must be the name of a function or the type of another tool in `tools`"),
            (Some(_), Some(_)) => error("names more than one tool"),
        }
    };
    documents.into_iter().enumerate().map(choice).collect()
}
