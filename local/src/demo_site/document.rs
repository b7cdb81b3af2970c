use serde_json::{Error, Value};

/// Where the endpoints are in `local/assistant.json`, which cannot know the port.
const PLACEHOLDER: &str = "http://127.0.0.1:PORT";

/// The demonstration assistant as a value of `ASSISTANT`, in one line. `site` is the URL of this router.
///
/// Chat Completions has no tools of its own: with `only_functions` the document names none.
pub fn document(site: &str, only_functions: bool) -> Result<String, Error> {
    let text = include_str!("../../assistant.json").replace(PLACEHOLDER, site);
    let mut document: Value = serde_json::from_str(&text)?;
    if only_functions {
        let hosted = ["web_search", "image_generation"].map(Value::from);
        for (list, name) in [("/tools", "type"), ("/composer/tools", "tool")] {
            if let Some(Value::Array(entries)) = document.pointer_mut(list) {
                entries.retain(|entry| !hosted.contains(&entry[name]));
            }
        }
    }
    Ok(document.to_string())
}
