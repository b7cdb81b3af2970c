//! Attachments, from the composer to a message. Where their bytes are: see [`crate::files`].

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::engine::files::STORED;
use crate::engine::{Document, Engine, Error};
use crate::files::{FileHead, Files, FilesError, MediaType, ObjectKey};
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::protocol::{
    Attachment, AttachmentKind, AttachmentsCreate, AttachmentsDelete, UploadDescriptor, UploadMethod,
};
use crate::store::AttachmentRecord;
use crate::telemetry::chain;

const MAX_NAME_CHARS: usize = 255;

impl Engine {
    /// `attachments.create`: a file that is about to be uploaded, with the URL to send it to.
    pub(crate) async fn create_attachment(
        &self,
        identity: &Identity,
        params: AttachmentsCreate,
    ) -> Result<Document, Error> {
        let owner = &identity.owner;
        let files = self.files()?;
        let AttachmentsCreate { name, size, mime_type } = params;
        let size = u64::try_from(size).unwrap_or_default();
        let media_type = check(files, &name, size, &mime_type)?;
        self.for_user(identity).await?.admit_upload(identity, size).await?;
        let record = self.announced(name, size, &media_type);
        self.store.attachments.put(owner, &record).await?;
        Ok(Document::Attachment(expected(files, owner, record, &media_type)))
    }

    /// The answer of `attachments.create` once more, with an URL of now.
    ///
    /// # Errors
    /// When there is no such attachment any more.
    pub async fn created_attachment(&self, identity: &Identity, id: &str) -> Result<Document, Error> {
        let record = self.store.attachments.get(&identity.owner, id).await?.ok_or(Error::NotFound("attachment"))?;
        let media_type = MediaType::parse(&record.media_type).ok_or(Error::NotFound("attachment"))?;
        Ok(Document::Attachment(expected(self.files()?, &identity.owner, record, &media_type)))
    }

    /// A file that comes with its bytes: ChatKit's `direct` strategy.
    ///
    /// # Errors
    /// When its name, size or type is not taken, or it cannot be stored.
    pub async fn upload_attachment(
        &self,
        identity: &Identity,
        name: String,
        mime_type: &str,
        bytes: Bytes,
    ) -> Result<Attachment, Error> {
        let owner = &identity.owner;
        let files = self.files()?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let media_type = check(files, &name, size, mime_type)?;
        if !media_type.fits(&bytes) {
            return Err(Error::Invalid("the file is not what its type says".to_owned()));
        }
        self.admit_upload(identity, size).await?;
        let record = self.announced(name, size, &media_type);
        // Without its record, what is uploaded goes by itself.
        files.put(&ObjectKey::upload(owner, &record.id), &media_type, bytes).await?;
        self.store.attachments.put(owner, &record).await?;
        Ok(unsent(files, owner, record, &media_type))
    }

    /// `attachments.delete`: taken out of the composer. Deleting what is not there is no error, so that a repeated
    /// request is none either; an attachment of a message is deleted with the message.
    pub(crate) async fn delete_attachment(
        &self,
        identity: &Identity,
        params: &AttachmentsDelete,
    ) -> Result<Document, Error> {
        let owner = &identity.owner;
        let (files, id) = (self.files()?, &params.attachment_id);
        self.admit_request(identity).await?;
        let is_known = self.store.attachments.get(owner, id).await?.is_some();
        if !self.store.attachments.discard(owner, id).await? {
            return Err(Error::Invalid("the attachment belongs to a message".to_owned()));
        }
        files.delete(&ObjectKey::upload(owner, id)).await?;
        if is_known {
            // A message that was taken back may have left it. Where there is no record, it may be a message's.
            files.delete(&ObjectKey::file(owner, id)).await?;
        }
        Ok(Document::Nothing {})
    }

    /// Looks at the files of a message that is about to be stored, in parallel. Each must be the owner's own, uploaded,
    /// what it was announced as, and in no other message. Nothing is taken yet.
    pub(crate) async fn uploads(
        &self,
        owner: &Owner,
        thread_id: &str,
        file_ids: &[String],
    ) -> Result<(Vec<Attachment>, Vec<Upload>), Error> {
        if file_ids.is_empty() {
            return Ok(Default::default());
        }
        let files = self.files.as_ref().ok_or_else(unknown_attachment)?;
        let mut seen = HashSet::new();
        let each = file_ids.iter().filter(|id| seen.insert(*id));
        let found = try_join_all(each.map(|id| Box::pin(self.uploaded(files, owner, thread_id, id)))).await?;
        Ok(found.into_iter().unzip())
    }

