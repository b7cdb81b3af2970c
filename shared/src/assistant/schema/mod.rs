//! JSON Schema (2020-12), for what a model passes to a function.
//!
//! Our own, because the crates for it bring the whole of Unicode with them (`regex`), over 1 MB in a program that is
//! read at each cold start. What it does not know it refuses at start, by name, so nothing is silently left unchecked.
//! `format` is an annotation, as the specification has it; `pattern` knows ASCII classes only.

mod check;
mod compile;
mod equality;

use std::collections::HashMap;

use regex_lite::Regex;
use serde_json::Value;

/// A schema that is known to be one.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    root: Value,
    /// The regular expressions in it, by their text.
    patterns: HashMap<String, Regex>,
}
