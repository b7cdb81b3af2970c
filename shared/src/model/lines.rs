use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};

use super::error::ModelError;

/// The same bytes, cut at the ends of lines only. The parser of events begins a line anew with each piece of it: that
/// would take a minute for a picture of some megabytes that comes in pieces of some kilobytes.
pub(super) fn whole_lines<S>(bytes: S) -> impl Stream<Item = Result<Bytes, ModelError>> + Send
where
    S: Stream<Item = Result<Bytes, ModelError>> + Send,
{
    stream::unfold((Box::pin(bytes.fuse()), BytesMut::new()), |(mut bytes, mut rest)| async move {
        loop {
            let Some(chunk) = bytes.next().await else {
                let last = rest.split().freeze();
                return (!last.is_empty()).then_some((Ok(last), (bytes, rest)));
            };
            let mut chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return Some((Err(error), (bytes, rest))),
            };
            let Some(end) = chunk.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) else {
                rest.extend_from_slice(&chunk);
                continue;
            };
            let mut lines = chunk.split_to(end + 1);
            if !rest.is_empty() {
                rest.extend_from_slice(&lines);
                lines = rest.split().freeze();
            }
            rest.extend_from_slice(&chunk);
            return Some((Ok(lines), (bytes, rest)));
        }
    })
}
