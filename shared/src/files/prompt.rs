use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;

use super::{Files, FilesError, ObjectKey};
use crate::identity::Owner;
use crate::model::{FileSource, Input, InputFile, InputPart, Prompt};

/// In one prompt. OpenAI accepts 50 MB of files in a request, and base64 adds a third.
const MAX_INLINE_BYTES: u64 = 36_000_000;

impl Files {
    /// Makes the files of a prompt readable for the model's server, right before it is called: URLs where it can reach
    /// the bucket, else their bytes. A file that is gone, or too large to be sent, becomes a text that says so, so that
    /// the turn continues.
    pub async fn resolve(&self, owner: &Owner, prompt: &mut Prompt) -> Result<(), FilesError> {
        let mut left = MAX_INLINE_BYTES;
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
        // The newest files come first, so that the oldest are left out.
        try_join_all(stored.map(|(part, fits)| self.resolve_part(owner, part, fits))).await.map(|_| ())
    }

    /// Replaces the files of a prompt by texts that say that they no longer exist, where files have been disabled.
    pub(crate) fn strip_files(prompt: &mut Prompt) {
        for input in &mut prompt.input {
            let Input::User(parts) = input else { continue };
            for part in parts {
                if let InputPart::Image(file) | InputPart::File(file) = part
                    && matches!(file.source, FileSource::Stored(_))
                {
                    *part = missing(file, "no longer exists");
                }
            }
        }
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
        *part = self::missing(file, missing);
        Ok(())
    }

    async fn source(&self, owner: &Owner, file: &InputFile) -> Result<FileSource, FilesError> {
        let FileSource::Stored(id) = &file.source else { return Ok(file.source.clone()) };
        let key = ObjectKey::file(owner, id);
        if self.0.public {
            // The model's server would refuse the whole request because of one URL without a file.
            if !self.exists(&key).await? {
                return Err(FilesError::NotFound);
            }
            return Ok(FileSource::Url(self.prompt_url(&key)));
        }
        let bytes = self.get(&key, file.size).await?;
        Ok(FileSource::Base64(STANDARD.encode(bytes)))
    }
}

fn missing(file: &InputFile, why: &str) -> InputPart {
    InputPart::Text(format!("[The file \"{}\" {why}.]", file.name))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::*;
    use crate::aws::Aws;
    use crate::clock::Clock;
    use crate::env::Env;
    use crate::files::Inner;
    use crate::https;

    /// A bucket with the file `here` that answers this many requests.
    fn bucket(requests: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for _ in 0..requests {
                let (mut socket, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let length = socket.read(&mut request).unwrap();
                let request = String::from_utf8_lossy(&request[..length]);
                assert!(request.starts_with("HEAD /pictures/files/"), "{request}");
                let status = if request.contains("/here?") { "200 OK" } else { "404 Not Found" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 1\r\nconnection: close\r\n\r\n");
                socket.write_all(answer.as_bytes()).unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn resolve_with_a_public_bucket_sends_urls() {
        let env = Env::from_iter([
            ("FILES_BUCKET", "pictures"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL_S3", &bucket(2)),
        ]);
        let (client, clock) = (https::client(&env).unwrap(), Clock::fixed("2026-11-20T12:59:59Z".parse().unwrap()));
        let aws = Aws::from_env(&env, client.clone()).unwrap();
        let files = Files::from_env(&env, &aws, client, clock).unwrap().unwrap();
        let files = Files(Inner { public: true, ..Arc::into_inner(files.0).unwrap() }.into());
        let file = |id: &str, source: FileSource| InputFile {
            name: id.to_owned(),
            media_type: "image/png".to_owned(),
            size: u64::MAX,
            source,
        };
        let stored = |id: &str| file(id, FileSource::Stored(id.to_owned()));
        let owner = Owner::new("t", "u").unwrap();
        let parts = vec![InputPart::Image(stored("here")), InputPart::File(stored("gone"))];
        let mut prompt = Prompt { input: vec![Input::User(parts)], ..Prompt::default() };
        files.resolve(&owner, &mut prompt).await.unwrap();
        let url = files.prompt_url(&ObjectKey::file(&owner, "here"));
        assert!(url.contains("X-Amz-Date=20261120T120000Z&X-Amz-Expires=7200"), "{url}");
        let parts = vec![
            InputPart::Image(file("here", FileSource::Url(url))),
            InputPart::Text("[The file \"gone\" no longer exists.]".to_owned()),
        ];
        assert_eq!(prompt.input, [Input::User(parts)]);
    }
}
