use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::run::Run;
use super::schema::Schema;
use crate::json_depth::is_too_deep;
use crate::protocol::Object;

/// Something that the model may use.
#[derive(Clone)]
pub enum Tool {
    /// What the model's server runs itself, in the Responses API's own shape.
    Hosted(Value),
    /// What somebody here runs.
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
    /// Who runs it.
    pub run: Run,
    /// What its arguments are.
    pub(super) parameters: Arc<Schema>,
}

/// Something that a person may pick in the composer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientChoice {
    /// By which the page names it.
    pub id: String,
    /// What the person reads.
    pub label: String,
    /// The icon beside the label.
    pub icon: Option<String>,
    /// What the model is told: its name, or the tool that it must use in the Responses API's own shape.
    pub value: Value,
}

impl Function {
    /// Reads and checks what the model passes.
    /// The error is for the model: it says what is wrong and where, and nothing of what was passed.
    pub fn arguments(&self, json: &str) -> Result<Object, String> {
        const WANTS: &str = "the arguments are not a JSON object";
        // Models leave out what has nothing in it.
        let json = if json.trim().is_empty() { "{}" } else { json };
        let arguments = serde_json::from_str(json).map_err(|_| WANTS.to_owned())?;
        if is_too_deep(&arguments) {
            return Err("the arguments are nested too deeply".to_owned());
        }
        self.parameters.check(&arguments)?;
        let Value::Object(arguments) = arguments else { return Err(WANTS.to_owned()) };
        Ok(arguments)
    }
}

/// Without what is passed on to the model's server, which may have the token of an MCP server in it.
impl fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosted(tool) => formatter.debug_tuple("Hosted").field(&tool.get("type")).finish(),
            Self::Function(function) => formatter.debug_tuple("Function").field(function).finish(),
        }
    }
}
