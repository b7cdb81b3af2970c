//! Claims: what may be done once, though the order to do it may come twice.

use jiff::Timestamp;

use super::DynamoDb;
use super::error::StoreError;
use super::key::{Key, escape};
use super::record::{TIME_TO_LIVE, seconds};
use super::table::Table;
use super::tables::COUNTERS;
use super::update::{Update, WriteIds};
use crate::env::{Env, EnvError};

/// Claims. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Claims {
    table: Table,
    write_ids: WriteIds,
}

impl Claims {
    /// Reads `TABLE_COUNTERS`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        Ok(Self { table: Table::from_env(dynamodb, env, COUNTERS)?, write_ids: WriteIds::new() })
    }

    /// Claims an order: true for the first who does. `keep_until` is when the order could not come any more.
    pub async fn claim(&self, name: &str, keep_until: Timestamp) -> Result<bool, StoreError> {
        let key = Key { partition: format!("O#{}", escape(name)), sort: "claim".to_owned() };
        let claim = Update::of(key).set(TIME_TO_LIVE, seconds(keep_until)).once(self.write_ids.next());
        let is_first = claim.when(format!("attribute_not_exists(#{TIME_TO_LIVE})"));
        Ok(self.table.update(is_first).await?.is_done())
    }
}
