//! `crsocket top` as whoever types it meets it, against a small server that answers as the admin interface does.

// A test says what it saw by panicking and printing, helpers included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod admin;
mod lines;
mod screen;
mod terminal;

use std::process::Command;
use std::time::Duration;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// `crsocket top` at this server, asking often, without a token from the environment of the tests.
fn top(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crsocket"));
    command.args(["top", "--interval", "0.1", "--url", url]).args(args);
    command.env_remove("CRSOCKET_ADMIN_TOKEN").env_remove("NO_COLOR").env("TERM", "xterm-256color");
    command
}
