//! What the model may use, read from the document.

use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::document::{EndpointDocument, FunctionDocument, Permission, ToolChoice, read};
use super::error::DocumentError;
use super::schema::Schema;
use crate::endpoints::Endpoint;
use crate::json::{Unique, is_too_deep};
use crate::model::Api;
use crate::protocol::{Object, ObjectOnly};

/// Something that the model may use.
#[derive(Clone)]
pub enum Tool {
    /// A hosted tool, in the Responses API's own shape.
    Hosted { definition: Value, permission: Option<String> },
    /// A server tool or a client tool.
    Function(Function),
}

/// A function that the model may call.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name, by which the model calls it.
    pub name: String,
    /// What the person reads while it runs.
    pub title: String,
    /// The icon beside the title.
    pub icon: Option<String>,
    /// What the model is told of it, in the Responses API's own shape.
    pub definition: Value,
    pub runner: Runner,
    /// What a user must be permitted for whom the model may call it.
    pub permission: Option<String>,
    parameters: Arc<Schema>,
}

/// Something that a person may choose in the composer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientChoice {
    /// The page's name for it.
    pub id: String,
    /// What the person reads.
    pub label: String,
    /// The icon beside the label.
    pub icon: Option<String>,
    /// What the model is told: its name, or the tool that it must use in the Responses API's own shape.
    pub value: Value,
}

impl Tool {
    /// As the assistant document names it: a function's name, or the type of another tool.
    pub fn name(&self) -> &str {
        match self {
            Self::Hosted { definition, .. } => definition.get("type").and_then(Value::as_str).unwrap_or_default(),
            Self::Function(function) => &function.name,
        }
    }

    /// What a user must be permitted for whom the model may use it.
    pub fn permission(&self) -> Option<&str> {
        let (Self::Hosted { permission, .. } | Self::Function(Function { permission, .. })) = self;
        permission.as_deref()
    }

    /// Whether the page runs it.
    pub(crate) const fn is_for_page(&self) -> bool {
        matches!(self, Self::Function(Function { runner: Runner::Client, .. }))
    }

    /// How the model is told that it must use this one.
    pub(super) fn choice(&self) -> Value {
        match self {
            Self::Function(function) => json!({ "type": "function", "name": function.name }),
            Self::Hosted { definition, .. } => match definition.get("server_label") {
                Some(label) if self.name() == "mcp" => json!({ "type": "mcp", "server_label": label }),
                Some(_) | None => json!({ "type": self.name() }),
            },
        }
    }
}

impl Function {
    /// Parses and checks what the model passes.
    /// The error is for the model: it says what is wrong and where, and nothing of what was passed.
    pub fn arguments(&self, json: &str) -> Result<Object, String> {
        const WANTS: &str = "the arguments are not a JSON object";
        // Models may pass nothing in place of an empty object.
        let json = if json.trim().is_empty() { "{}" } else { json };
        let Unique(arguments) = serde_json::from_str(json).map_err(|_| WANTS.to_owned())?;
        if is_too_deep(&arguments) {
            return Err("the arguments are nested too deeply".to_owned());
        }
        self.parameters.check(&arguments)?;
        let Value::Object(arguments) = arguments else { return Err(WANTS.to_owned()) };
        Ok(arguments)
    }
}

/// Who runs a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runner {
    /// The page: a client tool.
    Client,
    /// An endpoint of the site: a server tool.
    Server(Endpoint),
}

impl<'de> Deserialize<'de> for Runner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RunnerVisitor;

        impl<'de> Visitor<'de> for RunnerVisitor {
            type Value = Runner;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`client`, or an object with the `url` of an endpoint")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Runner, E> {
                if text == "client" { Ok(Runner::Client) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Runner, A::Error> {
                let document = EndpointDocument::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Runner::Server(document.into()))
            }
        }

        deserializer.deserialize_any(RunnerVisitor)
    }
}

/// Without the fields of a hosted tool, which may contain the token of an MCP server.
impl fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosted { permission, .. } => {
                formatter.debug_tuple("Hosted").field(&self.name()).field(permission).finish()
            }
            Self::Function(function) => formatter.debug_tuple("Function").field(function).finish(),
        }
    }
}

