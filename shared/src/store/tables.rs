//! The tables themselves. The local server and tests create them; on AWS the template does.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};

use super::record::TIME_TO_LIVE;
use super::{DynamoDb, StoreError, key};
use crate::env::{Env, EnvError};

// The variables that name the tables.
pub(super) const THREADS: &str = "TABLE_THREADS";
pub(super) const COUNTERS: &str = "TABLE_COUNTERS";
pub(super) const USAGE: &str = "TABLE_USAGE";
pub(super) const SETTINGS: &str = "TABLE_SETTINGS";

/// How often a new table is looked at until it is active, and how long between two looks.
const ACTIVE_ATTEMPTS: u32 = 150;
const ACTIVE_PAUSE: Duration = Duration::from_millis(200);

/// The names of the tables, as `TABLE_THREADS`, `TABLE_COUNTERS`, `TABLE_USAGE` and `TABLE_SETTINGS` say them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    pub threads: String,
    pub counters: String,
    pub usage: String,
    /// None where tenants have no settings.
    pub settings: Option<String>,
}

impl TableNames {
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let name = |variable| env.required(variable, "the name of a table");
        let settings = env.get(SETTINGS).map(ToOwned::to_owned);
        Ok(Self { threads: name(THREADS)?, counters: name(COUNTERS)?, usage: name(USAGE)?, settings })
    }
}

/// Creates the tables that do not exist, and returns when all can be used.
///
/// # Errors
/// [`StoreError`], also when a table is not there within half a minute.
pub async fn create_missing(dynamodb: &DynamoDb, names: &TableNames) -> Result<(), StoreError> {
    let DynamoDb(client) = dynamodb;
    create_with_time_to_live(client, &names.threads).await?;
    create_with_time_to_live(client, &names.counters).await?;
    create_with_time_to_live(client, &names.usage).await?;
    match &names.settings {
        Some(settings) => create_with_time_to_live(client, settings).await,
        None => Ok(()),
    }
}

async fn create_with_time_to_live(client: &Client, table: &str) -> Result<(), StoreError> {
    create(client, table).await?;
    let description = client.describe_time_to_live().table_name(table).send().await?.time_to_live_description;
    let status = description.and_then(|description| description.time_to_live_status);
    if !matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        let specification = TimeToLiveSpecification::builder().attribute_name(TIME_TO_LIVE).enabled(true).build();
        let specification = specification?;
        client.update_time_to_live().table_name(table).time_to_live_specification(specification).send().await?;
    }
    Ok(())
}

async fn create(client: &Client, table: &str) -> Result<(), StoreError> {
    let keys = [(key::PARTITION, KeyType::Hash), (key::SORT, KeyType::Range)];
    let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in keys {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        request = request.attribute_definitions(attribute.build()?).key_schema(element.build()?);
    }
    match request.send().await {
        Err(error) if !error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            return Err(error.into());
        }
        Ok(_) | Err(_) => {}
    }
    for _ in 0..ACTIVE_ATTEMPTS {
        let status = client.describe_table().table_name(table).send().await?.table.and_then(|t| t.table_status);
        if status == Some(TableStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(ACTIVE_PAUSE).await;
    }
    Err(StoreError::exhausted("a new table did not become active"))
}
