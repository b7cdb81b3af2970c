//! Keys. Each component is escaped, so that no tenant, user or id can imitate another's key.

use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::record::{Record, text};
use crate::identity::Owner;
use crate::ids;

/// The attribute of the partition key, in each table.
pub(super) const PARTITION: &str = "pk";
/// The attribute of the sort key, in each table.
pub(super) const SORT: &str = "sk";
/// The condition that there is a record.
pub(super) const EXISTS: &str = "attribute_exists(#pk)";
/// The condition that there is none.
pub(super) const IS_FREE: &str = "attribute_not_exists(#pk)";
/// What the sort key of a thread's head begins with.
pub(super) const HEAD: &str = "T#";
/// What the sort key of an attachment begins with.
const ATTACHMENT: &str = "A#";
/// What the sort key of an item begins with.
pub(super) const ITEM: &str = "I#";
/// What the sort key of a run's record begins with.
pub(super) const RUN: &str = "R#";
/// What the sort key of an action's claim begins with.
pub(super) const ACTION: &str = "C#";

/// Of an id that can exist. Escaped, and after the longest owner, it still fits DynamoDB's 2048 bytes of a partition
/// key.
const MAX_ID_BYTES: usize = 128;
/// DynamoDB's bound.
const MAX_SORT_KEY_BYTES: usize = 1024;
const ESCAPED: &AsciiSet = &CONTROLS.add(b'#').add(b'%');

/// The key of one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    #[serde(rename = "pk")]
    pub(super) partition: String,
    #[serde(rename = "sk")]
    pub(super) sort: String,
}

impl Key {
    /// The key as DynamoDB takes it.
    pub(super) fn record(&self) -> Record {
        self.with(Record::default())
    }

    /// A record with its key.
    pub(super) fn with(&self, mut record: Record) -> Record {
        record.0.insert(PARTITION.to_owned(), text(&self.partition));
        record.0.insert(SORT.to_owned(), text(&self.sort));
        record
    }

    /// The key of a record.
    pub(super) fn read(record: &Record) -> Result<Self, StoreError> {
        let part = |name| record.required(name).map(ToOwned::to_owned);
        Ok(Self { partition: part(PARTITION)?, sort: part(SORT)? })
    }
}

/// A component of a key: ASCII without control characters, `#` and `%`.
pub(super) fn escape(component: &str) -> PercentEncode<'_> {
    utf8_percent_encode(component, ESCAPED)
}

/// What [`escape`] was given.
pub(super) fn unescape(component: &str) -> String {
    percent_decode_str(component).decode_utf8_lossy().into_owned()
}

/// The partition of an owner's heads.
pub(super) fn heads(owner: &Owner) -> String {
    format!("{}#{}", escape(owner.tenant()), escape(owner.user()))
}

/// Whether anything can have this id.
fn is_possible(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_BYTES
}

/// The key of a thread's head; none if no thread can have this id.
pub(super) fn head(owner: &Owner, thread_id: &str) -> Option<Key> {
    is_possible(thread_id).then(|| Key { partition: heads(owner), sort: format!("{HEAD}{}", escape(thread_id)) })
}

/// The key of an attachment; none if no attachment can have this id.
pub(super) fn attachment(owner: &Owner, id: &str) -> Option<Key> {
    is_possible(id).then(|| Key { partition: heads(owner), sort: format!("{ATTACHMENT}{}", escape(id)) })
}

/// The partition of a thread's items; none if no thread can have this id.
pub(super) fn items(owner: &Owner, thread_id: &str) -> Option<String> {
    is_possible(thread_id).then(|| format!("{}#{}", heads(owner), escape(thread_id)))
}

/// The key of an item; none if no item can have this id.
pub(super) fn item(owner: &Owner, thread_id: &str, item_id: &str) -> Option<Key> {
    let partition = items(owner, thread_id).filter(|_| is_possible(item_id))?;
    Some(Key { partition, sort: item_sort_key(item_id) })
}

/// The key of a run's record; none if no run can have this id.
pub(super) fn run(owner: &Owner, thread_id: &str, run_id: &str) -> Option<Key> {
    let partition = items(owner, thread_id).filter(|_| is_possible(run_id))?;
    Some(Key { partition, sort: format!("{RUN}{}", escape(ids::sort_key(run_id).unwrap_or(run_id))) })
}

/// The key of the claim of an action with this digest; none if no thread can have this id.
pub(super) fn action(owner: &Owner, thread_id: &str, digest: &str) -> Option<Key> {
    Some(Key { partition: items(owner, thread_id)?, sort: format!("{ACTION}{}", escape(digest)) })
}

/// The sort key of an item: the part of its id behind the prefix, so that items of all kinds sort by time.
pub(super) fn item_sort_key(item_id: &str) -> String {
    format!("{ITEM}{}", escape(ids::sort_key(item_id).unwrap_or(item_id)))
}

/// A sort key cut to what DynamoDB takes. A cursor that was cut has the same place: nothing that long is stored.
pub(super) fn cut(mut sort: String) -> String {
    sort.truncate(MAX_SORT_KEY_BYTES);
    sort
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn different_ids_have_different_keys(
            one in prop::array::uniform3("[a#%25ü\\n]{1,4}"), other in prop::array::uniform3("[a#%25ü\\n]{1,4}"),
        ) {
            let key = |[tenant, user, thread]: &[String; 3]| items(&Owner::new(tenant, user).unwrap(), thread);
            prop_assert_eq!(one == other, key(&one) == key(&other));
            prop_assert_eq!(&unescape(&escape(&one[0]).to_string()), &one[0]);
        }
    }

    #[test]
    fn the_longest_key_fits() {
        let owner = Owner::new("ü".repeat(Owner::MAX_ID_BYTES / 2), "#".repeat(Owner::MAX_ID_BYTES)).unwrap();
        assert!(items(&owner, &"%".repeat(MAX_ID_BYTES)).unwrap().len() <= 2048);
        assert_eq!(items(&owner, &"%".repeat(MAX_ID_BYTES + 1)), None);
        assert_eq!(head(&owner, ""), None);
        assert!(attachment(&owner, &"%".repeat(MAX_ID_BYTES)).unwrap().sort.len() <= MAX_SORT_KEY_BYTES);
        assert_eq!([attachment(&owner, &"a".repeat(MAX_ID_BYTES + 1)), attachment(&owner, "")], [None, None]);
    }
}