    async fn uploaded(
        &self,
        files: &Files,
        owner: &Owner,
        thread_id: &str,
        id: &str,
    ) -> Result<(Attachment, Upload), Error> {
        let object = ObjectKey::upload(owner, id);
        let (record, found) = tokio::join!(self.store.attachments.get(owner, id), files.look(&object));
        let record = record?.ok_or_else(unknown_attachment)?;
        if record.message_id.is_some() {
            return Err(Error::attachment_taken(id));
        }
        let FileHead { size, media_type, etag, start } =
            found?.ok_or_else(|| Error::Invalid(format!("the attachment `{id}` was not uploaded")))?;
        let media_type = media_type.filter(|found| found.as_str() == record.media_type && size == record.size);
        let media_type = media_type.ok_or_else(|| {
            Error::Invalid(format!("the attachment `{id}` has another size or type than was announced"))
        })?;
        if !media_type.fits(&start) {
            return Err(Error::Invalid(format!("the attachment `{id}` is not what its type says")));
        }
        let kind = kind(&media_type, || STORED.to_owned());
        let attachment =
            Attachment { thread_id: Some(thread_id.to_owned()), size: Some(record.size), ..attachment(record, kind) };
        Ok((attachment, Upload { id: id.to_owned(), etag }))
    }

    /// Copies the files of a message that was just stored to where they stay, so that the uploads' URLs lead nowhere
    /// that matters any more. Only a stored message has copies: nothing lies there that no item names.
    ///
    /// # Errors
    /// No file of the message is kept then, and the message has to go.
    pub(crate) async fn keep_uploads(&self, owner: &Owner, uploads: &[Upload]) -> Result<(), Error> {
        let files = self.files()?;
        let copies = uploads.iter().map(|upload| Box::pin(copy(files, owner, upload)));
        let Err(error) = try_join_all(copies).await else { return Ok(()) };
        let removed =
            uploads.iter().map(|upload| async move { files.delete(&ObjectKey::file(owner, &upload.id)).await });
        if let Err(error) = try_join_all(removed).await {
            // They go when the attachment is sent again, or taken out of the composer.
            tracing::error!(error = chain(&error), "could not remove the files of a message that was rolled back");
        }
        Err(error)
    }

    fn announced(&self, name: String, size: u64, media_type: &MediaType) -> AttachmentRecord {
        AttachmentRecord {
            id: self.ids.mint(ids::ATTACHMENT),
            name,
            media_type: media_type.to_string(),
            size,
            created_at: self.clock.now(),
            message_id: None,
        }
    }
}

/// A file that is uploaded, as it was looked at.
pub(crate) struct Upload {
    id: String,
    etag: String,
}

async fn copy(files: &Files, owner: &Owner, Upload { id, etag }: &Upload) -> Result<(), Error> {
    match files.copy(&ObjectKey::upload(owner, id), &ObjectKey::file(owner, id), etag).await {
        Ok(()) => Ok(()),
        Err(FilesError::Changed | FilesError::NotFound) => {
            Err(Error::Invalid(format!("the attachment `{id}` was changed while it was sent")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Another user's is unknown, too.
pub(crate) fn unknown_attachment() -> Error {
    Error::Invalid("`attachments` names an attachment that does not exist".to_owned())
}

fn check(files: &Files, name: &str, size: u64, mime_type: &str) -> Result<MediaType, Error> {
    let limits = files.limits();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let message = format!("`name` must have 1 to {MAX_NAME_CHARS} characters, none of them a control character");
        return Err(Error::Invalid(message));
    }
    if size == 0 || size > limits.bytes {
        return Err(Error::Invalid(format!("a file must have 1 to {} bytes", limits.bytes)));
    }
    limits.types.accept(mime_type, name).ok_or_else(|| Error::Invalid("files of this type are not taken".to_owned()))
}

/// An attachment that is about to be uploaded, with the URL to send it to.
fn expected(files: &Files, owner: &Owner, record: AttachmentRecord, media_type: &MediaType) -> Attachment {
    let upload = UploadDescriptor {
        url: files.upload_url(&ObjectKey::upload(owner, &record.id), media_type, record.size),
        method: UploadMethod::Put,
        headers: BTreeMap::from([("Content-Type".to_owned(), media_type.to_string())]),
    };
    Attachment { upload_descriptor: Some(upload), ..unsent(files, owner, record, media_type) }
}

/// An attachment in the composer. Its preview can be loaded once it is uploaded.
fn unsent(files: &Files, owner: &Owner, record: AttachmentRecord, media_type: &MediaType) -> Attachment {
    let object = ObjectKey::upload(owner, &record.id);
    let kind = kind(media_type, || files.url_of(&object, media_type.as_str(), &record.name));
    attachment(record, kind)
}

fn kind(media_type: &MediaType, preview_url: impl FnOnce() -> String) -> AttachmentKind {
    if media_type.is_image() { AttachmentKind::Image { preview_url: preview_url() } } else { AttachmentKind::File }
}

fn attachment(record: AttachmentRecord, kind: AttachmentKind) -> Attachment {
    let AttachmentRecord { id, name, media_type, .. } = record;
    Attachment { id, name, mime_type: media_type, upload_descriptor: None, thread_id: None, size: None, kind }
}
