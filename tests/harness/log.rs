//! The log of one test, in the format that Lambda writes, at its most talkative.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Once;

use chatkit_shared::telemetry::{self, Format};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use super::journal::Journal;

thread_local! {
    static LINES: RefCell<Option<Rc<Journal<String>>>> = const { RefCell::new(None) };
}

/// Everything that is logged on the test's thread until it is dropped.
///
/// One subscriber serves all tests: with one for each, whether a line is written would depend on which thread came to
/// its place in the code first.
pub(crate) struct Log(Rc<Journal<String>>);

impl Log {
    /// Begins to listen.
    pub(crate) fn start() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let layer = telemetry::layer(Format::Json, LevelFilter::TRACE, || Lines);
            tracing::subscriber::set_global_default(registry().with(layer)).unwrap();
        });
        let lines = Rc::<Journal<String>>::default();
        LINES.set(Some(Rc::clone(&lines)));
        Self(lines)
    }

    /// Every line so far, as it was written.
    pub(crate) fn text(&self) -> String {
        self.0.entries().concat()
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of requests so far, without the logger's own timestamp, which is not the test's clock's.
    pub(crate) fn requests(&self) -> Vec<Value> {
        requests(&self.0.entries())
    }

    /// Waits until the lines of requests are as they should be.
    pub(crate) async fn until(&self, holds: impl Fn(&[Value]) -> bool) {
        self.0.until(|lines| holds(&requests(lines))).await;
    }
}

fn requests(lines: &[String]) -> Vec<Value> {
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["target"] == "request")
        .map(|mut line| {
            let timestamp = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            assert!(timestamp.as_str().unwrap().ends_with('Z'), "{timestamp}");
            line
        })
        .collect()
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// What is written on this thread, if a test listens.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line comes in one piece.
        let line = String::from_utf8(bytes.to_vec()).unwrap();
        LINES.with_borrow(|lines| lines.as_ref().map(|lines| lines.push(line)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
