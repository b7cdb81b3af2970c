//! What the proxy has counted.

use serde_json::Value;

pub(super) const READS: [&str; 5] = ["GetItem", "Query", "BatchGetItem", "Scan", "TransactGetItems"];

/// One request as it passed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// As in `GetItem`.
    pub(crate) operation: String,
    /// The body as it was sent.
    pub(crate) body: Value,
    /// Read or write units as DynamoDB counts them.
    pub(crate) units: f64,
    /// Ticks of one counter, for the order of starts and ends.
    pub(super) began: u64,
    pub(super) ended: u64,
}

/// What happened since the meter was last reset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meter {
    pub(crate) calls: Vec<Call>,
}

impl Meter {
    /// The operations in the order in which they began.
    pub(crate) fn operations(&self) -> Vec<&str> {
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_by_key(|call| call.began);
        calls.into_iter().map(|call| call.operation.as_str()).collect()
    }

    /// Read units, and write units.
    pub(crate) fn units(&self) -> (f64, f64) {
        let sum = |reads| self.calls.iter().filter(|call| call.is_read() == reads).map(|call| call.units).sum();
        (sum(true), sum(false))
    }

    /// How many round trips follow on one another: the longest chain of requests each of which began after the one
    /// before it had ended. Exact after [`Dynamo::lockstep`].
    pub(crate) fn round_trips(&self) -> usize {
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_by_key(|call| call.ended);
        let chain = calls.into_iter().fold((0, 0), |(length, last), call| {
            if length == 0 || call.began > last { (length + 1, call.ended) } else { (length, last) }
        });
        chain.0
    }
}

impl Call {
    pub(super) fn is_read(&self) -> bool {
        READS.contains(&self.operation.as_str())
    }
}
