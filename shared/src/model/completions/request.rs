use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use super::messages::{Message, messages};
use crate::model::config::is_openai;
use crate::model::prompt::Prompt;

/// The body of `POST /chat/completions`. Source: OpenAI's API reference, "Create chat completion".
///
/// A parameter that a server does not know is an error with some of them, such as Mistral's. So only OpenAI's own
/// servers get the newer ones: `max_completion_tokens` (its reasoning models refuse `max_tokens`), `reasoning_effort`
/// and the two ids. All others get `max_tokens`, the one name that each of them knows (Ollama, LM Studio and Mistral
/// know no other), and gateways translate it for the models behind them.
#[derive(Serialize)]
pub(crate) struct CreateCompletion<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> CreateCompletion<'a> {
    pub(crate) fn new(prompt: &'a Prompt, base_url: &Url) -> Self {
        let is_openai = is_openai(base_url);
        let for_openai = |text: &'a Option<String>| text.as_deref().filter(|_| is_openai);
        let tools: Vec<_> = prompt.tools.iter().filter_map(Tool::from_responses).collect();
        let tool_choice =
            prompt.tool_choice.as_ref().filter(|_| !tools.is_empty()).and_then(ToolChoice::from_responses);
        Self {
            model: &prompt.model,
            messages: messages(prompt),
            tools,
            tool_choice,
            max_tokens: prompt.max_output_tokens.filter(|_| !is_openai),
            max_completion_tokens: prompt.max_output_tokens.filter(|_| is_openai),
            reasoning_effort: for_openai(&prompt.reasoning_effort),
            safety_identifier: for_openai(&prompt.user),
            prompt_cache_key: for_openai(&prompt.cache_key),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

/// A function that the model may call. The Responses API has the fields of `function` beside `type`.
#[derive(Serialize)]
struct Tool<'a> {
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

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    /// `auto`, `none` or `required`.
    Mode(&'a str),
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Name<'a>,
    },
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

impl<'a> Tool<'a> {
    /// `tool` has the Responses API's shape; `None` for what only that API has.
    fn from_responses(tool: &'a Value) -> Option<Self> {
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
    /// `choice` has the Responses API's shape; `None` for what only that API has.
    fn from_responses(choice: &'a Value) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::prompt::{Input, InputPart};

    #[test]
    fn only_openai_gets_what_is_new() {
        let prompt = Prompt {
            model: "gpt-test".to_owned(),
            input: vec![Input::User(vec![InputPart::Text("Hi".to_owned())])],
            max_output_tokens: Some(100),
            reasoning_effort: Some("low".to_owned()),
            user: Some("hash".to_owned()),
            cache_key: Some("thread".to_owned()),
            ..Prompt::default()
        };
        let basis = json!({
            "model": "gpt-test",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        let mut for_openai = basis.clone();
        for_openai["max_completion_tokens"] = json!(100);
        for_openai["reasoning_effort"] = json!("low");
        for_openai["safety_identifier"] = json!("hash");
        for_openai["prompt_cache_key"] = json!("thread");
        let mut for_others = basis;
        for_others["max_tokens"] = json!(100);
        for (base_url, expected) in [
            ("https://api.openai.com/v1", &for_openai),
            ("https://eu.api.openai.com/v1", &for_openai),
            ("https://site.openai.azure.com/openai/v1/", &for_openai),
            ("https://api.openai.com.example.com/v1", &for_others),
            ("https://notapi.openai.com/v1", &for_others),
            ("http://localhost:11434/v1", &for_others),
            ("http://[::1]:8000/v1", &for_others),
        ] {
            let request = CreateCompletion::new(&prompt, &base_url.parse().unwrap());
            assert_eq!(&serde_json::to_value(request).unwrap(), expected, "{base_url}");
        }
    }
}
