//! `cargo run`: everything on this machine.

use std::path::Path;

use chatkit_local::about::describe;
use chatkit_local::arguments::{Arguments, Command};
use chatkit_local::assistant::Action;
use chatkit_local::backends_only;
use chatkit_local::server::Server;
use chatkit_shared::assistant::Assistant;
use chatkit_shared::env::Env;
use chatkit_shared::setup::SetupError;
use chatkit_shared::telemetry;
use clap::Parser;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

/// A turn allocates thousands of times, and this is faster at it than the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), SetupError> {
    let arguments = Arguments::parse();
    // Other users of this machine may read nothing of what is kept.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let env = Env::process();
    telemetry::init(&env, telemetry::Format::Text)?;
    if let Some(Command::Assistant(action)) = arguments.command {
        return change_settings(action, &arguments.data, env).await;
    }
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
    server.run(stop()).await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what was done is this command's output")]
async fn change_settings(action: Action, data: &Path, env: Env) -> Result<(), SetupError> {
    println!("{}", action.run(data, env).await?);
    Ok(())
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

#[expect(clippy::print_stdout, reason = "programs read this line")]
async fn serve_backends(arguments: &Arguments, env: Env) -> Result<(), SetupError> {
    let started = backends_only::start(arguments, env).await?;
    eprintln!("the backends are ready; this leads the functions of another shell to them:");
    println!(". {}", backends_only::quoted(&started.variables.display().to_string()));
    stop().await;
    Ok(())
}

/// Ctrl-C, or what service managers and containers send. Where there is no such signal, the process is killed.
async fn stop() {
    #[cfg(unix)]
    if let Ok(mut terminated) = signal(SignalKind::terminate()) {
        tokio::select! {
            Ok(()) = tokio::signal::ctrl_c() => return,
            _ = terminated.recv() => return,
            else => {}
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
