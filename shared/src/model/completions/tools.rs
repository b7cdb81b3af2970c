use serde::Serialize;
use serde_json::Value;

/// A function that the model may call: what stands beside the name in the Responses API stands in an object of its own
/// here.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<&'a Value>,
}

/// What the model must use.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolChoice<'a> {
    /// `auto`, `none` or `required`.
    Mode(&'a str),
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Name<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct Name<'a> {
    name: &'a str,
}

impl<'a> Tool<'a> {
    /// The tool in the Responses API's shape; `None` for what only that API has.
    pub(super) fn read(tool: &'a Value) -> Option<Self> {
        let name = function_name(tool)?;
        let field = |name: &str| tool.get(name).filter(|value| !value.is_null());
        let function = Function {
            name,
            description: field("description"),
            parameters: field("parameters"),
            strict: field("strict"),
        };
        Some(Self { kind: "function", function })
    }
}

impl<'a> ToolChoice<'a> {
    /// The choice in the Responses API's shape; `None` for what only that API has.
    pub(super) fn read(choice: &'a Value) -> Option<Self> {
        if let Some(mode) = choice.as_str() {
            return Some(Self::Mode(mode));
        }
        let name = function_name(choice)?;
        Some(Self::Function { kind: "function", function: Name { name } })
    }
}

fn function_name(value: &Value) -> Option<&str> {
    value["name"].as_str().filter(|_| value["type"] == "function")
}
