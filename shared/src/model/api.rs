use reqwest::Url;

use super::completions;
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
    pub(super) fn request(self, prompt: &Prompt, base_url: &Url) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Responses => serde_json::to_vec(&responses::CreateResponse::from(prompt)),
            Self::ChatCompletions => serde_json::to_vec(&completions::CreateCompletion::new(prompt, base_url)),
        }
    }
}
