//! The release programs on disk.

use crate::figure::Figure;
use crate::programs::{FUNCTIONS, Programs};

const MAX_BYTES: u64 = 9_000_000;
/// Of the two programs that run turns.
const MAX_TURN_BYTES: u64 = 10_000_000;

pub(crate) fn measure(programs: &Programs) -> Vec<Figure> {
    let size = |name: &str| std::fs::metadata(programs.path(name)).unwrap().len();
    let functions = FUNCTIONS.map(|function| {
        let megabytes = format!("{:.2} MB", size(function) as f64 / 1e6);
        let figure = Figure::new(format!("size of `{function}`, stripped"), megabytes);
        match function {
            "start" | "refresh" => {
                figure.bound("≤ 9 MB, less than `chat`", size(function) <= MAX_BYTES && size(function) < size("chat"))
            }
            "chat" | "socket" => figure.bound("≤ 10 MB", size(function) <= MAX_TURN_BYTES),
            _ => figure.bound("≤ 9 MB", size(function) <= MAX_BYTES),
        }
    });
    functions
        .into_iter()
        .chain([Figure::new("size of `hello`", format!("{:.2} MB", size("hello") as f64 / 1e6))])
        .collect()
}
