//! The log line: one per request, written when everything that belongs to the request has ended.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Error;
use crate::clock::Clock;
use crate::conversation::{OnEnd, Outcome};
use crate::env::{Env, EnvError};
use crate::hash::short_hash;
use crate::identity::Owner;
use crate::telemetry::{REQUEST, chain};

/// How a client's address stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogAddress {
    /// As a hash: the same address can be followed, not read.
    Hashed,
    /// As it is.
    Plain,
}

impl LogAddress {
    /// `LOG_ADDRESS`: `hashed` (default) or `plain`.
    ///
    /// # Errors
    /// For any other value.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        match env.get("LOG_ADDRESS") {
            None | Some("hashed") => Ok(Self::Hashed),
            Some("plain") => Ok(Self::Plain),
            Some(_) => Err(EnvError::new("LOG_ADDRESS", "must be `hashed` or `plain`")),
        }
    }
}

/// The line of one request. Whoever still works for the request holds a clone; the line is written when the last one
/// is dropped, so that it knows the outcome of a streamed answer too.
#[derive(Clone)]
pub struct RequestLog(Arc<Line>);

struct Line {
    clock: Clock,
    request_id: String,
    method: String,
    path: String,
    ip: Option<String>,
    started: Timestamp,
    fields: Mutex<Fields>,
}

#[derive(Default)]
struct Fields {
    status: u16,
    outcome: Option<String>,
    user: Option<String>,
    tenant: Option<String>,
    operation: Option<&'static str>,
    model: Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cause: Option<String>,
}

impl RequestLog {
    /// The line of what comes now; of a message on a socket, the method and the path are its kind and its route.
    pub fn new(
        clock: Clock,
        request_id: String,
        method: &str,
        path: &str,
        ip: Option<IpAddr>,
        log_address: LogAddress,
    ) -> Self {
        let ip = ip.map(|ip| match log_address {
            LogAddress::Hashed => short_hash(&ip.to_string()),
            LogAddress::Plain => ip.to_string(),
        });
        let started = clock.now();
        let (method, path) = (method.to_owned(), path.to_owned());
        Self(Arc::new(Line { clock, request_id, method, path, ip, started, fields: Mutex::default() }))
    }

    fn set(&self, change: impl FnOnce(&mut Fields)) {
        change(&mut self.0.fields.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The status of the answer.
    pub fn status(&self, status: http::StatusCode) {
        self.set(|fields| fields.status = status.as_u16());
    }

    /// Who asks, as hashes.
    pub fn owner(&self, owner: &Owner) {
        self.set(|fields| {
            fields.user = Some(short_hash(owner.user()));
            fields.tenant = Some(short_hash(owner.tenant()));
        });
    }

    /// Which operation of the route.
    pub fn operation(&self, operation: &'static str) {
        self.set(|fields| fields.operation = Some(operation));
    }

    /// What the model did.
    pub fn usage(&self, model: &str, input_tokens: u64, output_tokens: u64) {
        self.set(|fields| {
            fields.model = Some(model.to_owned());
            fields.input_tokens = Some(input_tokens);
            fields.output_tokens = Some(output_tokens);
        });
    }

    /// That it was refused, and with what status.
    pub fn refused(&self, error: &Error) {
        self.status(error.code.status());
        self.outcome(error.code.as_str());
        if error.source().is_some() || error.code.status().is_server_error() {
            self.cause(error);
        }
    }

    /// Writes into the line what a turn did, when it has ended.
    pub fn on_end(self) -> OnEnd {
        Box::new(move |report| {
            self.usage(&report.model, report.usage.input, report.usage.output);
            if report.outcome != Outcome::Ok {
                self.outcome(report.outcome.as_str());
            }
            if let Some(cause) = report.cause {
                self.cause(&*cause);
            }
        })
    }

    /// How it ended: `ok` unless something else is said.
    pub fn outcome(&self, outcome: &str) {
        self.set(|fields| fields.outcome = Some(outcome.to_owned()));
    }

    /// Why it failed: the whole chain of causes. The first one said stands: it is the closest to the failure.
    pub fn cause(&self, error: &(dyn StdError + 'static)) {
        self.set(|fields| {
            fields.cause.get_or_insert_with(|| chain(error));
        });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let fields = self.fields.get_mut().unwrap_or_else(PoisonError::into_inner);
        let latency_ms = self.clock.now().as_millisecond() - self.started.as_millisecond();
        macro_rules! write_line {
            ($level:ident) => {
                tracing::$level!(
                    target: REQUEST,
                    request_id = self.request_id,
                    method = self.method,
                    path = self.path,
                    ip = self.ip,
                    status = fields.status,
                    outcome = fields.outcome.as_deref().unwrap_or("ok"),
                    latency_ms,
                    user = fields.user,
                    tenant = fields.tenant,
                    operation = fields.operation,
                    model = fields.model,
                    input_tokens = fields.input_tokens,
                    output_tokens = fields.output_tokens,
                    cause = fields.cause,
                )
            };
        }
        // Only what an operator has to act on is an error.
        if fields.status >= 500 || fields.cause.is_some() { write_line!(error) } else { write_line!(info) }
    }
}
