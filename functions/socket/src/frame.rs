//! What is posted to a connection: JSON objects small enough for one frame of API Gateway's.
//!
//! | frame | meaning |
//! | --- | --- |
//! | `{"id", "seq", "position"?, "events": […]}` | events of a streamed answer, in their order, and where the client is behind the last |
//! | `{"id", "seq", "done": true}` | the end of a streamed answer |
//! | `{"id", "seq", "reply": …}` | the whole answer of an operation that is not streamed |
//! | `{"id", "seq"?, "error": {"error", "message", "request_id", "status", "retry_after"?}}` | the request was refused; without `seq`: its answer broke off |
//! | `{"id", "seq", "part": "…", "left": 2}` | a piece of a frame that is too large; two more follow |
//! | `{"id", "ping": true}` | the answer goes on, and there is nothing to send yet |
//!
//! `id` is the request's, absent where it had none. `seq` counts the frames of one answer from 0: a frame with a number
//! that was there already is a repetition, and behind a gap something was lost. The pieces put together are the object
//! that the frame would have been, but for `id` and `seq`.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// API Gateway's bound is 32 KB (quotas of WebSocket APIs); this is below it whichever KB is meant.
pub const MAX_FRAME_BYTES: usize = 32_000;

/// The digits of the largest number of pieces that are left.
const MAX_DIGITS: usize = 20;

/// The frames of one answer.
#[derive(Debug)]
pub(crate) struct Frames {
    id: Option<String>,
    next: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Content<'a, T> {
    Done(bool),
    Reply(&'a T),
    Error(&'a T),
    Ping(bool),
}

#[derive(Serialize)]
struct Events<'a, T> {
    events: &'a [T],
    /// Where the client is behind the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<&'a str>,
}

#[derive(Serialize)]
struct Part<'a> {
    part: &'a str,
    left: usize,
}

impl Frames {
    /// Of the answer to the request with this id.
    pub(crate) const fn of(id: Option<String>) -> Self {
        Self { id, next: 0 }
    }

