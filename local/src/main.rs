//! `cargo run`: everything on this machine.

use chatkit_local::about::describe;
use chatkit_local::arguments::Arguments;
use chatkit_local::server::Server;
use chatkit_local::{backends, demo_model};
use chatkit_shared::assistant::Assistant;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::SetupError;
use chatkit_shared::telemetry;
use clap::Parser;

#[tokio::main]
async fn main() -> Result<(), SetupError> {
    let arguments = Arguments::parse();
    let env = Env::process();
    telemetry::init(&env, telemetry::Format::Text)?;
    if let Some(file) = arguments.check_assistant {
        return check_assistant(&file, env);
    }
    if arguments.backends_only { serve_backends(&arguments, env).await } else { serve(&arguments, env).await }
}

#[expect(clippy::print_stdout, reason = "programs read this line")]
async fn serve(arguments: &Arguments, env: Env) -> Result<(), SetupError> {
    let server = Server::bind(arguments, env).await?;
    println!("listening on http://{}", server.address);
    eprintln!("{}", server.summary);
    Ok(server.run(stop()).await?)
}

#[expect(clippy::print_stdout, reason = "what was found is this mode's output")]
fn check_assistant(file: &str, mut env: Env) -> Result<(), SetupError> {
    if !file.starts_with('{') {
        std::fs::metadata(file).map_err(|error| format!("cannot read `{file}`: {error}"))?;
    }
    env.set(Assistant::VARIABLE, file);
    let assistant = Assistant::from_env(&env).map_err(|mut error| {
        if error.name == Assistant::VARIABLE {
            file.clone_into(&mut error.name);
        }
        error
    })?;
    println!("`{file}` is {}", describe(&assistant));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the variables are this mode's output")]
async fn serve_backends(arguments: &Arguments, mut env: Env) -> Result<(), SetupError> {
    let clock = Clock::system();
    let ids = Ids::system(clock.clone());
    let data = arguments.data().map(|path| path.as_path());
    backends::start(&mut env, data, &clock, &ids, demo_model::PACE).await?;
    for (name, value) in backends::variables(&env) {
        println!("export {name}='{value}'");
    }
    println!("# ready");
    stop().await;
    Ok(())
}

async fn stop() {
    // Where there is no such signal, the process is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
