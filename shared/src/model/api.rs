use reqwest::Url;

use super::completions;
use super::error::{ModelError, ModelErrorKind};
use super::prompt::Prompt;
use super::responses;
use crate::env::{Env, EnvError};

/// Which of OpenAI's two APIs an answer is asked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `POST /responses`: OpenAI's own, and that of the gateways in front of it.
    Responses,
    /// `POST /chat/completions`: what every other server speaks, such as vLLM, Ollama and LiteLLM.
    ChatCompletions,
}

impl Api {
    /// Reads `MODEL_API`: `responses` (default) or `chat_completions`.
    ///
    /// # Errors
    /// For any other value.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "MODEL_API";
        match env.get(NAME) {
            None | Some("responses") => Ok(Self::Responses),
            Some("chat_completions") => Ok(Self::ChatCompletions),
            Some(_) => Err(EnvError::new(NAME, "must be `responses` or `chat_completions`")),
        }
    }

    /// Where it is, behind the base URL.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::ChatCompletions => "chat/completions",
        }
    }

    /// The request that asks the server at `base_url`, as JSON.
    ///
    /// # Errors
    /// `Rejected` when the prompt has a file of our own store, which no server can read.
    pub(super) fn request(self, prompt: &Prompt, base_url: &Url) -> Result<Vec<u8>, ModelError> {
        let rejected = || ModelError::new(ModelErrorKind::Rejected);
        if prompt.has_stored_files() {
            return Err(rejected());
        }
        let body = match self {
            Self::Responses => serde_json::to_vec(&responses::CreateResponse::new(prompt, base_url)),
            Self::ChatCompletions => serde_json::to_vec(&completions::CreateCompletion::new(prompt, base_url)),
        };
        // Strings and numbers always are JSON.
        body.map_err(|_| rejected())
    }
}

/// Whether the server is OpenAI's, at OpenAI or on Azure: what is new or OpenAI's alone, others may refuse.
pub(super) fn is_openai(base_url: &Url) -> bool {
    let host = base_url.host_str().unwrap_or_default();
    host == "api.openai.com" || host.ends_with(".api.openai.com") || host.ends_with(".openai.azure.com")
}
