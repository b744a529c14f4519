//! The server as its clients meet it: a process of its own, over real connections.

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

mod client;
#[allow(dead_code, reason = "shared with the tests of the admin part, which need more of it")]
mod process;
mod proxy;

mod bad_input;
mod demo;
mod files;
mod hosted;
mod ids;
mod nginx;
mod peers;
mod reload;
mod rules;
mod stop;
mod tls;
mod wire;
