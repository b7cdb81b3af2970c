//! The figures of speed, size and cost, as a table: `just bench`, or `just bench memory` for one section;
//! `just bench-cold` for cold starts alone, in more detail.
//!
//! ```text
//! programs.rs     the release programs, built as they are deployed
//! processes.rs    a running program: a server, or a function
//! model.rs        a model that says a number of words at a pace; tls.rs: behind TLS
//! environment.rs  a function with a Runtime API of its own; cpu_share.rs: with as much of a processor as on Lambda
//! chat.rs         a browser's requests
//! figure.rs       a line of the table
//!
//! cold_start.rs   size.rs   turn.rs   delay.rs   memory.rs   processor.rs   throughput.rs   streams.rs
//! function_memory.rs   the sections
//! ```
//!
//! Times are of this machine and this moment: compare ratios, and repeat before you believe.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a table is printed, and a measurement that fails has no result"
)]

mod chat;
mod cold_start;
mod cpu_share;
mod delay;
mod environment;
mod figure;
mod function_memory;
#[path = "../harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod harness;
mod memory;
mod model;
mod processes;
mod processor;
mod programs;
#[path = "../gateway/runtime_api.rs"]
mod runtime_api;
mod size;
mod streams;
mod throughput;
mod tls;
mod turn;

use figure::Figure;

/// What design bounds cannot be checked here, and why.
const NOT_MEASURED: &str = "\
not measured here:
- a streamed invocation under AWS's interface emulator: `just emulator`
- a turn in a thread of 10,000 items against one of 10: the tests assert its units";

#[tokio::main]
async fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |section: &str| wanted.is_empty() || wanted.iter().any(|name| name == section);
    if wanted == ["cold"] {
        return cold_start::print_tables(&programs::build_functions()).await;
    }
    let programs = programs::build();
    Figure::print_head();
    if is_wanted("cold_start") {
        Figure::print(&cold_start::measure(&programs).await);
    }
    if is_wanted("size") {
        Figure::print(&size::measure(&programs));
    }
    if is_wanted("turn") {
        Figure::print(&turn::measure().await);
    }
    if is_wanted("delay") {
        Figure::print(&delay::measure(&programs).await);
    }
    if is_wanted("memory") {
        Figure::print(&memory::measure(&programs).await);
    }
    if is_wanted("processor") {
        Figure::print(&processor::measure(&programs).await);
    }
    if is_wanted("throughput") {
        Figure::print(&throughput::measure(&programs).await);
    }
    if is_wanted("streams") {
        Figure::print(&streams::measure(&programs).await);
    }
    if is_wanted("function_memory") {
        function_memory::print_table(&programs).await;
    }
    println!("\n{NOT_MEASURED}");
}
