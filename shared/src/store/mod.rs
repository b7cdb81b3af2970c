//! What is kept, in DynamoDB. Architecture invariant: no other module imports `aws_sdk_dynamodb`.
//!
//! | handle | table | partition key | sort key | holds |
//! | --- | --- | --- | --- | --- |
//! | [`Threads`] | `TABLE_THREADS` | `<tenant>#<user>` | `T#<thread>` | a thread's head: title, status, lease |
//! | [`Runs`] | | | | the lease in it |
//! | [`Attachments`] | | | `A#<attachment>` | name, type, size, the message that has it |
//! | [`Items`] | | `<tenant>#<user>#<thread>` | `I#<ulid>` | one item |
//! | [`Runs`] | | | `R#<ulid>` | a run that lasts: its sign of life, what has come so far, a wish to stop |
//! | | | | `C#<digest>` | an action, and the run that carries it out |
//! | [`Budgets`] | `TABLE_COUNTERS` | `U#<tenant>#<user>` | limit's name | a user's limit or budget |
//! | | | `A#<address>` | limit's name | a client address's limit or budget |
//! | | | `T#<tenant>` | `budget` | a tenant's budget |
//! | [`Sessions`] | | `S#<SHA-256 of a secret>` | `session` | a hosted session |
//! | | | `S#<family>` | `family` | how often a family of sessions was refreshed, that it has ended |
//! | | | `U#<tenant>#<user>` | `sessions` | that all families of a user have ended |
//! | [`Connections`] | | `C#<connection>` | `socket` | a WebSocket connection: whose, until when, how many messages |
//! | | | `U#<tenant>#<user>` | `sockets` | which connections a user has |
//! | [`Claims`] | | `O#<request>` | `claim` | an order that was taken |
//! | [`KeyedRequests`] | | `U#<tenant>#<user>` | `K#<SHA-256 of a key>` | the request that has the key |
//! | | | | `K#<SHA-256 of a key>#answer` | what it was answered |
//! | [`Usage`] | `TABLE_USAGE` | `<tenant>#<date>` | `R#<ulid>` | one request |
//! | | | `<tenant>` | `D#<date>#<model>#<shard>` | a day's counters |
//! | [`Settings`] | `TABLE_SETTINGS` | `<tenant>` | `settings` | the version of its settings that counts |
//! | | | | `V#<version>` | each version |
//!
//! Each component is escaped, and those that name whose data it is come from the verified identity. There is no
//! index: a list is a key condition, and a cursor is an element's id.
//!
//! Reads are eventually consistent unless a method says otherwise. A write whose answer was lost is sent again: writes
//! that set something are the same the second time, those that count know themselves by an id (`update.rs`).
//!
//! From the bottom up: `record` (attributes) and `key`, `update` (one update), `table` (every request), `pages`
//! (lists), then the handles.

mod attachments;
mod budgets;
mod claims;
mod connections;
mod dynamodb;
mod error;
mod items;
mod key;
mod keyed_requests;
mod pages;
mod record;
mod records;
mod removal;
mod run_records;
mod runs;
mod sending;
mod sessions;
mod settings;
mod table;
mod tables;
mod threads;
mod update;
mod usage;

use self::table::Table;
use self::tables::THREADS;
use crate::env::{Env, EnvError};

pub use attachments::{AttachmentRecord, Attachments};
pub use budgets::{
    Account, Admission, Budgets, Decision, Limit, Payer, Refusal, Reservation, Scope, TurnMark, Used, Window,
};
pub use claims::Claims;
pub use connections::{Connections, MessageAdmission};
pub use dynamodb::DynamoDb;
pub use error::{BeginError, StoreError};
pub(crate) use items::Older;
pub use items::{Items, Rated};
pub use keyed_requests::{Claim, KeyedRequest, KeyedRequests};
pub use records::{CountedPrompt, ItemPosition, ModelContext, Retry, Run, StoredItem, ThreadRecord};
pub use removal::{Deletion, Truncation};
pub use run_records::{ActionClaim, OpenItem, RunRecord, RunSnapshot, RunWish};
pub use runs::{RunTrigger, Runs};
pub use sessions::{Exchange, SessionRecord, Sessions};
pub use settings::{Settings, SettingsChange, SettingsVersion};
pub use tables::{TableNames, create_missing};
pub use threads::{Loaded, ThreadList, Threads};
pub use usage::{DailyUsage, Outcome, Usage, UsageRecord};

/// Everything that a turn reads and writes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub threads: Threads,
    pub items: Items,
    pub runs: Runs,
    pub attachments: Attachments,
    pub budgets: Budgets,
    pub usage: Usage,
}

impl Store {
    /// Reads `TABLE_THREADS`, `TABLE_COUNTERS` and `TABLE_USAGE`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        let table = Table::from_env(dynamodb, env, THREADS)?;
        Ok(Self {
            threads: Threads { table: table.clone() },
            items: Items { table: table.clone() },
            runs: Runs { table: table.clone() },
            attachments: Attachments { table },
            budgets: Budgets::from_env(dynamodb, env)?,
            usage: Usage::from_env(dynamodb, env)?,
        })
    }
}
