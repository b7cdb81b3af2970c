//! Bytes arrive cut anywhere.

use std::time::Duration;

use bytes::Bytes;
use chatkit_shared::model::{ModelError, ModelEvent, ModelStream};
use futures_util::{StreamExt, TryStreamExt, stream};
use proptest::prelude::*;
use serde_json::json;

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

#[tokio::main(flavor = "current_thread")]
async fn read(chunks: Vec<Bytes>) -> Result<Vec<ModelEvent>, ModelError> {
    let bytes = stream::iter(chunks).map(Ok).chain(stream::pending());
    ModelStream::new(bytes, Duration::from_secs(20)).try_collect().await
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_events_are_the_same(cuts in prop::collection::btree_set(0..wire().len(), 0..200)) {
        let wire = Bytes::from(wire());
        let whole = read(vec![wire.clone()]).unwrap();
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([wire.len()]);
        let chunks = starts.zip(ends).map(|(start, end)| wire.slice(start..end)).collect();
        prop_assert_eq!(read(chunks).unwrap(), whole);
    }
}
