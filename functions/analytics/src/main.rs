//! The `analytics` function on Lambda.

use chatkit_analytics::{App, router};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::{lambda, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), SetupError> {
    lambda::run(async || {
        let setup = Setup::lambda();
        telemetry::init(&setup.env, telemetry::Format::Json)?;
        Ok(router(App::from_setup(&setup).await?))
    })
    .await
}
