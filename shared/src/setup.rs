//! What a function is built from.

use std::error::Error;
use std::fmt::{self, Debug, Display};

use crate::clock::Clock;
use crate::env::Env;
use crate::identity::VisitorCookie;
use crate::ids::Ids;
use crate::telemetry::chain;

/// Where and when a function runs: all that differs between Lambda, the local server and the tests.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The configuration.
    pub env: Env,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// How visitors' cookies travel.
    pub cookie: VisitorCookie,
}

/// Why a function cannot start, for the operator: it names the variable. A `main` that returns it shows the whole chain
/// of causes, because that is what its `Debug` is.
pub struct SetupError(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for SetupError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Display for SetupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&chain(&*self.0))
    }
}

impl Debug for SetupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

impl Setup {
    /// On Lambda.
    pub fn lambda() -> Self {
        let clock = Clock::system();
        Self { env: Env::process(), ids: Ids::system(clock.clone()), clock, cookie: VisitorCookie::CrossSite }
    }
}
