use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Effect, EndpointError};

/// What an endpoint asks for, as it comes. Ends with the answer, with the first error, or when the time of the call is
/// over, which is an error, too.
pub struct EffectStream(Option<Running>);

struct Running {
    effects: Pin<Box<dyn Stream<Item = Result<Effect, EndpointError>> + Send>>,
    deadline: Pin<Box<Sleep>>,
}

impl EffectStream {
    pub(super) fn new(
        effects: impl Stream<Item = Result<Effect, EndpointError>> + Send + 'static,
        deadline: Instant,
    ) -> Self {
        Self(Some(Running { effects: Box::pin(effects), deadline: Box::pin(sleep_until(deadline)) }))
    }
}

impl Stream for EffectStream {
    type Item = Result<Effect, EndpointError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(Running { effects, deadline }) = &mut self.0 else { return Poll::Ready(None) };
        let next = if deadline.as_mut().poll(context).is_ready() {
            Some(Err(EndpointError::TimedOut))
        } else {
            ready!(effects.as_mut().poll_next(context))
        };
        if !matches!(next, Some(Ok(_))) {
            // The connection goes with it.
            self.0 = None;
        }
        Poll::Ready(next)
    }
}

impl fmt::Debug for EffectStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EffectStream").finish_non_exhaustive()
    }
}
