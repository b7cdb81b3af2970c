use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;

use super::{Files, FilesError, Object};
use crate::identity::Owner;
use crate::model::{FileSource, Input, InputFile, InputPart, Prompt};

/// Bytes of all files of a prompt that are sent along with it. OpenAI takes 50 MB of files in a request, base64 makes
/// four thirds of them.
const LARGEST_INLINE: u64 = 36_000_000;

impl Files {
    /// Makes the files of a prompt readable for the model's server, which is always asked right after it: URLs, where it
    /// can reach the bucket, else their bytes. A file that is gone, or too large to be sent along, becomes a text that
    /// says so, so that the turn goes on.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn resolve(&self, owner: &Owner, prompt: &mut Prompt) -> Result<(), FilesError> {
        let mut left = LARGEST_INLINE;
        let parts = prompt.input.iter_mut().rev().filter_map(|input| match input {
            Input::User(parts) => Some(parts),
            Input::Assistant(_) | Input::Opaque(_) | Input::Call(_) | Input::CallOutput { .. } => None,
        });
        let stored = parts.flatten().filter_map(|part| match part {
            InputPart::Image(file) | InputPart::File(file) if matches!(file.source, FileSource::Stored(_)) => {
                let fits = self.0.public || file.size <= left;
                if fits {
                    left = left.saturating_sub(file.size);
                }
                Some((part, fits))
            }
            InputPart::Text(_) | InputPart::Image(_) | InputPart::File(_) => None,
        });
        // The newest come first, and are the last to be left out.
        try_join_all(stored.map(|(part, fits)| self.resolve_part(owner, part, fits))).await.map(|_| ())
    }

    async fn resolve_part(&self, owner: &Owner, part: &mut InputPart, fits: bool) -> Result<(), FilesError> {
        let (InputPart::Image(file) | InputPart::File(file)) = part else { return Ok(()) };
        let source = if fits { self.source(owner, file).await } else { Err(FilesError::TooLarge) };
        let missing = match source {
            Ok(source) => {
                file.source = source;
                return Ok(());
            }
            Err(FilesError::NotFound) => "no longer exists",
            Err(FilesError::TooLarge) => "is too large to be shown",
            Err(error) => return Err(error),
        };
        *part = InputPart::Text(format!("[The file \"{}\" {missing}.]", file.name));
        Ok(())
    }

    async fn source(&self, owner: &Owner, file: &InputFile) -> Result<FileSource, FilesError> {
        let FileSource::Stored(id) = &file.source else { return Ok(file.source.clone()) };
        let object = Object::file(owner, id);
        if self.0.public {
            // The model's server would fail the whole request for one URL that leads nowhere.
            self.head(&object).await?.ok_or(FilesError::NotFound)?;
            return Ok(FileSource::Url(self.url(&object)));
        }
        let bytes = self.get(&object, file.size).await?;
        Ok(FileSource::Base64(STANDARD.encode(bytes)))
    }
}
