//! What the tests stand on.

pub(crate) mod app;
pub(crate) mod dynamodb;
pub(crate) mod live;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod responses;
