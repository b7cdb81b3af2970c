//! What a function is built from.

use std::error::Error;
use std::fmt::{self, Debug, Display};

use reqwest::Client;

use crate::aws::Aws;
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::https;
use crate::identity::VisitorCookie;
use crate::ids::Ids;
use crate::secrets::Secrets;
use crate::store::Connection;
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

/// What a function reaches the world through, over one HTTP client. Nothing is connected yet.
#[derive(Clone)]
pub struct Outside {
    /// The client.
    pub http: Client,
    /// Region and credentials.
    pub aws: Aws,
    /// Secrets.
    pub secrets: Secrets,
    /// The way to DynamoDB.
    pub connection: Connection,
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
    /// What the environment says of the world outside.
    ///
    /// # Errors
    /// When a variable is missing or makes no sense.
    pub fn outside(&self) -> Result<Outside, EnvError> {
        let http = https::client(&self.env)?;
        let aws = Aws::from_env(&self.env, http.clone())?;
        let secrets = Secrets::new(&aws, &self.env, self.clock.clone());
        let connection = Connection::new(&aws, &self.env);
        Ok(Outside { http, aws, secrets, connection })
    }

    /// On Lambda.
    pub fn lambda() -> Self {
        let clock = Clock::system();
        Self { env: Env::process(), ids: Ids::system(clock.clone()), clock, cookie: VisitorCookie::CrossSite }
    }
}
