//! Reading attributes of a record.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

use super::error::StoreError;

/// A record as DynamoDB gives it.
pub(super) type Record = HashMap<String, AttributeValue>;

/// A string; none if it is not there.
pub(super) fn text<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A string that every such record has.
pub(super) fn required<'a>(record: &'a Record, name: &'static str) -> Result<&'a str, StoreError> {
    text(record, name).ok_or_else(|| StoreError::unreadable(name))
}

/// A number; none if it is not there.
pub(super) fn number<T: FromStr>(record: &Record, name: &str) -> Option<T> {
    record.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok())
}

/// Something kept as JSON; none if it is not there.
pub(super) fn json<T: DeserializeOwned>(record: &Record, name: &'static str) -> Result<Option<T>, StoreError> {
    // The parser's message could quote what a user wrote, so it is left out.
    text(record, name).map(|json| serde_json::from_str(json).map_err(|_| StoreError::unreadable(name))).transpose()
}

/// About the bytes that a record counts for, by its strings.
pub(super) fn size(record: &Record) -> usize {
    record.iter().map(|(name, value)| name.len() + value.as_s().map_or(0, String::len)).sum()
}

/// The attribute by which DynamoDB removes records some time after they expired, in unix seconds.
pub(super) const TIME_TO_LIVE: &str = "expires_at";
