//! Files in a thread: as they are stored, as they are shown, and how they go.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Engine, Error, Failure};
use crate::files::{Files, MediaType, ObjectKey};
use crate::identity::Owner;
use crate::ids;
use crate::model::Picture;
use crate::protocol::{Attachment, AttachmentKind, GeneratedImage, GeneratedImageItem, ThreadItem};

/// Stored in place of a file's URL, which expires after an hour. Which file it is follows
/// from the id beside it.
pub(super) const STORED: &str = "stored:";

impl Engine {
    pub(super) fn files(&self) -> Result<&Files, Error> {
        self.files.as_ref().ok_or(Error::NoFiles)
    }

    /// A stored item as its owner sees it: with URLs of its files that are good for an hour from now. Costs no I/O.
    pub fn with_file_urls(&self, owner: &Owner, mut item: ThreadItem) -> ThreadItem {
        // Where files have been turned off, there is nothing to load.
        let url = |load: &dyn Fn(&Files) -> String| self.files.as_ref().map(load).unwrap_or_default();
        match &mut item {
            ThreadItem::UserMessage(message) => {
                for Attachment { id, name, mime_type, size, kind, .. } in &mut message.attachments {
                    *size = None;
                    if let AttachmentKind::Image { preview_url } = kind {
                        *preview_url = url(&|files| files.url_of(&ObjectKey::file(owner, id), mime_type, name));
                    }
                }
            }
            ThreadItem::GeneratedImage(GeneratedImageItem { image: Some(image), .. }) if image.url == STORED => {
                image.url = url(&|files| files.url(&ObjectKey::file(owner, &image.id)));
            }
            ThreadItem::GeneratedImage(_)
            | ThreadItem::AssistantMessage(_)
            | ThreadItem::ClientToolCall(_)
            | ThreadItem::Widget(_)
            | ThreadItem::StructuredInput(_)
            | ThreadItem::Workflow(_)
            | ThreadItem::Task(_)
            | ThreadItem::EndOfTurn(_)
            | ThreadItem::HiddenContextItem(_)
            | ThreadItem::SdkHiddenContext(_) => {}
        }
        item
    }

    /// Keeps a picture that the model made, as the image of the item `item_id`. It goes with that item;
    /// [`Engine::with_file_urls`] gives it a URL.
    ///
    /// # Errors
    /// [`Error::NoFiles`] where files are not configured, [`Error::Failed`] when it cannot be stored.
    pub async fn keep_picture(&self, owner: &Owner, item_id: &str, picture: &Picture) -> Result<GeneratedImage, Error> {
        let files = self.files()?;
        files.put(&ObjectKey::file(owner, item_id), &media_type(picture)?, picture.bytes.clone()).await?;
        Ok(GeneratedImage { id: item_id.to_owned(), url: STORED.to_owned() })
    }

    /// Shows a picture that is not whole yet, for an hour. It goes by itself, as uploads do that no message takes.
    ///
    /// # Errors
    /// As [`Engine::keep_picture`].
    pub(super) async fn keep_partial_picture(&self, owner: &Owner, picture: &Picture) -> Result<GeneratedImage, Error> {
        let (files, id) = (self.files()?, self.ids.mint(ids::MESSAGE));
        let object = ObjectKey::upload(owner, &id);
        files.put(&object, &media_type(picture)?, picture.bytes.clone()).await?;
        Ok(GeneratedImage { id, url: files.url(&object) })
    }

    /// Removes the files of items that are removed, by their ids, and the records of those that were attachments.
    ///
    /// # Errors
    /// Repeating it removes what is left.
    pub(super) async fn remove_files(&self, owner: &Owner, file_ids: &[String]) -> Result<(), Failure> {
        if file_ids.is_empty() {
            return Ok(());
        }
        let is_attachment = |id: &&String| id.strip_prefix(ids::ATTACHMENT).is_some_and(|rest| rest.starts_with('_'));
        let attachments: Vec<_> = file_ids.iter().filter(is_attachment).cloned().collect();
        if let Some(files) = &self.files {
            let uploads = attachments.iter().map(|id| ObjectKey::upload(owner, id));
            let objects = file_ids.iter().map(|id| ObjectKey::file(owner, id)).chain(uploads);
            stream::iter(objects.collect::<Vec<_>>())
                .map(Ok)
                .try_for_each_concurrent(8, |object| async move { files.delete(&object).await })
                .await?;
        }
        self.store.attachments.remove(owner, &attachments).await?;
        Ok(())
    }
}

fn media_type(picture: &Picture) -> Result<MediaType, Error> {
    MediaType::parse(picture.media_type).ok_or_else(|| Error::Invalid("the picture has no type".to_owned()))
}
