//! Bytes arrive cut anywhere.

use std::time::Duration;

use bytes::Bytes;
use chatkit_shared::model::{Api, ModelError, ModelEvent, ModelStream, Prompt};
use futures_util::{StreamExt, TryStreamExt, stream};
use proptest::prelude::*;
use serde_json::json;

use crate::harness::completions::{self, content, counted, finish};
use crate::harness::responses::{completed, delta, message_added, message_done, reasoning_delta};

fn wire() -> Vec<u8> {
    let events = [
        reasoning_delta("Überlegung 🤔"),
        message_added("msg_1").item(1),
        delta("Grüße, ").item(1),
        delta("世界 👩‍👩‍👧").item(1),
        message_done("msg_1", "Grüße, 世界 👩‍👩‍👧").item(1),
        completed(json!(null)),
    ];
    let mut bytes = ": hello\r\n\r\n".as_bytes().to_vec();
    bytes.extend(events.into_iter().enumerate().flat_map(|(number, event)| event.encode(number)));
    bytes
}

fn completions_wire() -> Vec<u8> {
    let chunks = [
        completions::delta(&json!({"reasoning_content": "Überlegung 🤔"})),
        content("Grüße, "),
        content("世界 👩‍👩‍👧"),
        finish("stop"),
        counted(completions::usage(1, 0, 2, 1)),
    ];
    let mut bytes = ": hello\r\n\r\n".as_bytes().to_vec();
    bytes.extend(chunks.iter().flat_map(|chunk| chunk.encode()));
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn read(api: Api, chunks: Vec<Bytes>) -> Result<Vec<ModelEvent>, ModelError> {
    let bytes = stream::iter(chunks).map(Ok).chain(stream::pending());
    ModelStream::new(api, &Prompt::default(), bytes, Duration::from_secs(20)).try_collect().await
}

/// Reads the wire whole and cut at these places, as fractions of its length.
fn read_both(api: Api, wire: Vec<u8>, cuts: &[f64]) -> [Vec<ModelEvent>; 2] {
    let wire = Bytes::from(wire);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the fractions are less than one")]
    let mut cuts: Vec<_> = cuts.iter().map(|cut| (cut * wire.len() as f64) as usize).collect();
    cuts.sort_unstable();
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([wire.len()]);
    let chunks = starts.zip(ends).map(|(start, end)| wire.slice(start..end)).collect();
    [vec![wire], chunks].map(|chunks| read(api, chunks).unwrap())
}

proptest! {
    #[test]
    fn stream_cut_at_any_bytes_gives_the_same_events(cuts in prop::collection::vec(0.0..1.0, 0..200)) {
        for (api, wire) in [(Api::Responses, wire()), (Api::ChatCompletions, completions_wire())] {
            let [whole, cut] = read_both(api, wire, &cuts);
            prop_assert!(whole.len() > 7);
            prop_assert_eq!(cut, whole);
        }
    }
}
