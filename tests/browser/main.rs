//! A real page in a real browser: a controller that pairs with hosted responders, through a server that is a process of its
//! own, with and without nginx in front; the demo's pages; the admin page. Without Chromium and its driver on this machine
//! nothing is tried, and said so.

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
#[path = "../server/proxy.rs"]
mod proxy;

#[path = "../server/client.rs"]
#[allow(dead_code, reason = "shared with the tests of the server, which need more of it")]
mod raw;

#[path = "../client_corpus/mod.rs"]
#[allow(dead_code, reason = "what occurs in it is told by a test of its own")]
mod client_corpus;

#[path = "../../src/load/example.rs"]
#[allow(dead_code, reason = "shared with the tests of src/load, which need more of it")]
mod load_example;

mod admin_page;
mod browser;
mod look;
mod page;
mod responder;
mod setup;
mod way;

mod admin;
mod admin_keyboard;
mod admin_login;
mod admin_sessions;
mod admin_texts;
mod away;
mod client;
mod corpus;
mod demo;
mod hosted_by_server;
mod load_report;
mod restart;
mod texts;
