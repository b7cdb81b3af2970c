//! The sentences that a person reads when a turn goes wrong.

use super::{Error, Failure};
use crate::model::IncompleteReason;
use crate::protocol::{ErrorCode, Event, NoticeLevel};
use crate::store::{Limit, Payer};

/// Something that the turn needs has failed.
pub(super) fn failed(failure: &Failure) -> Event {
    match failure {
        Failure::Model(cause) => error(cause.public_message(), cause.retryable()),
        Failure::Store(_) | Failure::Files(_) => not_stored(),
        Failure::Endpoint(_) => error("This did not work. Please try again.", false),
        Failure::Panic => no_answer(),
    }
}

/// The turn has lasted as long as one may.
pub(super) fn took_too_long() -> Event {
    error("The answer took too long and was stopped. Please try again.", true)
}

/// The model ended without having said anything.
pub(super) fn no_answer() -> Event {
    error("The assistant gave no answer. Please try again.", true)
}

/// As a clause, which begins or continues a sentence.
pub(crate) const fn budget_used_up(payer: Payer) -> &'static str {
    match payer {
        Payer::User => "your token budget is used up for now",
        Payer::Address => "the token budget of your network's visitors is used up for now",
        Payer::Tenant => "this site's token budget is used up for today",
    }
}

/// A limit allows no further round.
pub(super) fn budget_exhausted(limit: Limit) -> Event {
    let reason = match limit {
        Limit::Turns => "you have asked a lot in a short time",
        Limit::Tokens(payer) => budget_used_up(payer),
    };
    let message = format!("The answer is incomplete because {reason}.");
    Event::Notice { level: NoticeLevel::Warning, message, title: None }
}

/// A picture could not be kept.
pub(super) fn picture_lost() -> Event {
    let message = "A picture could not be saved.";
    Event::Notice { level: NoticeLevel::Warning, message: message.to_owned(), title: None }
}

/// The model may not be asked.
pub(super) fn refused(refusal: &Error) -> Event {
    match refusal {
        Error::RateLimited { .. } => error("You have asked a lot in a short time. Please wait a moment.", false),
        Error::BudgetExceeded { payer, .. } => {
            let reason = budget_used_up(*payer);
            error(&format!("{}{}.", reason[..1].to_ascii_uppercase(), &reason[1..]), false)
        }
        Error::NotFound(_) | Error::NotWritable => error("This conversation takes no more messages.", false),
        Error::Failed(failure) => failed(failure),
        Error::Conflict | Error::Invalid(_) | Error::NoFiles => no_answer(),
    }
}

/// The turn could not be written down.
pub(super) fn not_stored() -> Event {
    error("The conversation could not be saved. Please try again in a moment.", true)
}

/// The answer is not whole.
pub(super) fn cut_off(reason: IncompleteReason) -> Event {
    let message = match reason {
        IncompleteReason::MaxOutputTokens => "The answer was cut off because it became too long.",
        IncompleteReason::ContentFilter => "The answer was stopped by the content filter.",
        IncompleteReason::Other => "The answer is incomplete.",
    };
    Event::Notice { level: NoticeLevel::Warning, message: message.to_owned(), title: None }
}

fn error(message: &str, allow_retry: bool) -> Event {
    Event::Error { code: ErrorCode::Custom, message: Some(message.to_owned()), allow_retry }
}
