//! What a function is built from.

use crate::clock::Clock;
use crate::env::Env;
use crate::identity::VisitorCookie;
use crate::ids::Ids;

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

/// Why a function cannot start. The text is for the operator and names the variable.
pub type SetupError = Box<dyn std::error::Error + Send + Sync>;

impl Setup {
    /// On Lambda.
    pub fn lambda() -> Self {
        let clock = Clock::system();
        Self { env: Env::process(), ids: Ids::system(clock.clone()), clock, cookie: VisitorCookie::CrossSite }
    }
}
