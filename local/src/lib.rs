//! Everything in one process on a laptop.
//!
//! ```text
//! arguments.rs     the command line
//! environment.rs   the variables' defaults, where they are not set
//! backends.rs      an embedded DynamoDB, an embedded S3, and the demo model where there is no key: all on loopback
//! objects.rs       the embedded S3
//! server.rs        the four functions under one address, by the same table as on AWS
//! described.rs     an assistant document in one line: `--check-assistant`
//! web_socket/      API Gateway's WebSocket half, before the fifth function
//! development.rs   the identity `x-user-id`, which exists here only
//! playground.rs    the page at `/`;  about.rs  what it is told of the server
//! demo_model/      what talks when there is no key;  demo_site/  the shop whose tools it may use
//! ```

pub mod about;
pub mod arguments;
pub mod backends;
pub mod demo_model;
pub mod demo_site;
pub mod described;
mod development;
mod environment;
pub mod objects;
pub mod playground;
pub mod server;
pub mod web_socket;
