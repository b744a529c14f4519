//! `crsocket load` and `crsocket simulate` as whoever types them meets them. The figures are held against a server that
//! does damage on purpose and keeps count of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    missing_docs,
    reason = "a test says what it saw by panicking"
)]

#[path = "../server/client.rs"]
#[allow(dead_code, reason = "shared with the tests of the server, which need more of it")]
mod client;
mod double;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of the server, which need more of it")]
mod process;

mod run;
#[path = "../top_command/terminal.rs"]
#[allow(dead_code, reason = "shared with the tests of `crsocket top`, which press keys")]
mod terminal;

mod away;
mod double_itself;
mod figures;
mod gates;
mod interrupt;
mod mistakes;
mod real;
mod scenarios;
mod simulate;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until it is so; fails with what was seen last.
fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "waited in vain for {what}; last: {seen}"),
        }
        sleep(Duration::from_millis(20));
    }
}
