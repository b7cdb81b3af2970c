//! Attachments, from the composer to a message. Where their bytes are: see [`crate::files`].

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::files::STORED;
use super::{Document, Engine, Error};
use crate::files::{Files, FilesError, Found, MediaType, Object};
use crate::identity::Owner;
use crate::ids;
use crate::protocol::{
    Attachment, AttachmentKind, AttachmentsCreate, AttachmentsDelete, UploadDescriptor, UploadMethod,
};
use crate::store::{AttachmentRecord, Holder};

/// Characters of a file's name.
const LONGEST_NAME: usize = 255;

impl Engine {
    /// `attachments.create`: a file that is about to be uploaded, with the URL to send it to.
    pub(super) async fn create_attachment(&self, owner: &Owner, params: AttachmentsCreate) -> Result<Document, Error> {
        let files = self.files()?;
        let AttachmentsCreate { name, size, mime_type } = params;
        let size = u64::try_from(size).unwrap_or_default();
        let media_type = check(files, &name, size, &mime_type)?;
        self.admit_request(owner).await?;
        let record = self.announced(name, size, &media_type);
        self.threads.put_attachment(owner, &record).await?;
        let upload = UploadDescriptor {
            url: files.upload_url(&Object::upload(owner, &record.id), &media_type, size),
            method: UploadMethod::Put,
            headers: BTreeMap::from([("Content-Type".to_owned(), media_type.to_string())]),
        };
        let attachment = unsent(files, owner, record, &media_type);
        Ok(Document::Attachment(Attachment { upload_descriptor: Some(upload), ..attachment }))
    }

    /// A file that comes with its bytes: ChatKit's `direct` strategy.
    ///
    /// # Errors
    /// When its name, size or type is not taken, or it cannot be stored.
    pub async fn upload_attachment(
        &self,
        owner: &Owner,
        name: String,
        mime_type: &str,
        bytes: Bytes,
    ) -> Result<Attachment, Error> {
        let files = self.files()?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let media_type = check(files, &name, size, mime_type)?;
        self.admit_request(owner).await?;
        let record = self.announced(name, size, &media_type);
        // Without its record, what is uploaded goes by itself.
        files.put(&Object::upload(owner, &record.id), &media_type, bytes).await?;
        self.threads.put_attachment(owner, &record).await?;
        Ok(unsent(files, owner, record, &media_type))
    }

    /// `attachments.delete`: taken out of the composer. Deleting what is not there is no error, so that a repeated
    /// request is none either; what stands in a message goes with the message only.
    pub(super) async fn delete_attachment(&self, owner: &Owner, params: &AttachmentsDelete) -> Result<Document, Error> {
        let (files, id) = (self.files()?, &params.attachment_id);
        self.admit_request(owner).await?;
        let kept = || Error::Invalid("the attachment stands in a message".to_owned());
        if let Some(record) = self.threads.attachment(owner, id).await? {
            let Standing::Free { seen } = self.standing(owner, &record).await? else { return Err(kept()) };
            if !self.threads.discard_attachment(owner, id, seen.as_deref()).await? {
                return Err(kept());
            }
        }
        files.delete(&Object::upload(owner, id)).await?;
        Ok(Document::Nothing {})
    }

    /// Takes uploaded files into the message `message_id` of a thread, in parallel; each one once. The message need not
    /// be stored: if it never is, the files are free again.
    ///
    /// Each must be the owner's own, uploaded, what it was announced as, and in no other message. What is taken is
    /// copied first, so that the upload's URL leads nowhere that matters any more.
    pub(super) async fn attach(
        &self,
        owner: &Owner,
        thread_id: &str,
        message_id: &str,
        file_ids: &[String],
    ) -> Result<Vec<Attachment>, Error> {
        if file_ids.is_empty() {
            return Ok(Vec::new());
        }
        let files = self.files.as_ref().ok_or_else(unknown_attachment)?;
        let holder = Holder { thread_id: thread_id.to_owned(), message_id: message_id.to_owned() };
        let mut seen = HashSet::new();
        let each = file_ids.iter().filter(|id| seen.insert(*id));
        // Nothing is taken unless all can be.
        let found = try_join_all(each.map(|id| Box::pin(self.uploaded(files, owner, id)))).await?;
        try_join_all(found.into_iter().map(|upload| Box::pin(self.take(files, owner, &holder, upload)))).await
    }

