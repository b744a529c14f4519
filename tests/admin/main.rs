//! The admin part as who uses it meets it: a server as a process of its own, its admin listener over real connections.

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
mod live_client;
#[path = "../support/metric_names.rs"]
mod metric_names;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of the server, which need more of it")]
mod process;
mod python_tools;
mod rig;

mod events;
mod explain;
mod guard;
mod live;
mod metrics;
mod openapi;
mod pages;
mod secrets;
mod server;
mod sessions;
mod sockets;

mod steer;
mod texts;
mod token;
mod why;
