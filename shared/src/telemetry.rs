//! Logs: one line of JSON per event on Lambda, text for people locally.
//!
//! Each line that is logged for a request has the fields of the request's span, `request_id` above all; a task inherits
//! the span where it is spawned. An error is logged as `error = chain(&error)`.
//!
//! Never logged: keys and tokens, what people or models write, whole request or response bodies, names of users and
//! tenants (their hashes are).

use std::error::Error;
use std::fmt::{self, Debug};
use std::io::IsTerminal;

use serde_json::Value;
use tracing::field::{Empty, Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

use crate::env::{Env, EnvError};
use crate::protocol::Object;

/// The target of a request's span, and of the line that each request has.
pub(crate) const REQUEST: &str = "request";

/// An error with everything that caused it, in one line: a subscriber writes the outermost only. An error that only
/// repeats its cause's text is left out.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.dedup();
    texts.join(": ")
}

/// The span of a request. `operation` and `thread` are recorded when they are known.
pub(crate) fn request_span(request_id: &str) -> Span {
    // Of the highest level, so that no `LOG_LEVEL` turns it off.
    tracing::error_span!(target: REQUEST, "request", request_id, operation = Empty, thread = Empty)
}

/// Adds the thread that a request creates to its lines.
pub(crate) fn record_new_thread(thread_id: &str) {
    Span::current().record("thread", thread_id);
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

/// Writes the lines from `level` on, those of dependencies from `info` on: below that some of them write whole
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
        // The embedded DynamoDB of the local server warns of the same.
        .with_target("dynoxide", level.min(LevelFilter::ERROR))
        .with_targets(ours.map(|name| (name, level)));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        Format::Json => layer.json().event_format(FlatJson).with_filter(levels).boxed(),
        Format::Text => {
            let ansi = std::io::stderr().is_terminal();
            layer.compact().with_target(false).with_ansi(ansi).with_filter(levels).boxed()
        }
    }
}

/// One JSON object a line: the fields of the request's span and those of the event, side by side.
struct FlatJson;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for FlatJson {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = EventFields::default();
        event.record(&mut fields);
        write!(writer, r#"{{"timestamp":""#)?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, r#"","level":"{}""#, event.metadata().level())?;
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if span.metadata().target() == REQUEST
                && let Some(text) = span.extensions().get::<FormattedFields<JsonFields>>()
            {
                let of_span: Object = serde_json::from_str(&text.fields).unwrap_or_default();
                for (name, value) in of_span.iter().filter(|(name, _)| !fields.contain(name)) {
                    write!(writer, r#","{name}":{value}"#)?;
                }
            }
        }
        for (name, value) in &fields.0 {
            write!(writer, r#","{name}":{value}"#)?;
        }
        writeln!(writer, r#","target":"{}"}}"#, event.metadata().target())
    }
}

/// The fields of an event, in their order.
#[derive(Default)]
struct EventFields(Vec<(&'static str, Value)>);

impl EventFields {
    fn contain(&self, name: &str) -> bool {
        self.0.iter().any(|(of_event, _)| *of_event == name)
    }

    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name(), value.into()));
    }
}

impl Visit for EventFields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}
