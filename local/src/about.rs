//! What the page and the terminal say about this server.

use std::net::IpAddr;
use std::path::Path;

use chatkit_shared::assistant::{Assistant, ClientChoice, Runner, Tool};
use chatkit_shared::env::{Env, EnvError};
use chatkit_shared::model::base_url;
use serde::Serialize;

/// What the page says about the server that serves it, as `GET /playground.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// The model that answers.
    pub model: String,
    /// Whether that is the built-in demo model.
    pub demo: bool,
    /// The server of any other model than the demo model, unless it is OpenAI's: its host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_server: Option<String>,
    /// This server's version.
    pub version: String,
    /// What a person may choose in the composer.
    pub composer: Composer,
    /// Which files a message may have.
    pub attachments: Attachments,
    /// Whether speech is transcribed.
    pub dictation: bool,
}

/// What a person may choose in the composer, as the assistant document says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Composer {
    /// Models.
    pub models: Vec<Choice>,
    /// Tools.
    pub tools: Vec<Choice>,
}

/// A choice in the composer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The server's name for it.
    pub id: String,
    /// What the person reads.
    pub label: String,
    /// One of ChatKit's names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// Which files a message may have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attachments {
    /// Whether it may have any.
    pub enabled: bool,
    /// Bytes of one file; the server's default where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// MIME types, or `image/*`; the server's default where it is empty.
    pub types: Vec<String>,
    /// Where files are uploaded to and shown from.
    #[serde(skip)]
    pub origin: Option<String>,
}

impl About {
    /// Reads the variables and the assistant document.
    pub fn from_env(env: &Env, demo: bool) -> Result<Self, EnvError> {
        let assistant = Assistant::from_env(env)?;
        let choices = |choices: Vec<ClientChoice>| choices.into_iter().map(Choice::from).collect();
        Ok(Self {
            model: assistant.model,
            demo,
            model_server: if demo { None } else { other_server(env)? },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            composer: Composer { models: choices(assistant.models), tools: choices(assistant.tool_choices) },
            attachments: Attachments::from_env(env),
            dictation: env.get("TRANSCRIBE_MODEL").is_some(),
        })
    }

    /// What the terminal says once the server listens. `document` is the assistant document as it was configured.
    pub(crate) fn start_summary(
        &self,
        document: Option<&str>,
        data: Option<&Path>,
        is_development: bool,
        host: IpAddr,
    ) -> String {
        let model = match (&self.model_server, self.demo) {
            (_, true) => "the built-in demo model; set OPENAI_API_KEY for a real one".to_owned(),
            (Some(server), false) => format!("{} at {server}", self.model),
            (None, false) => format!("{} at OpenAI, paid for with your API key", self.model),
        };
        let assistant = match (document, self.demo) {
            (Some(json), _) if json.starts_with('{') => "the document in ASSISTANT".to_owned(),
            (Some(path), false) => path.to_owned(),
            (Some(path), true) => format!("{path}; the demo model does not call its tools"),
            (None, true) => "the demonstration, local/assistant.json".to_owned(),
            (None, false) => "MODEL and INSTRUCTIONS, without tools; ASSISTANT takes a whole document".to_owned(),
        };
        let data = match data {
            Some(data) => format!("{}, kept when the server stops", data.display()),
            None => "in memory, gone when the server stops".to_owned(),
        };
        let users = match (is_development, host.is_loopback()) {
            (true, true) => "\n  users      anyone is any user: AUTH_MODE has `development`",
            (true, false) => "\n  users      ANYONE WHO REACHES THIS ADDRESS IS ANY USER: AUTH_MODE has `development`",
            (false, true) => "",
            (false, false) => {
                "\n  users      visitors, and users with a token; `x-user-id` is off, as other machines can connect"
            }
        };
        format!("  model      {model}\n  assistant  {assistant}\n  data       {data}{users}")
    }
}

