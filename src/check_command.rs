//! `crsocket check`: a campaign of simulated lives at the terminal.

use std::fs;
use std::io::{self, Write};
use std::panic;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

use crate::check::campaign::{Campaign, Failure};
use crate::check::life::Summary;
use crate::check::plan::Plan;
use crate::check::shrink::shrink;
use crate::check::story::pair_life_with;
use crate::check::trace::{describe, trace};
use crate::cli::CheckArgs;
use crate::protocol::ids::InvalidId;
use crate::protocol::time::{Millis, Timing, TimingError, UnknownTiming};

/// How many of the last lines of a trace are shown at the terminal.
const SHOWN: usize = 60;

/// Why a check could not be made.
#[derive(Debug, Error)]
pub enum CheckError {
    /// `--timing` names none.
    #[error("--timing: {0}")]
    UnknownTiming(#[from] UnknownTiming),
    /// The timings contradict each other.
    #[error("--timing: {0}")]
    Timing(#[from] TimingError),
    /// The trace could not be written.
    #[error("cannot write the trace to {}: {source}", path.display())]
    Trace {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A name made here was not valid.
    #[error(transparent)]
    Name(#[from] InvalidId),
}

/// Runs it, and says by the exit status whether everything held.
///
/// # Errors
/// [`CheckError`]; a violation is none, also where its trace cannot be written.
pub fn run(args: &CheckArgs, out: &mut impl Write) -> Result<ExitCode, CheckError> {
    let campaign = campaign(args)?;
    if let (true, Some(seed)) = (args.show, args.seed) {
        write_lines(out, &pair_life_with(seed, &campaign.timing)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let begun = Instant::now();
    let bar = progress_bar(campaign.seeds);
    let (lived, summary, failure) = campaign.run(|lived, summary| {
        bar.set_position(lived);
        bar.set_message(format!("{:.0} pair hours", pair_hours(&summary)));
    });
    bar.finish_and_clear();
    write_summary(out, &campaign, lived, &summary, begun.elapsed().as_secs_f64())?;
    match failure {
        Some(failure) => {
            report(args, &campaign, &failure, out)?;
            Ok(ExitCode::FAILURE)
        }
        None => {
            if let (Some(seed), Some(path)) = (args.seed, &args.trace) {
                write_trace(path, &trace(&campaign.plan(seed), &campaign.timing)?)?;
            } else if let Some(path) = &args.trace {
                writeln!(out, "Everything held: nothing was written to {}.", path.display())?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn campaign(args: &CheckArgs) -> Result<Campaign, CheckError> {
    let mut timing = Timing::default();
    for (name, length) in &args.timing {
        timing.set(name, *length)?;
    }
    timing.check()?;
    let (from, seeds) = args.seed.map_or((args.from, args.seeds), |seed| (seed, 1));
    Ok(Campaign {
        from,
        seeds,
        pairs: usize::from(args.pairs.get()),
        length: length_of(args.hours),
        faults: args.faults.into(),
        timing,
        threads: args.threads.get(),
    })
}

#[allow(clippy::cast_possible_truncation, reason = "the argument is at most a thousand hours")]
fn length_of(hours: f64) -> Millis {
    Millis((hours * 3_600_000.0) as i64)
}

fn progress_bar(seeds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} lives, {msg}, {eta} left");
    ProgressBar::new(seeds).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[allow(clippy::cast_precision_loss, reason = "a figure to be read")]
fn pair_hours(summary: &Summary) -> f64 {
    summary.pair_time.0 as f64 / 3_600_000.0
}

fn write_summary(
    out: &mut impl Write,
    campaign: &Campaign,
    lived: u64,
    summary: &Summary,
    seconds: f64,
) -> Result<(), CheckError> {
    let hours = pair_hours(summary);
    writeln!(
        out,
        "{lived} seeds from {}, {:?} faults: {hours:.0} hours of pair time in {seconds:.1} s ({:.0} hours a second), {} \
         happenings",
        campaign.from,
        campaign.faults,
        hours / seconds.max(0.001),
        summary.happened
    )?;
    writeln!(
        out,
        "{} calms; in {} of them, counted by pair, somebody was not willing; the slowest willing pair took {}.{} s",
        summary.calms,
        summary.unwilling,
        summary.slowest.0 / 1000,
        summary.slowest.0 % 1000 / 100
    )?;
    Ok(())
}

/// Says what went wrong, and tells the shortest life in which it does.
fn report(
    args: &CheckArgs,
    campaign: &Campaign,
    failure: &Failure,
    out: &mut impl Write,
) -> Result<(), CheckError> {
    let seed = failure.plan.scenario.seed;
    writeln!(out, "\nseed {seed}:")?;
    write_lines(out, &describe(&failure.violation))?;
    writeln!(out, "\nTo live it again: {}", same_life(args, campaign, seed))?;
    let spinner = ProgressBar::new_spinner().with_message("leaving out what it goes wrong without");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let (plan, _) = quietly(|| shrink(&failure.plan, &failure.violation, &campaign.timing));
    spinner.finish_and_clear();
    writeln!(out, "\nShrunk from {} troubles to {}:", failure.plan.trouble_count(), plan.trouble_count())?;
    write_lines(out, &troubles(&plan))?;
    let lines = quietly(|| trace(&plan, &campaign.timing))?;
    // Wherever the trace ends up, a violation was found: the exit status says so.
    match args.trace.as_ref().map(|path| (path, write_trace(path, &lines))) {
        Some((path, Ok(()))) => {
            writeln!(out, "\nIts trace is in {}.", path.display())?;
            return Ok(());
        }
        Some((_, Err(error))) => writeln!(out, "\n{error}. The end of it:")?,
        None => writeln!(out, "\nThe end of its trace (all of it with --trace FILE):")?,
    }
    write_lines(out, lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default())
}

/// The command by which a life is lived again.
fn same_life(args: &CheckArgs, campaign: &Campaign, seed: u64) -> String {
    let faults = format!("{:?}", campaign.faults).to_lowercase();
    let (pairs, hours) = (args.pairs, args.hours);
    let timings = args.timing.iter().map(|(name, length)| format!(" --timing {name}={}", length.0));
    let timings: String = timings.collect();
    format!("crsocket check --seed {seed} --pairs {pairs} --hours {hours} --faults {faults}{timings}")
}

/// A life that ends in a panic says so once: not each time that it is lived again.
fn quietly<T>(live_again: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let lived = live_again();
    panic::set_hook(hook);
    lived
}

fn troubles(plan: &Plan) -> Vec<String> {
    let rounds = plan.rounds.iter().enumerate();
    rounds
        .flat_map(|(number, round)| {
            round.troubles.iter().map(move |trouble| {
                let (at, length) = (trouble.at, trouble.length);
                format!("  round {number}, {at}, for {length}: client {}: {}", trouble.client, trouble.what)
            })
        })
        .collect()
}

fn write_trace(path: &PathBuf, lines: &[String]) -> Result<(), CheckError> {
    let text = lines.join("\n") + "\n";
    fs::write(path, text).map_err(|source| CheckError::Trace { path: path.clone(), source })
}

fn write_lines(out: &mut impl Write, lines: &[String]) -> Result<(), CheckError> {
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
