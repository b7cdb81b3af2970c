use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens as the upstream counts and bills them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUsage {
    /// The whole prompt.
    pub input: u64,
    /// Those of `input` that came from the cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// The whole answer.
    pub output: u64,
    /// Those of `output` that were thoughts.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
}

/// The store keeps a usage with many items.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl AddAssign for TokenUsage {
    fn add_assign(&mut self, more: Self) {
        self.input += more.input;
        self.cached += more.cached;
        self.output += more.output;
        self.reasoning += more.reasoning;
    }
}

impl TokenUsage {
    /// What it counts as in a budget.
    pub const fn total(&self) -> u64 {
        self.input + self.output
    }

    /// Each count cut to more than any model takes, so that no upstream can make a sum overflow.
    pub(super) fn within_limits(self) -> Self {
        const MAX_TOKENS: u64 = 1 << 32;
        let Self { input, cached, output, reasoning } = self;
        Self {
            input: input.min(MAX_TOKENS),
            cached: cached.min(MAX_TOKENS),
            output: output.min(MAX_TOKENS),
            reasoning: reasoning.min(MAX_TOKENS),
        }
    }
}

/// The most tokens that a text can have: tokenizers that know every byte never make more than one of a byte.
pub(crate) const fn max_tokens(text: &str) -> u64 {
    text.len() as u64
}

/// About how many tokens a text has: English has about four bytes a token, most other scripts more tokens a character
/// but also more bytes a character.
pub(crate) fn estimate_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}
