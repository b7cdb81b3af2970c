//! Everything in one process on a developer's machine.
//!
//! ```text
//! arguments.rs     the command line;  assistant.rs  its command for settings
//! environment.rs   the defaults of variables that are not set
//! backends.rs      an embedded DynamoDB, an embedded S3, and the demo model where there is no key
//! backends_only.rs the same for functions in other processes
//! dynamodb.rs      the embedded DynamoDB;  objects.rs  the embedded S3
//! loopback.rs      servers on this machine: who may ask them, and how long a request may take
//! server.rs        the functions under one address, with the same routes as on AWS
//! web_socket/      API Gateway's WebSocket API, in front of the function `socket`
//! development.rs   the identity `x-user-id`, which only this server accepts
//! playground.rs    the page at `/`;  about.rs  what it and the terminal say about the server
//! demo_model/      answers when there is no key;  demo_site/  the shop whose tools it may call
//! ```

pub mod about;
pub mod arguments;
pub mod assistant;
mod backends;
pub mod backends_only;
pub mod demo_model;
pub mod demo_site;
mod development;
pub mod dynamodb;
mod environment;
pub mod loopback;
pub mod objects;
pub mod playground;
pub mod server;
pub mod web_socket;
