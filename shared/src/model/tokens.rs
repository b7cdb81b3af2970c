use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// What a model was used for, as the upstream counts and bills it, and what that costs.
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
    /// Those of `input` that were written to the cache, which costs more with some models.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    #[serde(skip_serializing_if = "HostedCalls::are_none")]
    pub calls: HostedCalls,
    /// What it costs, in trillionths of a dollar. See `prices.rs`.
    #[serde(skip_serializing_if = "is_zero")]
    pub picodollars: u64,
    /// A part of it has no price. Not stored: it would be on every answer of a model without a price.
    #[serde(skip)]
    pub unpriced: bool,
}

/// Calls of hosted tools that are billed one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostedCalls {
    #[serde(skip_serializing_if = "is_zero")]
    pub web_search: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub file_search: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub code_interpreter: u64,
    /// Pictures.
    #[serde(skip_serializing_if = "is_zero")]
    pub image_generation: u64,
}

impl HostedCalls {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
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
        self.cache_write += more.cache_write;
        self.calls += more.calls;
        self.picodollars = self.picodollars.saturating_add(more.picodollars);
        self.unpriced |= more.unpriced;
    }
}

impl AddAssign for HostedCalls {
    fn add_assign(&mut self, more: Self) {
        self.web_search += more.web_search;
        self.file_search += more.file_search;
        self.code_interpreter += more.code_interpreter;
        self.image_generation += more.image_generation;
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
        let Self { input, cached, output, reasoning, cache_write, .. } = self;
        Self {
            input: input.min(MAX_TOKENS),
            cached: cached.min(MAX_TOKENS),
            output: output.min(MAX_TOKENS),
            reasoning: reasoning.min(MAX_TOKENS),
            cache_write: cache_write.min(MAX_TOKENS),
            ..self
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
