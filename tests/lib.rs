//! The library of the test package is empty; see `main.rs`.
