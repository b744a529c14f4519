//! `crsocket load` and `crsocket simulate` as whoever types them meets them. The figures are held against a server that
//! does damage on purpose and keeps count of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
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

mod double_itself;
