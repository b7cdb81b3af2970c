use crate::env::{Env, EnvError};

/// Who answers, and within which bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assistant {
    /// The model's name.
    pub model: String,
    /// What the model is told before every conversation.
    pub instructions: Option<String>,
    /// Tokens of one answer, reasoning included.
    pub max_output_tokens: u32,
    /// Tokens of the conversation that the model is shown, as estimated; the newest items that fit.
    pub max_context_tokens: u32,
    /// Whether the model is asked for summaries of its reasoning. OpenAI grants them to verified organizations only.
    pub reasoning_summaries: bool,
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
            instructions: env.get("INSTRUCTIONS").map(ToOwned::to_owned),
            max_output_tokens: bounded("MAX_OUTPUT_TOKENS", 8_192)?,
            max_context_tokens: bounded("MAX_CONTEXT_TOKENS", 16_000)?,
            reasoning_summaries: env.parsed("REASONING_SUMMARIES", false, "`true` or `false`")?,
        })
    }

    /// The most that one turn can cost, which is what is reserved before it begins.
    pub fn worst_case_tokens(&self) -> u64 {
        let instructions = self.instructions.as_deref().map_or(0, estimate_tokens);
        u64::from(self.max_output_tokens) + u64::from(self.max_context_tokens) + instructions
    }
}

/// About how many tokens a text has: English has about four bytes a token, most other scripts more tokens a character
/// but also more bytes a character.
pub(super) fn estimate_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}