    async fn uploaded(&self, files: &Files, owner: &Owner, id: &str) -> Result<Upload, Error> {
        let object = Object::upload(owner, id);
        let (record, found) = tokio::join!(self.threads.attachment(owner, id), files.head(&object));
        let record = record?.ok_or_else(unknown_attachment)?;
        let Standing::Free { seen } = self.standing(owner, &record).await? else { return Err(taken(id)) };
        let Found { size, media_type, etag } =
            found?.ok_or_else(|| Error::Invalid(format!("the attachment `{id}` was not uploaded")))?;
        let media_type = media_type.filter(|found| found.as_str() == record.media_type && size == record.size);
        let media_type = media_type.ok_or_else(|| {
            Error::Invalid(format!("the attachment `{id}` has another size or type than was announced"))
        })?;
        Ok(Upload { record, media_type, etag, seen })
    }

    async fn take(&self, files: &Files, owner: &Owner, holder: &Holder, upload: Upload) -> Result<Attachment, Error> {
        let Upload { record, media_type, etag, seen } = upload;
        let id = &record.id;
        if !self.threads.claim_attachment(owner, id, holder, seen.as_deref()).await? {
            return Err(taken(id));
        }
        match files.copy(&Object::upload(owner, id), &Object::file(owner, id), &etag).await {
            Ok(()) => {}
            Err(FilesError::Changed | FilesError::NotFound) => {
                return Err(Error::Invalid(format!("the attachment `{id}` was changed while it was sent")));
            }
            Err(error) => return Err(error.into()),
        }
        let (thread_id, size) = (Some(holder.thread_id.clone()), Some(record.size));
        let kind = kind(&media_type, || STORED.to_owned());
        Ok(Attachment { thread_id, size, ..attachment(record, kind) })
    }

    async fn standing(&self, owner: &Owner, record: &AttachmentRecord) -> Result<Standing, Error> {
        let Some(Holder { thread_id, message_id }) = &record.holder else { return Ok(Standing::Free { seen: None }) };
        let message = self.threads.item(owner, thread_id, message_id).await?;
        Ok(if message.is_some() { Standing::InMessage } else { Standing::Free { seen: Some(message_id.clone()) } })
    }

    fn announced(&self, name: String, size: u64, media_type: &MediaType) -> AttachmentRecord {
        AttachmentRecord {
            id: self.ids.mint(ids::ATTACHMENT),
            name,
            media_type: media_type.to_string(),
            size,
            created_at: self.clock.now(),
            holder: None,
        }
    }
}

/// Whether a message has an attachment.
enum Standing {
    InMessage,
    Free {
        /// A message that took it and was never stored.
        seen: Option<String>,
    },
}

/// What was uploaded, and is what was announced.
struct Upload {
    record: AttachmentRecord,
    media_type: MediaType,
    etag: String,
    /// A message that took it and was never stored.
    seen: Option<String>,
}

fn taken(id: &str) -> Error {
    Error::Invalid(format!("the attachment `{id}` stands in another message already"))
}

/// Somebody else's is unknown, too.
pub(super) fn unknown_attachment() -> Error {
    Error::Invalid("`attachments` names an attachment that does not exist".to_owned())
}

fn check(files: &Files, name: &str, size: u64, mime_type: &str) -> Result<MediaType, Error> {
    let limits = files.limits();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let message = format!("`name` must have 1 to {LONGEST_NAME} characters, none of them a control character");
        return Err(Error::Invalid(message));
    }
    if size == 0 || size > limits.bytes {
        return Err(Error::Invalid(format!("a file must have 1 to {} bytes", limits.bytes)));
    }
    let media_type = MediaType::parse(mime_type).filter(|media_type| limits.types.contains(media_type));
    media_type.ok_or_else(|| Error::Invalid("files of this type are not taken".to_owned()))
}

/// An attachment in the composer. Its preview can be loaded once it is uploaded.
fn unsent(files: &Files, owner: &Owner, record: AttachmentRecord, media_type: &MediaType) -> Attachment {
    let kind = kind(media_type, || files.url(&Object::upload(owner, &record.id)));
    attachment(record, kind)
}

fn kind(media_type: &MediaType, preview_url: impl FnOnce() -> String) -> AttachmentKind {
    if media_type.is_image() { AttachmentKind::Image { preview_url: preview_url() } } else { AttachmentKind::File }
}

fn attachment(record: AttachmentRecord, kind: AttachmentKind) -> Attachment {
    let AttachmentRecord { id, name, media_type, .. } = record;
    Attachment { id, name, mime_type: media_type, upload_descriptor: None, thread_id: None, size: None, kind }
}
