//! Logs: one line of JSON per event on Lambda, text for people locally.
//!
//! What is never logged: keys and tokens, what people or models write, whole request or response bodies, names of
//! users and tenants (their hashes are).

use std::error::Error;
use std::io::IsTerminal;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::env::{Env, EnvError};

/// The target of the line that each request has.
pub(crate) const REQUEST: &str = "request";

/// An error with everything that caused it, in one line: a subscriber writes the outermost only.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

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
        Format::Json => layer(format, level, std::io::stdout),
        Format::Text => layer(format, level, std::io::stderr),
    };
    // A second call, as in tests, leaves the first one's logging in place.
    let _ = registry().with(layer).try_init();
    Ok(())
}

/// What writes the lines from `level` on, those of dependencies from `info` on: below that some of them write whole
/// requests.
pub fn layer<S, W>(format: Format, level: LevelFilter, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = ["chatkit", REQUEST];
    // The SDK warns of conditions that do not hold, which are how limits and leases work here.
    let levels = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("aws_", level.min(LevelFilter::ERROR))
        // The embedded DynamoDB of the local server says the same.
        .with_target("dynoxide", level.min(LevelFilter::ERROR))
        .with_targets(ours.map(|name| (name, level)));
    let layer = fmt::layer().with_writer(writer);
    match format {
        Format::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(false).with_span_list(false);
            layer.with_filter(levels).boxed()
        }
        Format::Text => {
            let ansi = std::io::stderr().is_terminal();
            layer.compact().with_target(false).with_ansi(ansi).with_filter(levels).boxed()
        }
    }
}
