//! Logs: one line of JSON per event on Lambda, text for people locally.
//!
//! What is never logged: keys and tokens, what people or models write, whole request or response bodies, names of
//! users and tenants (their hashes are).

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::env::{Env, EnvError};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, the fields at its top level.
    Json,
    /// For a terminal, on standard error.
    Text,
}

/// Starts logging at `LOG_LEVEL` (default `info`; on Lambda `AWS_LAMBDA_LOG_LEVEL`, which the template sets).
///
/// # Errors
/// When the level is not one.
pub fn init(env: &Env, format: Format) -> Result<(), EnvError> {
    let name = if env.get("LOG_LEVEL").is_some() { "LOG_LEVEL" } else { "AWS_LAMBDA_LOG_LEVEL" };
    let level = env.parsed(name, LevelFilter::INFO, "`error`, `warn`, `info`, `debug` or `trace`")?;
    let layer = match format {
        Format::Json => fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
        Format::Text => {
            let layer = fmt::layer().compact().with_target(false).with_writer(std::io::stderr);
            layer.with_ansi(std::io::stderr().is_terminal()).boxed()
        }
    };
    // A second call, as in tests, leaves the first one's logging in place.
    let _ = registry().with(layer.with_filter(level)).try_init();
    Ok(())
}
