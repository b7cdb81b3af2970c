//! Where a client is in the events of a run: the `id:` of a server-sent event, which comes back as `last-event-id`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Of the id of a thread or a run.
const MAX_ID_BYTES: usize = 128;

/// Where a client is in the events of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub thread_id: Arc<str>,
    pub run_id: Arc<str>,
    /// The number of the last event that it has; 0 before the first.
    pub seq: u64,
    /// How many characters of the message that is being made it has.
    pub chars: u64,
}

/// Not a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`last-event-id` is not an id that this server has sent")]
pub struct NotAPosition;

impl Position {
    /// Before the first event of a run.
    pub fn start(thread_id: &str, run_id: &str) -> Self {
        Self { thread_id: thread_id.into(), run_id: run_id.into(), seq: 0, chars: 0 }
    }

    pub(super) fn at(&self, seq: u64, chars: u64) -> Self {
        Self { seq, chars, ..self.clone() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}:{}", self.thread_id, self.run_id, self.seq, self.chars)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(position: &str) -> Result<Self, NotAPosition> {
        let mut parts = position.split(':');
        let mut next = || parts.next().filter(|part| is_plain(part)).ok_or(NotAPosition);
        let (thread_id, run_id) = (next()?.into(), next()?.into());
        let mut number = || next()?.parse().map_err(|_| NotAPosition);
        let (seq, chars) = (number()?, number()?);
        match parts.next() {
            None => Ok(Self { thread_id, run_id, seq, chars }),
            Some(_) => Err(NotAPosition),
        }
    }
}

/// Whether this can be an id or a number.
fn is_plain(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !part.is_empty() && part.len() <= MAX_ID_BYTES && part.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn position_is_read_as_it_was_written(seq: u64, chars: u64) {
            let position = Position { seq, chars, ..Position::start("thr_1", "run_2") };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn anything_else_is_refused_or_read_exactly(text in ".{0,40}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert!(position.to_string().len() <= text.len());
            }
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in ["", ":", "thr_1:run_2:3", "thr_1:run_2:3:4:5", "thr_1:run_2:-3:4", "a b:c:1:2", "::1:2", "a:b:1:x"]
        {
            assert_eq!(text.parse::<Position>(), Err(NotAPosition), "{text}");
        }
    }
}
