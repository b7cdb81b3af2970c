//! The assistant as its owner configures it.

mod documents;
