//! What is kept, in DynamoDB. Architecture invariant: no other module imports `aws_sdk_dynamodb`.
//!
//! | handle | table | partition key | sort key | holds |
//! | --- | --- | --- | --- | --- |
//! | [`Threads`] | `TABLE_THREADS` | `<tenant>#<user>` | `T#<thread>` | a thread's head: title, status, run lease |
//! | | | `A#<attachment>` | an attachment: name, type, size, the message that has it |
//! | | `<tenant>#<user>#<thread>` | `I#<ulid>` | one item |
//! | [`Counters`] | `TABLE_COUNTERS` | `U#<tenant>#<user>` | limit's name | a user's limit or budget |
//! | | | `A#<address>` | limit's name | a client address's limit or budget |
//! | | | `T#<tenant>` | `budget` | a tenant's budget |
//! | | | `S#<SHA-256 of a secret>` | `session`, `rotation` | a session, the exchange of a secret |
//! | | | `C#<connection>` | `socket` | a WebSocket connection: whose, until when, how many messages |
//! | | | `O#<request>` | `claim` | an order that was taken |
//! | [`Usage`] | `TABLE_USAGE` | `<tenant>#<date>` | `R#<ulid>` | one request |
//! | | | `<tenant>` | `D#<date>#<model>#<shard>` | a day's counters |
//!
//! Each component is escaped, and those that name whose data it is come from the verified identity. There is no
//! index: a list is a key condition, and a cursor is an element's id.
//!
//! Reads are eventually consistent unless a method says otherwise. A write whose answer was lost is sent again: writes
//! that set something are the same the second time, those that count know themselves by a mark (`mark.rs`).
//!
//! The SDK's futures have some 6 KB each. Those that a turn awaits are boxed, so that a turn's own future stays small.

mod account;
mod attachments;
mod attributes;
mod budget;
mod connection;
mod counters;
mod error;
mod items;
mod key;
mod mark;
mod pages;
mod period;
mod records;
mod removal;
mod runs;
mod sending;
mod sessions;
mod sockets;
mod tables;
mod threads;
mod transaction;
mod usage;

pub use account::{Account, Limit, Payer, Refusal};
pub use attachments::AttachmentRecord;
pub use budget::{Admission, Reservation, Used};
pub use connection::Connection;
pub use counters::{Counters, Decision, Scope};
pub use error::StoreError;
pub use period::Window;
pub use records::{Carried, Retry, Run, StoredItem, ThreadRecord};
pub use removal::{Deletion, Truncation};
pub use runs::{BeginError, Opening};
pub use sessions::SessionRecord;
pub use sockets::SocketAdmission;
pub use tables::{TableNames, create_missing};
pub use threads::{Loaded, ThreadList, Threads};
pub use usage::{DailyUsage, Outcome, Usage, UsageRecord};
