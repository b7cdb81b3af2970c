//! Writes that count something count once, though the SDK sends one again whose answer was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use super::attributes::{self, Record};

/// The mark of the record's last write. One is enough to know a write that comes again, because that happens within a
/// moment; it counts twice only where another one was written in between. What would exclude that, a transaction, costs
/// twice as much for every write.
const LAST: &str = "last";

/// What a marked update sets.
pub(super) const SETS_MARK: &str = "#last = :mark";

/// The condition of a marked update, beside its own.
pub(super) const IS_NEWS: &str = "(attribute_not_exists(#last) OR #last <> :mark)";

/// What tells one write from all others.
#[derive(Debug, Clone)]
pub(super) struct Mark(String);

/// Makes marks. Clones share their numbers, and no two processes have the same.
#[derive(Debug, Clone)]
pub(super) struct Marks(Arc<AtomicU64>);

impl Marks {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(StdRng::from_os_rng().next_u64())))
    }

    pub(super) fn next(&self) -> Mark {
        Mark(format!("{:x}", self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Mark {
    /// The mark of something that is written once and has an id.
    pub(super) fn of(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// An update that has [`SETS_MARK`] and [`IS_NEWS`] in its expressions.
    pub(super) fn on(&self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        request
            .expression_attribute_names("#last", LAST)
            .expression_attribute_values(":mark", AttributeValue::S(self.0.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Whether the update was refused because it had been written, by what stands there.
    pub(super) fn is_on(&self, old: &Record) -> bool {
        attributes::text(old, LAST) == Some(&self.0)
    }
}
