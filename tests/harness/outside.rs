//! The way out of the code under test, as `Setup` makes it.

use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::https;
use chatkit_shared::identity::VisitorCookie;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::{Clients, Setup};
use reqwest::Client;

/// An HTTP client of its own.
pub(crate) fn client() -> Client {
    https::client(&Env::default()).unwrap()
}

/// What an environment says of the world outside.
pub(crate) fn outside(env: &Env, clock: &Clock) -> Clients {
    let (ids, cookie) = (Ids::seeded(clock.clone(), 1), VisitorCookie::CrossSite);
    Setup { env: env.clone(), clock: clock.clone(), ids, cookie, dynamodb: None }.clients().unwrap()
}
