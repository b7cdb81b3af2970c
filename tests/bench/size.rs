//! The release programs on disk.

use crate::figure::Figure;
use crate::programs::{FUNCTIONS, Programs};

const LARGEST: u64 = 9_000_000;

pub(crate) fn measure(programs: &Programs) -> Vec<Figure> {
    let size = |name: &str| std::fs::metadata(programs.path(name)).unwrap().len();
    let functions = FUNCTIONS.map(|function| {
        let megabytes = format!("{:.2} MB", size(function) as f64 / 1e6);
        let figure = Figure::new(format!("size of `{function}`, stripped"), megabytes);
        match function {
            "start" | "refresh" => {
                figure.bound("≤ 9 MB, less than `chat`", size(function) <= LARGEST && size(function) < size("chat"))
            }
            _ => figure.bound("≤ 9 MB", size(function) <= LARGEST),
        }
    });
    functions
        .into_iter()
        .chain([Figure::new("size of `hello`", format!("{:.2} MB", size("hello") as f64 / 1e6))])
        .collect()
}