fn other_server(env: &Env) -> Result<Option<String>, EnvError> {
    let url = base_url(env)?;
    let host = url.host_str().filter(|host| *host != "api.openai.com");
    Ok(host.map(|host| url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))))
}

/// A valid assistant document in one line, as in "valid: model `m`; tools: `web_search`, `find_order` (endpoint)".
pub fn describe(assistant: &Assistant) -> String {
    let tools: Vec<_> = assistant.tools.iter().map(describe_tool).collect();
    let tools = if tools.is_empty() { "none".to_owned() } else { tools.join(", ") };
    let actions = if assistant.actions.is_some() { "; actions go to an endpoint" } else { "" };
    format!("valid: model `{}`; tools: {tools}{actions}", assistant.model)
}

fn describe_tool(tool: &Tool) -> String {
    match tool {
        Tool::Hosted { .. } => format!("`{}`", tool.name()),
        Tool::Function(function) => match function.runner {
            Runner::Client => format!("`{}` (page)", function.name),
            Runner::Server(_) => format!("`{}` (endpoint)", function.name),
        },
    }
}

impl From<ClientChoice> for Choice {
    fn from(choice: ClientChoice) -> Self {
        Self { id: choice.id, label: choice.label, icon: choice.icon }
    }
}

impl Attachments {
    fn from_env(env: &Env) -> Self {
        if env.get("FILES_BUCKET").is_none() {
            return Self::default();
        }
        let endpoint = env.get("AWS_ENDPOINT_URL_S3").or(env.get("AWS_ENDPOINT_URL"));
        Self {
            enabled: true,
            max_bytes: env.get("FILES_MAX_BYTES").and_then(|bytes| bytes.parse().ok()),
            types: env.list("FILES_TYPES"),
            origin: Some(endpoint.unwrap_or("https://*.amazonaws.com").to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(variables: &[(&str, &str)], demo: bool) -> About {
        About::from_env(&Env::from_iter(variables.iter().copied()), demo).unwrap()
    }

    #[test]
    fn about_takes_the_model_of_the_document() {
        let about = about(&[("ASSISTANT", r#"{"model": "my-llm"}"#)], false);
        assert_eq!((about.model.as_str(), about.model_server), ("my-llm", None));
    }

    #[test]
    fn about_names_another_server_than_openai() {
        let server = |url: &str| about(&[("OPENAI_BASE_URL", url)], false).model_server;
        assert_eq!(server("https://api.openai.com/v1"), None);
        assert_eq!(server("http://127.0.0.1:11434/v1").as_deref(), Some("127.0.0.1:11434"));
        assert_eq!(server("https://llm.example/v1").as_deref(), Some("llm.example"));
    }

    #[test]
    fn start_summary_says_what_answers_and_where_data_is() {
        let local = about(&[("MODEL", "m"), ("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")], false);
        let demo = about(&[("MODEL", "demo")], true);
        let paid = about(&[("MODEL", "m")], false);
        let loopback = "127.0.0.1".parse().unwrap();
        for (summary, expected) in [
            (
                local.start_summary(Some("shop.json"), Some(Path::new(".local")), true, loopback),
                "  model      m at 127.0.0.1:8000
  assistant  shop.json
  data       .local, kept when the server stops
  users      anyone is any user: AUTH_MODE has `development`",
            ),
            (
                demo.start_summary(None, None, true, "0.0.0.0".parse().unwrap()),
                "  model      the built-in demo model; set OPENAI_API_KEY for a real one
  assistant  the demonstration, local/assistant.json
  data       in memory, gone when the server stops
  users      ANYONE WHO REACHES THIS ADDRESS IS ANY USER: AUTH_MODE has `development`",
            ),
            (
                paid.start_summary(Some("{}"), None, false, "::".parse().unwrap()),
                "  model      m at OpenAI, paid for with your API key
  assistant  the document in ASSISTANT
  data       in memory, gone when the server stops
  users      visitors, and users with a token; `x-user-id` is off, as other machines can connect",
            ),
        ] {
            assert_eq!(summary, expected);
        }
    }
}
