//! Bugs made by hand, at the edges: what is sent or kept is not what the functions meant. Each is to be found.

use serde_json::Value;

use super::dice::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// An answer is announced, and is not stored.
    LosesAnswers,
    /// An item that ends a run does not say so.
    KeepsLeases,
    /// Tokens that were held stay held.
    KeepsReservations,
    /// What a turn has used is not written down.
    LosesUsage,
    /// A sign of life is not there.
    LosesSignsOfLife,
    /// Nobody learns that a run is to stop.
    LosesStops,
    /// A retry leaves what it replaces.
    KeepsReplaced,
    /// Each try of a call has an id of its own.
    NamesCallsAnew,
    /// A page that comes back does not say where it was.
    ForgetsPositions,
    /// It says that it has less text than it has.
    CountsTooFewChars,
    /// It says that it has seen more than it has.
    CountsTooManyEvents,
}

/// Each with the first world that finds it, from which on it is looked for.
pub(super) const ALL: [(Sabotage, u64); 11] = [
    (Sabotage::LosesAnswers, 0),
    (Sabotage::KeepsLeases, 1),
    (Sabotage::KeepsReservations, 0),
    (Sabotage::LosesUsage, 0),
    (Sabotage::LosesSignsOfLife, 0),
    (Sabotage::LosesStops, 86),
    (Sabotage::KeepsReplaced, 0),
    (Sabotage::NamesCallsAnew, 1),
    (Sabotage::ForgetsPositions, 0),
    (Sabotage::CountsTooFewChars, 23),
    (Sabotage::CountsTooManyEvents, 23),
];

/// What becomes of a request to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// It is confirmed, and not carried out.
    Lose,
}

impl Sabotage {
    /// What becomes of a request to the database, which may be another one now.
    pub(super) fn database(self, operation: &str, request: &mut Value) -> Verdict {
        let text = request.to_string();
        let is_update = operation == "UpdateItem";
        let has = |part: &str| text.contains(part);
        let is_run = has("\"sk\":{\"S\":\"R#") && has("\"TableName\":\"threads\"");
        let lost = match self {
            Self::LosesAnswers => is_update && has("assistant_message") && !is_run,
            Self::KeepsReservations => is_update && has(":difference"),
            Self::LosesUsage => operation == "PutItem" && has("\"TableName\":\"usage\""),
            Self::LosesSignsOfLife => is_update && is_run && has("alive_at"),
            Self::LosesStops => is_update && is_run && has("#stop") && !has("alive_at"),
            Self::KeepsReplaced => {
                drop_deletions(request);
                false
            }
            Self::KeepsLeases => {
                replace(request, "ends_run", "ended_run");
                false
            }
            _ => false,
        };
        if lost { Verdict::Lose } else { Verdict::Pass }
    }

    /// The id under which the endpoint is called.
    pub(super) fn call_id(self, id: &mut String, dice: &Dice) {
        if self == Self::NamesCallsAnew {
            *id = format!("{id}-{}", dice.next());
        }
    }

    /// Where a page that comes back says it was.
    pub(super) fn position(self, position: Option<String>) -> Option<String> {
        let position = position?;
        let (front, chars) = position.rsplit_once(':')?;
        let (run, seq) = front.rsplit_once(':')?;
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        match self {
            Self::ForgetsPositions => None,
            Self::CountsTooFewChars => Some(format!("{front}:{}", number(chars).saturating_sub(1))),
            Self::CountsTooManyEvents => Some(format!("{run}:{}:{chars}", number(seq) + 1)),
            _ => Some(position),
        }
    }
}

/// Takes what deletes something out of a transaction with something else.
fn drop_deletions(request: &mut Value) {
    if let Some(writes) = request["TransactItems"].as_array_mut() {
        let others = writes.iter().filter(|write| write.get("Delete").is_none()).count();
        if others > 0 {
            writes.retain(|write| write.get("Delete").is_none());
        }
    }
}

fn replace(request: &mut Value, from: &str, to: &str) {
    *request = serde_json::from_str(&request.to_string().replace(from, to)).unwrap();
}
