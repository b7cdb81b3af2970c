use std::borrow::Cow;

use reqwest::Url;
use serde::Serialize;

use crate::model::prompt::{Input, InputPart, Prompt};

/// The body of `POST /chat/completions`. Source: OpenAI's API reference, "Create chat completion".
///
/// A parameter that a server does not know is an error with some of them, such as Mistral's. So only OpenAI's own
/// servers get what is new: `max_completion_tokens` (its reasoning models refuse `max_tokens`) and the two ids. All
/// others get `max_tokens`, the one name that each of them knows (Ollama, LM Studio and Mistral know no other), and
/// gateways translate it for the models behind them.
#[derive(Serialize)]
pub(in crate::model) struct CreateCompletion<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    /// A text and not its parts: servers of text models know nothing else.
    content: Cow<'a, str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> CreateCompletion<'a> {
    /// The request to the server at `base_url`.
    pub(in crate::model) fn new(prompt: &'a Prompt, base_url: &Url) -> Self {
        let is_openai = is_openai(base_url);
        let for_openai = |text: &'a Option<String>| text.as_deref().filter(|_| is_openai);
        Self {
            model: &prompt.model,
            messages: messages(prompt),
            max_tokens: prompt.max_output_tokens.filter(|_| !is_openai),
            max_completion_tokens: prompt.max_output_tokens.filter(|_| is_openai),
            safety_identifier: for_openai(&prompt.user),
            prompt_cache_key: for_openai(&prompt.cache_key),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

/// Whether the server is OpenAI's, at OpenAI or on Azure.
fn is_openai(base_url: &Url) -> bool {
    let host = base_url.host_str().unwrap_or_default();
    host == "api.openai.com" || host.ends_with(".api.openai.com") || host.ends_with(".openai.azure.com")
}

/// The instructions and the conversation. What one side says in a row becomes one message: the chat templates of many
/// open models want the sides to take turns.
fn messages(prompt: &Prompt) -> Vec<Message<'_>> {
    let mut messages: Vec<Message<'_>> = Vec::new();
    messages.extend(prompt.instructions.as_deref().map(|text| Message { role: "system", content: text.into() }));
    for input in &prompt.input {
        let (role, content) = match input {
            Input::User(parts) => ("user", text(parts)),
            Input::Assistant(text) => ("assistant", Cow::from(text)),
            Input::Opaque(_) | Input::Call(_) | Input::CallOutput { .. } => continue,
        };
        match messages.last_mut() {
            Some(last) if last.role == role => {
                let last = last.content.to_mut();
                last.push_str("\n\n");
                last.push_str(&content);
            }
            Some(_) | None => messages.push(Message { role, content }),
        }
    }
    messages
}

fn text(parts: &[InputPart]) -> Cow<'_, str> {
    match parts {
        [InputPart::Text(text)] => text.into(),
        parts => parts.iter().filter_map(words).collect::<Vec<_>>().join("\n").into(),
    }
}

fn words(part: &InputPart) -> Option<&str> {
    match part {
        InputPart::Text(text) => Some(text),
        InputPart::Image(_) | InputPart::File(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_openai_gets_what_is_new() {
        let prompt = Prompt {
            model: "gpt-test".to_owned(),
            input: vec![Input::User(vec![InputPart::Text("Hi".to_owned())])],
            max_output_tokens: Some(100),
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
