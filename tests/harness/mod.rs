//! What the tests stand on.

pub(crate) mod app;
pub(crate) mod completions;
pub(crate) mod dynamodb;
pub(crate) mod model;
pub(crate) mod responses;
