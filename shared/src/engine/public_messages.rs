//! What a person is told when a turn goes wrong.

use std::time::Duration;

use super::sentences::Sentences;
use super::{Error, Failure};
use crate::identity::Identity;
use crate::model::{IncompleteReason, ModelErrorKind};
use crate::protocol::{ErrorCode, Event, NoticeLevel};
use crate::store::{Limit, Payer};

/// What a person is told, before it has a language.
pub(super) struct PublicMessage {
    sentence: fn(&Sentences) -> &'static str,
    kind: Kind,
    /// After how long the same may succeed.
    wait: Option<Duration>,
}

enum Kind {
    /// The turn has failed.
    Error { allow_retry: bool },
    /// There is an answer, but not all of it.
    Notice,
}

impl PublicMessage {
    const fn error(sentence: fn(&Sentences) -> &'static str, allow_retry: bool) -> Self {
        Self { sentence, kind: Kind::Error { allow_retry }, wait: None }
    }

    const fn notice(sentence: fn(&Sentences) -> &'static str) -> Self {
        Self { sentence, kind: Kind::Notice, wait: None }
    }

    /// In the language of this person. An error says how to find it in the log.
    pub(super) fn to_event(&self, identity: &Identity) -> Event {
        let sentences = Sentences::of(&identity.languages);
        let sentence = (self.sentence)(sentences);
        let sentence = self.wait.map_or_else(|| sentence.to_owned(), |wait| sentences.with_time(sentence, wait));
        match self.kind {
            Kind::Error { allow_retry } => {
                let message = match &identity.reference {
                    Some(reference) => format!("{sentence} (ref {reference})"),
                    None => sentence,
                };
                Event::Error { code: ErrorCode::Custom, message: Some(message), allow_retry }
            }
            Kind::Notice => Event::Notice { level: NoticeLevel::Warning, message: sentence, title: None },
        }
    }
}

/// Something that the turn needs has failed.
pub(super) fn failed(failure: &Failure) -> PublicMessage {
    match failure {
        Failure::Model(cause) => PublicMessage::error(of_model(cause.kind), cause.retryable()),
        Failure::Store(_) | Failure::Files(_) => not_stored(),
        Failure::Endpoint(_) => PublicMessage::error(|s| s.action_failed, false),
        Failure::Panic => no_answer(),
    }
}

fn of_model(kind: ModelErrorKind) -> fn(&Sentences) -> &'static str {
    match kind {
        ModelErrorKind::Unauthorized
        | ModelErrorKind::NoKey
        | ModelErrorKind::QuotaExceeded
        | ModelErrorKind::Rejected => |s| s.out_of_order,
        ModelErrorKind::RateLimited { .. } => |s| s.busy,
        ModelErrorKind::ContextTooLong => |s| s.conversation_too_long,
        ModelErrorKind::Refused => |s| s.not_answerable,
        ModelErrorKind::Unavailable => |s| s.unreachable,
        ModelErrorKind::TimedOut => |s| s.silent,
        ModelErrorKind::Broken(_) => |s| s.broken_off,
    }
}

/// In English, for clients without the widget.
pub(crate) fn model_failed(kind: ModelErrorKind) -> &'static str {
    of_model(kind)(Sentences::of(&Default::default()))
}

/// The turn has lasted as long as one may.
pub(super) fn took_too_long() -> PublicMessage {
    PublicMessage::error(|s| s.took_too_long, true)
}

/// The model ended without having said anything.
pub(super) fn no_answer() -> PublicMessage {
    PublicMessage::error(|s| s.no_answer, true)
}

/// A limit allows no further round.
pub(super) fn budget_exhausted(limit: Limit) -> PublicMessage {
    PublicMessage::notice(match limit {
        Limit::Turns => |s| s.cut_by_limit,
        Limit::Tokens(Payer::User) => |s| s.cut_by_user_budget,
        Limit::Tokens(Payer::Address) => |s| s.cut_by_address_budget,
        Limit::Tokens(Payer::Tenant) => |s| s.cut_by_tenant_budget,
    })
}

/// A picture could not be kept.
pub(super) fn picture_lost() -> PublicMessage {
    PublicMessage::notice(|s| s.picture_lost)
}

/// The model may not be asked.
pub(super) fn refused(refusal: &Error) -> PublicMessage {
    let later =
        |sentence, wait: &Duration| PublicMessage { wait: Some(*wait), ..PublicMessage::error(sentence, false) };
    match refusal {
        Error::RateLimited { retry_after } => later(|s| s.asked_a_lot, retry_after),
        Error::BudgetExceeded { payer: Payer::User, retry_after } => later(|s| s.user_budget, retry_after),
        Error::BudgetExceeded { payer: Payer::Address, retry_after } => later(|s| s.address_budget, retry_after),
        Error::BudgetExceeded { payer: Payer::Tenant, retry_after } => later(|s| s.tenant_budget, retry_after),
        Error::NotFound(_) | Error::NotWritable => PublicMessage::error(|s| s.closed, false),
        Error::LargerThanBudget => PublicMessage::error(|s| s.larger_than_budget, false),
        Error::Failed(failure) => failed(failure),
        Error::Conflict | Error::Invalid(_) | Error::NoFiles | Error::ForeignOrigin => no_answer(),
    }
}

/// The process that was answering has died.
pub(super) fn interrupted() -> PublicMessage {
    PublicMessage::error(|s| s.interrupted, true)
}

/// The turn could not be written down.
pub(super) fn not_stored() -> PublicMessage {
    PublicMessage::error(|s| s.not_saved, true)
}

/// The answer is not whole.
pub(super) fn cut_off(reason: IncompleteReason) -> PublicMessage {
    PublicMessage::notice(match reason {
        IncompleteReason::MaxOutputTokens => |s| s.cut_by_length,
        IncompleteReason::ContentFilter => |s| s.cut_by_filter,
        IncompleteReason::Other => |s| s.incomplete,
    })
}
