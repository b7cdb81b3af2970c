use super::api::Api;
use super::error::ModelError;
use super::event::Events;
use super::prompt::Prompt;
use super::{completions, responses};

/// Turns the upstream's events into ours, whichever API it speaks.
pub(super) enum Translator {
    Responses(responses::Translator),
    ChatCompletions(completions::Translator),
}

/// Whether the stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    End,
}

impl Translator {
    /// For an answer to this prompt.
    pub(super) fn new(api: Api, prompt: &Prompt) -> Self {
        match api {
            Api::Responses => Self::Responses(responses::Translator::new(prompt)),
            Api::ChatCompletions => Self::ChatCompletions(completions::Translator::new(prompt)),
        }
    }

    /// Takes the data of an event of the upstream and adds what it means to `out`.
    ///
    /// # Errors
    /// When the event reports a failure or is not JSON; nothing is added then.
    pub(super) fn accept(&mut self, data: &str, out: &mut Events) -> Result<Flow, ModelError> {
        match self {
            Self::Responses(translator) => translator.accept(data, out),
            Self::ChatCompletions(translator) => translator.accept(data, out),
        }
    }

    /// Whether the answer is whole although the stream goes on: nothing that comes now can make it fail.
    pub(super) const fn is_whole(&self) -> bool {
        match self {
            Self::Responses(_) => false,
            Self::ChatCompletions(translator) => translator.is_whole(),
        }
    }

    /// Takes the end of the stream.
    ///
    /// # Errors
    /// When the answer is not whole.
    pub(super) fn end(&mut self, out: &mut Events) -> Result<(), ModelError> {
        match self {
            Self::Responses(_) => Err(ModelError::cut_off()),
            Self::ChatCompletions(translator) => translator.end(out),
        }
    }
}
