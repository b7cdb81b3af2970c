//! The `socket` function on Lambda.

use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::{lambda, telemetry};
use chatkit_socket::{App, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), SetupError> {
    lambda::run_events(async || {
        let setup = Setup::lambda();
        telemetry::init(&setup.env, telemetry::Format::Json)?;
        let app = App::from_setup(&setup)?;
        app.open().await;
        Ok(move |event| handle(app.clone(), event))
    })
    .await
}
