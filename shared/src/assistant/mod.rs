//! Who answers: the assistant as its owner configures it.

mod tool;

pub use tool::{ClientChoice, Function, Run, Tool};

use crate::endpoints::Endpoint;
use crate::env::{Env, EnvError};
use crate::identity::Identity;

/// Who answers, how, and within which bounds.
#[derive(Debug, Clone)]
pub struct Assistant {
    /// The model's name.
    pub model: String,
    /// The models that a person may pick in the composer.
    pub models: Vec<ClientChoice>,
    /// What the model is told before every conversation.
    pub instructions: Option<String>,
    /// How long a reasoning model thinks, such as `low`.
    pub reasoning_effort: Option<String>,
    /// Whether the model is asked for summaries of its reasoning. OpenAI grants them to verified organizations only.
    pub reasoning_summaries: bool,
    /// Tokens of one answer, reasoning included.
    pub max_output_tokens: u32,
    /// Tokens of the conversation that the model is shown, as estimated; the newest items that fit.
    pub max_context_tokens: u32,
    /// How many times the model may be asked in one turn: each time but the last it calls tools.
    pub max_rounds: u32,
    /// What the model may use.
    pub tools: Vec<Tool>,
    /// The tools that a person may pick in the composer.
    pub tool_choices: Vec<ClientChoice>,
    /// Where what people do in widgets is sent.
    pub actions: Option<Endpoint>,
    /// Whether each turn ends with an item that says so.
    pub end_of_turn: bool,
    /// The domains from which the client may show images; none means all.
    pub allowed_image_domains: Option<Vec<String>>,
}

impl Assistant {
    /// The model where `MODEL` names none.
    pub const DEFAULT_MODEL: &str = "gpt-6-luna";

    /// Reads `MODEL`, `INSTRUCTIONS`, `MAX_OUTPUT_TOKENS` (8192), `MAX_CONTEXT_TOKENS` (16000) and
    /// `REASONING_SUMMARIES` (`false`).
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let bounded = |name: &str, default: u32| {
            let value = env.parsed(name, default, "a whole number of tokens")?;
            if value < 16 { Err(EnvError::new(name, "must be at least 16 tokens")) } else { Ok(value) }
        };
        Ok(Self {
            model: env.get("MODEL").unwrap_or(Self::DEFAULT_MODEL).to_owned(),
            models: Vec::new(),
            instructions: env.get("INSTRUCTIONS").map(ToOwned::to_owned),
            reasoning_effort: None,
            reasoning_summaries: env.parsed("REASONING_SUMMARIES", false, "`true` or `false`")?,
            max_output_tokens: bounded("MAX_OUTPUT_TOKENS", 8_192)?,
            max_context_tokens: bounded("MAX_CONTEXT_TOKENS", 16_000)?,
            max_rounds: 8,
            tools: Vec::new(),
            tool_choices: Vec::new(),
            actions: None,
            end_of_turn: false,
            allowed_image_domains: None,
        })
    }

    /// What the model is told before a conversation with this person.
    pub fn instructions_for(&self, _: &Identity) -> Option<String> {
        self.instructions.clone()
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.tools.iter().find_map(|tool| match tool {
            Tool::Function(function) if function.name == name => Some(function),
            Tool::Function(_) | Tool::Hosted(_) => None,
        })
    }
}

/// About how many tokens a text has: English has about four bytes a token, most other scripts more tokens a character
/// but also more bytes a character.
pub fn estimate_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}
