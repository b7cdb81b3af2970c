use serde_json::Value;

use crate::endpoints::Endpoint;
use crate::protocol::Object;

/// Something that the model may use.
#[derive(Debug, Clone)]
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
}

/// Who runs a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// The page.
    Client,
    /// An endpoint of the site.
    Server(Endpoint),
}

/// Something that a person may pick in the composer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientChoice {
    /// By which the page names it.
    pub id: String,
    /// What the model is told: its name, or the tool that it must use in the Responses API's own shape.
    pub value: Value,
}

impl Function {
    /// Reads and checks what the model passes.
    ///
    /// # Errors
    /// What is wrong with it, for the model.
    pub fn arguments(&self, json: &str) -> Result<Object, String> {
        // Models leave out what has nothing in it.
        let json = if json.trim().is_empty() { "{}" } else { json };
        serde_json::from_str(json).map_err(|_| "the arguments are not a JSON object".to_owned())
    }
}