pub(super) fn tools(documents: Vec<Object>, api: Api) -> Result<Vec<Tool>, DocumentError> {
    let mut tools: Vec<Tool> = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let place = format!("tools[{index}]");
        let tool = tool(document, &place, api)?;
        if tools.iter().any(|other| other.choice() == tool.choice()) {
            return Err(DocumentError::at(&place, format!("repeats the tool `{}`", tool.name())));
        }
        tools.push(tool);
    }
    Ok(tools)
}

fn tool(mut document: Object, place: &str, api: Api) -> Result<Tool, DocumentError> {
    let kind = document.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "function" {
        document.remove("type");
        return function(read(place, Value::Object(document))?, place).map(Tool::Function);
    }
    check_hosted_tool(&document, &kind, place)?;
    if api == Api::ChatCompletions {
        let wants = "must be `function`: where `MODEL_API` is `chat_completions`, there are no other tools";
        return Err(DocumentError::at(&format!("{place}.type"), wants));
    }
    let permission = document.remove("permission").map(|permission| read(&format!("{place}.permission"), permission));
    let permission = permission.transpose()?.map(|Permission(permission)| permission);
    Ok(Tool::Hosted { definition: Value::Object(document), permission })
}

fn function(document: FunctionDocument, place: &str) -> Result<Function, DocumentError> {
    let FunctionDocument { name, description, parameters, strict, title, icon, run, permission } = document;
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
        runner: run,
        permission: permission.map(|permission| permission.0),
        parameters: Arc::new(schema),
    })
}

/// A function's name as words.
fn readable(name: &str) -> String {
    let mut words = name.replace(['_', '-'], " ");
    words[..1].make_ascii_uppercase();
    words
}

pub(super) fn choices(
    documents: Vec<ObjectOnly<ToolChoice>>,
    tools: &[Tool],
) -> Result<Vec<ClientChoice>, DocumentError> {
    let choice = |(index, ObjectOnly(document)): (usize, ObjectOnly<ToolChoice>)| {
        let mut named = tools.iter().filter(|tool| tool.name() == document.tool.0);
        let error = |wants| Err(DocumentError::at(&format!("composer.tools[{index}].tool"), wants));
        match (named.next(), named.next()) {
            (Some(tool), None) => Ok(ClientChoice {
                id: document.id.0,
                label: document.label.0,
                icon: document.icon.map(|icon| icon.0),
                value: tool.choice(),
            }),
            (None, _) => error("must be the name of a function or the type of another tool in `tools`"),
            (Some(_), Some(_)) => error("names more than one tool"),
        }
    };
    documents.into_iter().enumerate().map(choice).collect()
}

/// The hosted tools that ChatKit can show. Source: OpenAI's API reference, "Create a model response", `tools`.
const HOSTED_TYPES: [&str; 6] =
    ["web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "mcp"];

/// Checks a hosted tool. Fields that are not checked here are passed on as they are.
fn check_hosted_tool(tool: &Object, kind: &str, place: &str) -> Result<(), DocumentError> {
    if !HOSTED_TYPES.contains(&kind) {
        let wants = format!("must be `function` or one of `{}`", HOSTED_TYPES.join("`, `"));
        return Err(DocumentError::at(&format!("{place}.type"), wants));
    }
    if kind == "file_search" {
        let ids = tool.get("vector_store_ids").and_then(Value::as_array);
        if !ids.is_some_and(|ids| !ids.is_empty() && ids.iter().all(Value::is_string)) {
            let wants = "must be a list of the ids of vector stores, as in `[\"vs_…\"]`";
            return Err(DocumentError::at(&format!("{place}.vector_store_ids"), wants));
        }
    }
    if kind != "mcp" {
        return Ok(());
    }
    let text = |name: &str| tool.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("require_approval") != Some("never") {
        let wants = "must be `never`, because approvals are not supported";
        return Err(DocumentError::at(&format!("{place}.require_approval"), wants));
    }
    match text("server_label") {
        Some(_) => Ok(()),
        None => Err(DocumentError::at(&format!("{place}.server_label"), "must be a name")),
    }
}
