//! The log line of a request, written when everything that belongs to the request has ended.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tracing::Span;

use super::{Code, Error, Pseudonyms};
use crate::clock::Clock;
use crate::engine::{OnEnd, Outcome};
use crate::identity::Owner;
use crate::ids;
use crate::protocol::{CallRequest, Feedback, Request};
use crate::telemetry::{REQUEST, chain, request_span};

/// As many as can be read out on a telephone; 40 random bits.
const REFERENCE_CHARS: usize = 8;

/// The line of one request, and its span. Everything that works for the request holds a clone; the line is written when
/// the last one is dropped, so that it has the outcome of a streamed answer too.
#[derive(Clone)]
pub struct RequestLog(Arc<Line>);

struct Line {
    span: Span,
    reference: String,
    clock: Clock,
    method: String,
    path: String,
    address: Option<IpAddr>,
    pseudonyms: Pseudonyms,
    started: Timestamp,
    fields: Mutex<Fields>,
}

#[derive(Default)]
struct Fields {
    status: u16,
    outcome: Option<String>,
    owner: Option<Owner>,
    limit: Option<&'static str>,
    refused: Option<String>,
    feedback: Option<&'static str>,
    item: Option<String>,
    turn: Option<TurnState>,
    first_event_at: Option<Timestamp>,
    model: Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cause: Option<String>,
}

/// Of a turn that answers the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TurnState {
    Running,
    Reported,
}

impl Fields {
    fn fail(&mut self, cause: String) {
        self.outcome.get_or_insert_with(|| Outcome::Error.as_str().to_owned());
        self.cause.get_or_insert(cause);
    }
}

impl RequestLog {
    /// The line of a request that begins now. Of a message on a socket, the method and the path are its kind and its
    /// route.
    pub fn new(
        clock: Clock,
        request_id: &str,
        method: &str,
        path: &str,
        address: Option<IpAddr>,
        pseudonyms: Pseudonyms,
    ) -> Self {
        let started = clock.now();
        let (method, path) = (method.to_owned(), path.to_owned());
        let (span, fields) = (request_span(request_id), Mutex::default());
        let reference = request_id.len().checked_sub(REFERENCE_CHARS).and_then(|from| request_id.get(from..));
        let reference = reference.unwrap_or(request_id).to_owned();
        Self(Arc::new(Line { span, reference, clock, method, path, address, pseudonyms, started, fields }))
    }

    /// The end of the request's id: what a person reads in an error, and an operator finds the line by.
    pub fn reference(&self) -> &str {
        &self.0.reference
    }

    /// What is logged inside of it can be found by the request's id.
    pub fn span(&self) -> Span {
        self.0.span.clone()
    }

    fn set(&self, change: impl FnOnce(&mut Fields)) {
        change(&mut self.0.fields.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn status(&self, status: http::StatusCode) {
        self.set(|fields| fields.status = status.as_u16());
    }

    /// Whose request it is. The line has hashes of the names.
    pub fn owner(&self, owner: &Owner) {
        self.set(|fields| fields.owner = Some(owner.clone()));
    }

    pub fn operation(&self, operation: &'static str) {
        self.0.span.record("operation", operation);
    }

    /// The operation that is asked for, and the thread that it names.
    pub fn request(&self, request: &Request) {
        self.operation(request.operation());
        request.thread_id().into_iter().for_each(|thread_id| self.thread(thread_id));
        if let Request::Call(CallRequest::Feedback(Feedback { item_ids, kind, .. })) = request {
            let item = item_ids.first().filter(|id| ids::is_ours(id)).cloned();
            self.set(|fields| (fields.feedback, fields.item) = (Some(kind.as_str()), item));
        }
    }

    /// The thread that the request is for.
    pub fn thread(&self, thread_id: &str) {
        // A line has nothing else that a client wrote.
        if ids::is_thread(thread_id) {
            self.0.span.record("thread", thread_id);
        }
    }

    fn usage(&self, model: &str, input_tokens: u64, output_tokens: u64) {
        self.set(|fields| {
            fields.model = Some(model.to_owned());
            fields.input_tokens = Some(input_tokens);
            fields.output_tokens = Some(output_tokens);
        });
    }

    /// The request was answered with an error.
    pub fn refused(&self, error: &Error) {
        self.status(error.code.status());
        self.outcome(error.code.as_str());
        self.set(|fields| fields.limit = error.limit);
        if error.code == Code::Unauthorized {
            // Which credential, and what is wrong with it; never the credential.
            let reason = error.refusal.map(|refusal| format!(": {}", refusal.as_str())).unwrap_or_default();
            self.set(|fields| fields.refused = Some(format!("{}{reason}", error.message)));
        }
        if error.source().is_some() || error.code.status().is_server_error() {
            self.cause(error);
        }
    }

    /// A turn answers the request. If it has not called [`RequestLog::on_end`] when the line is written, the line says
    /// that the turn failed.
    pub fn turn_started(&self) {
        self.set(|fields| {
            fields.turn.get_or_insert(TurnState::Running);
        });
    }

    /// Writes into the line what a turn did, when it has ended.
    pub fn on_end(self) -> OnEnd {
        Box::new(move |report| {
            self.set(|fields| fields.turn = Some(TurnState::Reported));
            self.usage(&report.model, report.usage.input, report.usage.output);
            self.set(|fields| fields.first_event_at = report.first_event_at);
            if report.outcome != Outcome::Ok {
                self.outcome(report.outcome.as_str());
            }
            if let Some(failure) = report.failure {
                self.cause(&failure);
            }
        })
    }

    /// How it ended, if not with `ok`.
    pub fn outcome(&self, outcome: &str) {
        self.set(|fields| fields.outcome = Some(outcome.to_owned()));
    }

    /// It failed after its status was sent.
    pub(super) fn failed(&self, cause: String) {
        self.set(|fields| fields.fail(cause));
    }

    /// Why it failed: the whole chain of causes. The first call counts: it is the closest to the failure.
    fn cause(&self, error: &(dyn StdError + 'static)) {
        self.set(|fields| {
            fields.cause.get_or_insert_with(|| chain(error));
        });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let fields = self.fields.get_mut().unwrap_or_else(PoisonError::into_inner);
        if fields.turn == Some(TurnState::Running) {
            fields.fail("the turn ended without a report".to_owned());
        }
        let span = &self.span;
        let since_start = |at: Timestamp| at.as_millisecond() - self.started.as_millisecond();
        let latency_ms = since_start(self.clock.now());
        let first_event_ms = fields.first_event_at.map(since_start);
        // As late as possible: the key may have been read during the request.
        let of = |name: &str| self.pseudonyms.of(name);
        let ip = self.address.and_then(|address| self.pseudonyms.of_address(address));
        let user = fields.owner.as_ref().and_then(|owner| of(owner.user()));
        let tenant = fields.owner.as_ref().and_then(|owner| of(owner.tenant()));
        macro_rules! write_line {
            ($level:ident) => {
                tracing::$level!(
                    target: REQUEST,
                    parent: span,
                    method = self.method,
                    path = self.path,
                    ip,
                    status = fields.status,
                    outcome = fields.outcome.as_deref().unwrap_or("ok"),
                    limit = fields.limit,
                    refused = fields.refused,
                    feedback = fields.feedback,
                    item = fields.item,
                    latency_ms,
                    first_event_ms,
                    user,
                    tenant,
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
