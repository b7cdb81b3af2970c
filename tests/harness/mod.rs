//! What the tests stand on.

pub(crate) mod app;
pub(crate) mod completions;
pub(crate) mod dynamodb;
pub(crate) mod hosted;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod objects;
pub(crate) mod outside;
pub(crate) mod page;
pub(crate) mod provider;
pub(crate) mod requests;
pub(crate) mod responses;
pub(crate) mod secrets_manager;
pub(crate) mod sessions;
pub(crate) mod site;
pub(crate) mod socket;
pub(crate) mod tokens;