    /// As few frames as hold these events. Each has a position, or none has.
    pub(crate) fn events<T: Serialize>(&mut self, events: &[T], positions: &[String]) -> Vec<String> {
        let encoded: Vec<_> = events.iter().filter_map(|event| serde_json::value::to_raw_value(event).ok()).collect();
        let position = positions.iter().map(|position| r#","position":"""#.len() + position.len()).max();
        let max_bytes = self.content_bytes() - r#"{"events":[]}"#.len() - position.unwrap_or_default();
        let content = |from: usize, to: usize| Events {
            events: &encoded[from..to],
            position: positions.get(to - 1).map(String::as_str),
        };
        let (mut frames, mut from, mut bytes) = (Vec::new(), 0, 0);
        for (index, event) in encoded.iter().enumerate() {
            let more = event.get().len() + ",".len();
            if bytes > 0 && bytes + more > max_bytes {
                frames.extend(self.frame(&content(from, index)));
                (from, bytes) = (index, 0);
            }
            bytes += more;
        }
        if from < encoded.len() {
            frames.extend(self.frame(&content(from, encoded.len())));
        }
        frames
    }

    /// The end of a streamed answer.
    pub(crate) fn done(&mut self) -> Vec<String> {
        self.frame(&Content::<()>::Done(true))
    }

    /// A whole answer.
    pub(crate) fn reply(&mut self, reply: &impl Serialize) -> Vec<String> {
        self.frame(&Content::Reply(reply))
    }

    pub(crate) fn error(&mut self, error: &impl Serialize) -> Vec<String> {
        self.frame(&Content::Error(error))
    }

    /// An error without a number, which follows the frames of another invocation.
    pub(crate) fn unnumbered_error(&self, error: &impl Serialize) -> String {
        self.unnumbered(&Content::Error(error))
    }

    /// Without a number, so that a ping that is lost leaves no gap.
    pub(crate) fn ping(&self) -> String {
        self.unnumbered(&Content::<()>::Ping(true))
    }

    /// Leaves a number out. A frame whose sending failed may have arrived all the same, and then a client would not see
    /// that the frames behind it are missing.
    pub(crate) const fn skip(&mut self) {
        self.next += 1;
    }

    fn unnumbered(&self, content: &impl Serialize) -> String {
        let Ok(content) = serde_json::value::to_raw_value(content) else { return String::new() };
        match &self.id {
            Some(id) => format!(r#"{{"id":{},{}"#, Value::from(id.as_str()), &content.get()["{".len()..]),
            None => content.get().to_owned(),
        }
    }

    /// The content as one frame, or in pieces.
    fn frame(&mut self, content: &impl Serialize) -> Vec<String> {
        // Objects of ours have string keys, so there is nothing that cannot be written.
        let Ok(content) = serde_json::value::to_raw_value(content) else { return Vec::new() };
        if content.get().len() <= self.content_bytes() {
            return vec![self.numbered(&content)];
        }
        let pieces = pieces(content.get(), self.content_bytes() - r#"{"part":"","left":}"#.len() - MAX_DIGITS);
        let parts = pieces.iter().rev().enumerate().rev().map(|(left, part)| Part { part, left });
        parts.filter_map(|part| Some(self.numbered(&serde_json::value::to_raw_value(&part).ok()?))).collect()
    }

    /// A JSON object with the answer's id and the next number before its own fields.
    fn numbered(&mut self, object: &RawValue) -> String {
        let head = self.head(self.next);
        self.next += 1;
        format!("{head}{}", &object.get()["{".len()..])
    }

    fn head(&self, seq: u64) -> String {
        match &self.id {
            Some(id) => format!(r#"{{"id":{},"seq":{seq},"#, Value::from(id.as_str())),
            None => format!(r#"{{"seq":{seq},"#),
        }
    }

    /// Bytes of an object that fit beside id and number.
    fn content_bytes(&self) -> usize {
        MAX_FRAME_BYTES - self.head(u64::MAX).len()
    }
}

/// A text in pieces of which each has at most `max_bytes` as a JSON string.
fn pieces(text: &str, max_bytes: usize) -> Vec<&str> {
    let (mut pieces, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (index, character) in text.char_indices() {
        let more = match character {
            '"' | '\\' => 2,
            '\0'..='\x1f' => 6,
            other => other.len_utf8(),
        };
        if bytes + more > max_bytes {
            pieces.push(&text[from..index]);
            (from, bytes) = (index, 0);
        }
        bytes += more;
    }
    pieces.push(&text[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What a client makes of frames: the events, replies, errors and ends, put together where they came in pieces.
    fn read(frames: &[String], id: Option<&str>) -> Vec<Value> {
        let (mut contents, mut pieces) = (Vec::new(), String::new());
        for (number, frame) in frames.iter().enumerate() {
            assert!(frame.len() <= MAX_FRAME_BYTES, "{} bytes", frame.len());
            let mut frame: Value = serde_json::from_str(frame).unwrap();
            let object = frame.as_object_mut().unwrap();
            assert_eq!(object.remove("seq"), Some(json!(number)));
            assert_eq!(object.remove("id"), id.map(Value::from));
            let Some(part) = object.get("part") else {
                assert_eq!(pieces, "", "nothing comes between pieces");
                contents.push(frame);
                continue;
            };
            pieces.push_str(part.as_str().unwrap());
            if object["left"] == 0 {
                contents.push(serde_json::from_str(&std::mem::take(&mut pieces)).unwrap());
            }
        }
        assert_eq!(pieces, "");
        contents
    }

    #[test]
    fn what_frames_look_like() {
        let mut frames = Frames::of(Some("a\"1".to_owned()));
        assert_eq!(frames.events(&[1, 2], &[]), [r#"{"id":"a\"1","seq":0,"events":[1,2]}"#]);
        let positions = ["thr_1:run_1:2:0".to_owned(), "thr_1:run_1:3:0".to_owned()];
        let frame = r#"{"id":"a\"1","seq":1,"events":[1,2],"position":"thr_1:run_1:3:0"}"#;
        assert_eq!(frames.events(&[1, 2], &positions), [frame]);
        assert_eq!(frames.done(), [r#"{"id":"a\"1","seq":2,"done":true}"#]);
        let mut frames = Frames::of(None);
        assert_eq!(frames.reply(&json!({})), [r#"{"seq":0,"reply":{}}"#]);
        assert_eq!(frames.error(&json!({ "error": "conflict" })), [r#"{"seq":1,"error":{"error":"conflict"}}"#]);
        assert_eq!(frames.events::<()>(&[], &[]), [""; 0]);
        assert_eq!(frames.ping(), r#"{"ping":true}"#);
        frames.skip();
        assert_eq!(frames.done(), [r#"{"seq":3,"done":true}"#]);
        let frames = Frames::of(Some("\n".to_owned()));
        assert_eq!(frames.ping(), r#"{"id":"\n","ping":true}"#);
        assert_eq!(frames.unnumbered_error(&json!({ "status": 503 })), r#"{"id":"\n","error":{"status":503}}"#);
    }

    #[test]
    fn a_frame_is_as_large_as_it_may_be() {
        let mut frames = Frames::of(None);
        let empty = r#"{"events":[""]}"#.len() + ",".len();
        let largest = frames.content_bytes() - empty;
        assert_eq!(frames.events(&["a".repeat(largest)], &[]).len(), 1);
        assert_eq!(frames.events(&["a".repeat(largest - 4), "b".to_owned()], &[]).len(), 1);
        assert_eq!(frames.events(&["a".repeat(largest - 3), "b".to_owned()], &[]).len(), 2);
        let parts = frames.events(&["a".repeat(2 * largest)], &[]);
        assert_eq!(parts.len(), 3);
        assert!(parts[0].contains(r#""seq":4,"part":"{\"events\":[\"aaa"#) && parts[0].ends_with(r#","left":2}"#));
    }

    fn text() -> impl Strategy<Value = String> {
        let short = "[a-z\"\\\\\\n\\x00-\\x1füß🦀\u{2028}]{0,40}";
        (short, prop_oneof![8 => 0..20_usize, 2 => 0..2_000_usize, 1 => 0..6_000_usize]).prop_map(|(t, n)| t.repeat(n))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_is_lost_reordered_or_too_large(
            batches in prop::collection::vec(prop::collection::vec(text(), 0..12), 0..6),
            reply in text(),
            id in prop::option::of("[a-z\"\\\\\\x00-\\x1fü]{1,32}"),
        ) {
            let mut frames = Frames::of(id.clone());
            let mut sent = Vec::new();
            for batch in &batches {
                sent.extend(frames.events(batch, &[]));
            }
            sent.extend(frames.reply(&reply));
            sent.extend(frames.done());
            let mut contents = read(&sent, id.as_deref());
            prop_assert_eq!(contents.pop().unwrap(), json!({ "done": true }));
            prop_assert_eq!(contents.pop().unwrap(), json!({ "reply": reply }));
            let events: Vec<_> =
                contents.iter().flat_map(|content| content["events"].as_array().unwrap().clone()).collect();
            prop_assert_eq!(events, batches.concat());
        }
    }
}
