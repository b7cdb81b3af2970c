//! The `start` function on Lambda.

use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::{lambda, telemetry};
use chatkit_start::{App, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), SetupError> {
    lambda::run(async || {
        let setup = Setup::lambda();
        telemetry::init(&setup.env, telemetry::Format::Json)?;
        let app = App::from_setup(&setup)?;
        app.open().await;
        Ok(router(app))
    })
    .await
}
