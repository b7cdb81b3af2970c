//! A record: its attributes, written and read.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;

/// The attribute by which DynamoDB removes records some time after they expired, in unix seconds.
pub(super) const TIME_TO_LIVE: &str = "expires_at";

/// A record as DynamoDB gives it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record(pub(super) HashMap<String, AttributeValue>);

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn seconds(at: Timestamp) -> AttributeValue {
    number(at.as_second())
}

pub(super) const fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// One JSON string: dense, and exactly what it was when read again.
pub(super) fn json<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|error| StoreError::Other { source: error.into() })
}

impl Record {
    /// Of the attributes that have a value.
    pub(super) fn of<'a>(attributes: impl IntoIterator<Item = (&'a str, Option<AttributeValue>)>) -> Self {
        let present = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Self(present.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    pub(super) fn string(&self, name: &str) -> Option<String> {
        self.text(name).map(ToOwned::to_owned)
    }

    /// A text that every such record has.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, StoreError> {
        self.text(name).ok_or_else(|| StoreError::unreadable(name))
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok())
    }

    /// A moment, kept in unix seconds, that every such record has.
    pub(super) fn seconds(&self, name: &'static str) -> Result<Timestamp, StoreError> {
        let at = self.number(name).and_then(|at| Timestamp::from_second(at).ok());
        at.ok_or_else(|| StoreError::unreadable(name))
    }

    /// A moment, kept as text, that every such record has.
    pub(super) fn time(&self, name: &'static str) -> Result<Timestamp, StoreError> {
        self.required(name)?.parse().map_err(|_| StoreError::unreadable(name))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool() == Ok(&true))
    }

    /// The elements of a set of texts.
    pub(super) fn set(&self, name: &str) -> &[String] {
        self.0.get(name).and_then(|value| value.as_ss().ok()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The texts in a list.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let values = self.0.get(name).and_then(|value| value.as_l().ok()).into_iter().flatten();
        values.filter_map(|value| value.as_s().ok().cloned()).collect()
    }

    /// What [`json`] wrote.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>, StoreError> {
        // The parser's message could quote what a user wrote, so it is left out.
        self.text(name).map(|json| serde_json::from_str(json).map_err(|_| StoreError::unreadable(name))).transpose()
    }

    /// About the bytes that the record counts for, by its texts.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.as_s().map_or(0, String::len)).sum()
    }
}
