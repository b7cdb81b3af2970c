//! Attachments: a record each, for the day in which an upload can become part of a message. What a message has taken is
//! known from the message.

use std::time::Duration;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::attributes::{self, Record, TIME_TO_LIVE};
use super::error::StoreError;
use super::key;
use super::threads::Threads;
use crate::identity::Owner;

const NAME: &str = "name";
const MEDIA_TYPE: &str = "media_type";
const SIZE: &str = "size";
const CREATED_AT: &str = "created_at";
/// The message that has the attachment. It is written and removed with the message only, in one transaction.
pub(super) const MESSAGE: &str = "message_id";

/// How long a record lives: as long as the upload itself, which the bucket's rule removes.
const UNSENT: Duration = Duration::from_hours(24);

/// An attachment of its owner's. Where its bytes are follows from the owner and the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRecord {
    /// `atc_…`.
    pub id: String,
    /// The file's name, as the person's computer has it.
    pub name: String,
    /// Its type, such as `image/png`.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// When it was announced.
    pub created_at: Timestamp,
    /// The message that has it.
    pub message_id: Option<String>,
}

impl Threads {
    /// Stores a new attachment. Its record expires after a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_attachment(&self, owner: &Owner, attachment: &AttachmentRecord) -> Result<(), StoreError> {
        let key = key::attachment(owner, &attachment.id).ok_or_else(|| StoreError::unreadable(key::SORT))?;
        let record = attachment.attributes().into_iter().chain(key.attributes()).collect();
        Box::pin(self.client.put_item().table_name(&*self.table).set_item(Some(record)).send()).await?;
        Ok(())
    }

    /// An attachment as it is now (strongly consistent: it is often sent within a second of its upload); none if there is
    /// none of this owner's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attachment(&self, owner: &Owner, id: &str) -> Result<Option<AttachmentRecord>, StoreError> {
        let Some(key) = key::attachment(owner, id) else { return Ok(None) };
        let get = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes())).consistent_read(true);
        Box::pin(get.send()).await?.item.as_ref().map(|record| AttachmentRecord::read(id, record)).transpose()
    }

    /// Removes an attachment, and whether it is gone: false if a message has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn discard_attachment(&self, owner: &Owner, id: &str) -> Result<bool, StoreError> {
        let Some(key) = key::attachment(owner, id) else { return Ok(true) };
        let request = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .condition_expression("attribute_not_exists(#message)")
            .expression_attribute_names("#message", MESSAGE);
        match Box::pin(request.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// Removes attachments with the messages that they stood in, as far as they exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_attachments(&self, owner: &Owner, ids: &[String]) -> Result<(), StoreError> {
        let keys = ids.iter().filter_map(|id| Some(key::attachment(owner, id)?.attributes()));
        self.remove(keys.collect()).await
    }
}

impl AttachmentRecord {
    fn attributes(&self) -> Record {
        let expires_at = self.created_at.as_second() + UNSENT.as_secs().cast_signed();
        Record::from([
            (NAME.to_owned(), AttributeValue::S(self.name.clone())),
            (MEDIA_TYPE.to_owned(), AttributeValue::S(self.media_type.clone())),
            (SIZE.to_owned(), AttributeValue::N(self.size.to_string())),
            (CREATED_AT.to_owned(), AttributeValue::S(self.created_at.to_string())),
            (TIME_TO_LIVE.to_owned(), AttributeValue::N(expires_at.to_string())),
        ])
    }

    fn read(id: &str, record: &Record) -> Result<Self, StoreError> {
        let created_at = attributes::required(record, CREATED_AT)?;
        Ok(Self {
            id: id.to_owned(),
            name: attributes::required(record, NAME)?.to_owned(),
            media_type: attributes::required(record, MEDIA_TYPE)?.to_owned(),
            size: attributes::number(record, SIZE).ok_or_else(|| StoreError::unreadable(SIZE))?,
            created_at: created_at.parse().map_err(|_| StoreError::unreadable(CREATED_AT))?,
            message_id: attributes::text(record, MESSAGE).map(ToOwned::to_owned),
        })
    }
}
