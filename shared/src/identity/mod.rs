//! Who is asking.

mod owner;

pub use owner::{InvalidOwner, Owner};
