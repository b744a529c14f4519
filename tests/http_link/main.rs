//! crSockets over the http link, against a server that is a process of its own: in real time, with short timings.

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

#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of the server, which need more of it")]
mod process;
mod setup;

mod faults;
mod life;
mod restart;
