//! What tenants configure themselves: each version of a tenant's document, and which of them counts.
//!
//! The head has a copy of the version that counts, so that one read is enough.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::DynamoDb;
use super::error::StoreError;
use super::key::{Key, escape};
use super::record::{Record, number, text};
use super::table::{Change, Consistency, Query, Table};
use super::tables::SETTINGS;
use super::update::Update;
use crate::env::{Env, EnvError};

/// The sort key of a tenant's head.
const HEAD: &str = "settings";
/// What the sort key of a version begins with.
const VERSION_PREFIX: &str = "V#";

const VERSION: &str = "version";
const DOCUMENT: &str = "document";
const STORED_AT: &str = "stored_at";
/// Of a version: the one that counted before. None if nothing did.
const PREVIOUS: &str = "previous";
/// Of the head: the greatest version that there is.
const NEWEST: &str = "newest";

/// Tenants' settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settings {
    table: Table,
}

/// A version of a tenant's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsVersion {
    pub version: u64,
    /// JSON, as it was stored.
    pub document: String,
    pub stored_at: Timestamp,
    /// The version that counted before; none if nothing did, and of a version that was read as the one that counts.
    pub previous: Option<u64>,
}

/// What became of a change of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsChange {
    /// This version counts now; none if nothing does.
    Counts(Option<u64>),
    /// There is nothing to go back from.
    Nothing,
    /// Somebody else changed them at the same time.
    Conflict,
}

impl Settings {
    /// A document in bytes: a record of DynamoDB holds 400 KB, and each process remembers some of them.
    pub const MAX_DOCUMENT_BYTES: usize = 128 * 1024;

    /// Reads `TABLE_SETTINGS`; none where it is not set.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Option<Self>, EnvError> {
        let table = env.get(SETTINGS).map(|_| Table::from_env(dynamodb, env, SETTINGS)).transpose()?;
        Ok(table.map(|table| Self { table }))
    }

    /// The version that counts.
    pub async fn current(&self, tenant: &str) -> Result<Option<SettingsVersion>, StoreError> {
        let head = self.table.get(&head(tenant), Consistency::Eventual).await?.unwrap_or_default();
        head.contains(DOCUMENT).then(|| read(&head)).transpose()
    }

    /// The newest versions, newest first, whether they count or not.
    pub async fn versions(&self, tenant: &str, count: u32) -> Result<Vec<SettingsVersion>, StoreError> {
        let query = Query::newest(escape(tenant).to_string(), VERSION_PREFIX, count);
        self.table.query(query).await?.records.iter().map(read).collect()
    }

    /// Makes a document the version that counts.
    pub async fn put(&self, tenant: &str, document: &str, now: Timestamp) -> Result<SettingsChange, StoreError> {
        let known = self.table.get(&head(tenant), Consistency::Strong).await?.unwrap_or_default();
        let newest: Option<u64> = known.number(NEWEST);
        let version = SettingsVersion {
            version: newest.unwrap_or_default() + 1,
            document: document.to_owned(),
            stored_at: now,
            previous: known.number(VERSION),
        };
        let attributes = version.attributes().into_iter().map(|(name, value)| (name, Some(value)));
        let record = Record::of(attributes.chain([(PREVIOUS, version.previous.map(number))]));
        let update = version.update(tenant).set(NEWEST, number(version.version));
        let update = match newest {
            Some(newest) => update.when(format!("#{NEWEST} = :known")).value("known", number(newest)),
            None => update.when(format!("attribute_not_exists(#{NEWEST})")),
        };
        let changes = vec![Change::PutNew(key(tenant, version.version), record), Change::Update(update)];
        Ok(match self.table.transact(changes).await? {
            None => SettingsChange::Counts(Some(version.version)),
            Some(_) => SettingsChange::Conflict,
        })
    }

    /// Goes back to what counted before the version that counts.
    pub async fn undo(&self, tenant: &str) -> Result<SettingsChange, StoreError> {
        let known = self.table.get(&head(tenant), Consistency::Strong).await?.unwrap_or_default();
        let Some(current) = known.number::<u64>(VERSION) else { return Ok(SettingsChange::Nothing) };
        let missing = || StoreError::unreadable(PREVIOUS);
        let get = async |version| {
            let record = self.table.get(&key(tenant, version), Consistency::Strong).await?;
            record.as_ref().map(read).ok_or_else(missing)?
        };
        let previous = match get(current).await?.previous {
            Some(previous) => Some(get(previous).await?),
            None => None,
        };
        let update = match &previous {
            Some(previous) => previous.update(tenant),
            None => Update::of(head(tenant)).remove(VERSION).remove(DOCUMENT).remove(STORED_AT),
        };
        let update = update.when(format!("#{VERSION} = :current")).value("current", number(current));
        Ok(match self.table.update(update).await?.is_done() {
            true => SettingsChange::Counts(previous.map(|previous| previous.version)),
            false => SettingsChange::Conflict,
        })
    }
}

impl SettingsVersion {
    fn attributes(&self) -> [(&'static str, AttributeValue); 3] {
        [
            (VERSION, number(self.version)),
            (DOCUMENT, text(&self.document)),
            (STORED_AT, text(self.stored_at.to_string())),
        ]
    }

    /// Makes it the version that counts.
    fn update(&self, tenant: &str) -> Update {
        let set = |update: Update, (name, value)| update.set(name, value);
        self.attributes().into_iter().fold(Update::of(head(tenant)), set)
    }
}

fn read(record: &Record) -> Result<SettingsVersion, StoreError> {
    Ok(SettingsVersion {
        version: record.number(VERSION).ok_or_else(|| StoreError::unreadable(VERSION))?,
        document: record.required(DOCUMENT)?.to_owned(),
        stored_at: record.time(STORED_AT)?,
        previous: record.number(PREVIOUS),
    })
}

fn head(tenant: &str) -> Key {
    Key { partition: escape(tenant).to_string(), sort: HEAD.to_owned() }
}

fn key(tenant: &str, version: u64) -> Key {
    Key { sort: format!("{VERSION_PREFIX}{version:010}"), ..head(tenant) }
}
