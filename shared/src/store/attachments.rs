//! Attachments: a record each, for the day in which an upload can become part of a message. What a message has taken is
//! known from the message.

use std::time::Duration;

use jiff::Timestamp;

use super::error::StoreError;
use super::key;
use super::record::{Record, TIME_TO_LIVE, number, seconds, text};
use super::table::{Consistency, Table};
use crate::identity::Owner;

const NAME: &str = "name";
const MEDIA_TYPE: &str = "media_type";
const SIZE: &str = "size";
const CREATED_AT: &str = "created_at";
/// The message that has the attachment. It is written and removed with the message only, in one transaction.
pub(super) const MESSAGE: &str = "message_id";

/// As long as the upload itself, which the bucket's rule removes.
const LIFETIME: Duration = Duration::from_hours(24);

/// The records of attachments. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Attachments {
    pub(super) table: Table,
}

/// An attachment of its owner's. Where its bytes are follows from the owner and the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRecord {
    /// `atc_…`.
    pub id: String,
    /// The file's name, as the person's computer has it.
    pub name: String,
    /// Its type, such as `image/png`.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// When it was announced.
    pub created_at: Timestamp,
    /// The message that has it.
    pub message_id: Option<String>,
}

impl Attachments {
    /// Stores a new attachment. Its record expires after a day.
    pub async fn put(&self, owner: &Owner, attachment: &AttachmentRecord) -> Result<(), StoreError> {
        let key = key::attachment(owner, &attachment.id).ok_or_else(|| StoreError::unreadable(key::SORT))?;
        self.table.put(&key, attachment.record()).await
    }

    /// An attachment as it is now (strongly consistent: it is often sent within a second of its upload); none if this
    /// owner has no such attachment.
    pub async fn get(&self, owner: &Owner, id: &str) -> Result<Option<AttachmentRecord>, StoreError> {
        let Some(key) = key::attachment(owner, id) else { return Ok(None) };
        let record = self.table.get(&key, Consistency::Strong).await?;
        record.map(|record| AttachmentRecord::read(id, &record)).transpose()
    }

    /// Removes an attachment, and whether it is gone: false if a message has it.
    pub(crate) async fn discard(&self, owner: &Owner, id: &str) -> Result<bool, StoreError> {
        let Some(key) = key::attachment(owner, id) else { return Ok(true) };
        self.table.delete_without(&key, MESSAGE).await
    }

    /// Removes attachments with the messages that they stood in, as far as they exist.
    pub async fn remove(&self, owner: &Owner, ids: &[String]) -> Result<(), StoreError> {
        self.table.delete_all(ids.iter().filter_map(|id| key::attachment(owner, id)).collect()).await
    }
}

impl AttachmentRecord {
    fn record(&self) -> Record {
        Record::of([
            (NAME, Some(text(&self.name))),
            (MEDIA_TYPE, Some(text(&self.media_type))),
            (SIZE, Some(number(self.size))),
            (CREATED_AT, Some(text(self.created_at.to_string()))),
            (TIME_TO_LIVE, Some(seconds(self.created_at + LIFETIME))),
        ])
    }

    fn read(id: &str, record: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: id.to_owned(),
            name: record.required(NAME)?.to_owned(),
            media_type: record.required(MEDIA_TYPE)?.to_owned(),
            size: record.number(SIZE).ok_or_else(|| StoreError::unreadable(SIZE))?,
            created_at: record.time(CREATED_AT)?,
            message_id: record.string(MESSAGE),
        })
    }
}
