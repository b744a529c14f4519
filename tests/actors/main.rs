//! CrSockets as actors, over the local link to a Registry, all on the test's own thread under a paused clock.

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

mod lab;
mod logs;
mod saboteur;

mod changes;
mod crowd;
mod events;
mod life;
mod panics;
