use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use super::input::InputItem;
use crate::model::api::is_openai;
use crate::model::prompt::Prompt;

/// The body of `POST /responses`. Source: OpenAI's API reference, "Create a model response".
#[derive(Serialize)]
pub(in crate::model) struct CreateResponse<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<InputItem<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    /// The conversation is kept in our own store only.
    store: bool,
    stream: bool,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

impl<'a> CreateResponse<'a> {
    /// The request to the server at `base_url`.
    pub(in crate::model) fn new(prompt: &'a Prompt, base_url: &Url) -> Self {
        Self {
            model: &prompt.model,
            instructions: prompt.instructions.as_deref(),
            input: prompt.input.iter().filter_map(InputItem::read).collect(),
            tools: &prompt.tools,
            tool_choice: prompt.tool_choice.as_ref().filter(|_| !prompt.tools.is_empty()),
            include: include(prompt, base_url),
            max_output_tokens: prompt.max_output_tokens,
            reasoning: is_known_to_reason(prompt).then(|| Reasoning {
                effort: prompt.reasoning_effort.as_deref(),
                summary: prompt.reasoning_summaries.then_some("auto"),
            }),
            safety_identifier: prompt.user.as_deref(),
            prompt_cache_key: prompt.cache_key.as_deref(),
            store: false,
            stream: true,
        }
    }
}

/// What the answer should have beyond the ordinary.
///
/// Thoughts are needed where calls may follow them: the upstream keeps nothing, so they must be given back. To ask for
/// them is an error with models that do not think ("Encrypted content is not supported with this model"), so it is done
/// only where the configuration says that the model does; OpenAI's current models give them unasked. What the sources of
/// a task are made of is asked of OpenAI alone, because other servers refuse names that they do not know.
fn include(prompt: &Prompt, base_url: &Url) -> Vec<&'static str> {
    let mut include = Vec::new();
    if prompt.has_functions() && is_known_to_reason(prompt) {
        include.push("reasoning.encrypted_content");
    }
    if is_openai(base_url) {
        let has_tool = |kind: &str| prompt.tools.iter().any(|tool| tool["type"] == kind);
        include.extend(has_tool("web_search").then_some("web_search_call.action.sources"));
        include.extend(has_tool("file_search").then_some("file_search_call.results"));
    }
    include
}

fn is_known_to_reason(prompt: &Prompt) -> bool {
    prompt.reasoning_effort.is_some() || prompt.reasoning_summaries
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_are_asked_of_openai_alone() {
        let tools = ["web_search", "file_search", "web_search_preview"].map(|kind| json!({"type": kind}));
        let prompt = Prompt { tools: tools.to_vec(), ..Prompt::default() };
        let sources = ["web_search_call.action.sources", "file_search_call.results"];
        for (base_url, expected) in [
            ("https://api.openai.com/v1", &sources[..]),
            ("https://site.openai.azure.com/openai/v1/", &sources),
            ("http://localhost:4000/v1", &[]),
        ] {
            assert_eq!(include(&prompt, &base_url.parse().unwrap()), expected, "{base_url}");
        }
        let preview = Prompt { tools: tools[2..].to_vec(), ..Prompt::default() };
        assert!(include(&preview, &"https://api.openai.com/v1".parse().unwrap()).is_empty());
    }

    #[test]
    fn thoughts_are_asked_of_models_that_think_and_call_functions() {
        let function = || vec![json!({"type": "function", "name": "f"})];
        let thinking = Prompt { reasoning_effort: Some("low".to_owned()), ..Prompt::default() };
        let base_url = "http://localhost:4000/v1".parse().unwrap();
        for (prompt, expected) in [
            (Prompt { tools: function(), ..thinking.clone() }, &["reasoning.encrypted_content"][..]),
            (Prompt { tools: function(), ..Prompt::default() }, &[]),
            (thinking, &[]),
        ] {
            assert_eq!(include(&prompt, &base_url), expected, "{prompt:?}");
        }
    }
}
