use chatkit_shared::engine::TurnReport;
use chatkit_shared::http::Code;
use chatkit_shared::model::TokenUsage;
use serde::{Deserialize, Serialize};

/// How a turn ended, which is known after its last event.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) usage: Usage,
    /// What it is called if it failed.
    pub(super) code: Code,
}

/// Tokens, as Chat Completions names them.
#[derive(Default, Clone, Copy, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl Ending {
    pub(super) fn of(turn: &TurnReport) -> Self {
        let code = turn.failure.as_ref().map_or(Code::UpstreamError, Code::from);
        Self { usage: turn.usage.into(), code }
    }
}

/// Of a turn that did not come to its end.
impl Default for Ending {
    fn default() -> Self {
        Self { usage: Usage::default(), code: Code::InternalError }
    }
}

impl From<TokenUsage> for Usage {
    fn from(TokenUsage { input, output, .. }: TokenUsage) -> Self {
        Self { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
    }
}
