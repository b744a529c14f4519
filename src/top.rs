//! `crsocket top`: how a running server is, at a terminal, from its admin interface.
//!
//! In a terminal it is a screen that is drawn anew each second; elsewhere plain lines, for `grep`, `awk` and logs. What both
//! show is a snapshot of its answers: they are functions of it, and of how long there has been none.

mod api;
mod client;
mod error;
mod plain;
mod problem;
mod screen;
mod text;
mod token;
mod view;

#[cfg(test)]
mod tests;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{self, Instant};

use crate::cli::TopArgs;
use client::Admin;
pub use error::TopError;
pub use problem::Problem;

/// Shows it until whoever looks has seen enough, or once.
///
/// The first answer must come; later ones may fail: that is said, and tried again.
///
/// # Errors
/// [`TopError`].
pub fn run(args: &TopArgs, out: &mut impl Write) -> Result<ExitCode, TopError> {
    let admin = Admin::new(&args.url, token::read(args.token_file.as_deref())?)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(TopError::Runtime)?;
    let shown = if !args.once && is_screen() {
        runtime.block_on(screen::show(&admin, args.interval, has_colours()))
    } else {
        runtime.block_on(print(&admin, args, out))
    };
    end(runtime);
    shown
}

/// A name that is still being looked up must not keep whoever wants to go.
fn end(runtime: Runtime) {
    runtime.shutdown_background();
}

/// Whether standard output can be drawn on.
fn is_screen() -> bool {
    io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|name| name != "dumb")
}

/// <https://no-color.org>
fn has_colours() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A block of plain lines each interval.
async fn print(admin: &Admin, args: &TopArgs, out: &mut impl Write) -> Result<ExitCode, TopError> {
    write_block(out, &plain::lines(&admin.snapshot().await?))?;
    if args.once {
        return Ok(ExitCode::SUCCESS);
    }
    let mut last = Instant::now();
    let mut pause = args.interval;
    loop {
        time::sleep(pause).await;
        match admin.snapshot().await {
            Ok(snapshot) => {
                (last, pause) = (Instant::now(), args.interval);
                write_block(out, &plain::lines(&snapshot))?;
            }
            Err(problem) => {
                pause = pause_after(&problem, args.interval);
                write_block(out, &plain::lost(&problem, last.elapsed()))?;
            }
        }
    }
}

fn write_block(out: &mut impl Write, lines: &[String]) -> Result<(), TopError> {
    for line in lines {
        writeln!(out, "{line}").map_err(TopError::Output)?;
    }
    writeln!(out).and_then(|()| out.flush()).map_err(TopError::Output)
}

/// How long to wait before it is tried again.
fn pause_after(problem: &Problem, interval: Duration) -> Duration {
    interval.max(problem.pause())
}
