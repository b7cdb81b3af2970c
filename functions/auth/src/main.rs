//! The `auth` function on Lambda.

use chatkit_auth::{App, router};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::{lambda, telemetry};

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
