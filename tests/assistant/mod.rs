//! The assistant as its owner configures it.

mod agreement;
mod arguments;
mod documents;
mod schemas;
mod templates;
mod variables;

use chatkit_shared::assistant::Assistant;
use chatkit_shared::env::Env;
use serde_json::Value;

/// The assistant of a document, or why there is none.
fn read(document: &Value) -> Result<Assistant, String> {
    with([("ASSISTANT", document.to_string().as_str())])
}

/// The assistant of an environment, or why there is none.
fn with<const N: usize>(variables: [(&str, &str); N]) -> Result<Assistant, String> {
    Assistant::from_env(&Env::from_iter(variables)).map_err(|error| error.to_string())
}

/// What is wrong with a document.
fn fault(document: &Value) -> String {
    let fault = read(document).unwrap_err();
    fault.strip_prefix("`ASSISTANT` is invalid: ").unwrap_or(&fault).to_owned()
}
