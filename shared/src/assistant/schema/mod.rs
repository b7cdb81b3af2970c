//! JSON Schema (2020-12), for what a model passes to a function.
//!
//! Our own, because the crates for it bring all Unicode tables with them (`regex`), over 1 MB in a program that each
//! cold start reads. Keywords that it does not support stop the start, so nothing is silently left unchecked. `format`
//! is an annotation, as the specification has it; the character classes of `pattern` are ASCII only.

mod check;
mod compile;

use std::collections::HashMap;

use regex_lite::Regex;
use serde_json::Value;

/// A valid schema.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    root: Value,
    /// The regular expressions in it, by their text.
    patterns: HashMap<String, Regex>,
}
