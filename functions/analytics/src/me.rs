use chatkit_shared::engine::Limits;
use chatkit_shared::store::Used;
use jiff::Timestamp;
use serde::Serialize;

/// The answer of `GET /api/usage/me`. A limit that is off has no fields.
#[derive(Serialize)]
pub(crate) struct OwnUsage {
    /// Operations that call the model: a bucket that refills steadily.
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<Turns>,
    /// Model tokens of the clock hour, with those held for answers that are being written.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
}

#[derive(Serialize)]
struct Turns {
    limit: u32,
    remaining: u32,
    window_seconds: u32,
    /// Unix seconds at which all of them are available again: now, if they are.
    resets_at: i64,
}

#[derive(Serialize)]
struct Tokens {
    limit: u64,
    used: u64,
    remaining: u64,
    window_seconds: u32,
    /// Unix seconds at which the next hour begins.
    resets_at: i64,
}

impl OwnUsage {
    pub(crate) fn new(limits: &Limits, used: &Used, now: Timestamp) -> Self {
        let turns = used.turns_available.map(|remaining| Turns {
            limit: limits.turns.capacity(),
            remaining,
            window_seconds: 60,
            resets_at: used.turns_full_at.max(now).as_second(),
        });
        let limit = limits.tokens_per_hour;
        let tokens = (limit > 0).then(|| Tokens {
            limit,
            used: used.tokens_this_hour,
            remaining: limit.saturating_sub(used.tokens_this_hour),
            window_seconds: 3_600,
            resets_at: used.tokens_reset_at.as_second(),
        });
        Self { turns, tokens }
    }
}
