//! Arguments of `crsocket load`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::simulate::{CrowdArgs, seconds};

/// What is measured, and what must hold.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Who takes part, and where.
    #[command(flatten)]
    pub crowd: CrowdArgs,
    /// How long it is measured, in seconds; by default as long as the scenario says, or 30.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// How long the pairs do what they do before it is measured, in seconds.
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    pub warmup: Duration,
    /// Open loop: each pair sends so many events a second, whether they are answered or not, half of them from each side. Latency is measured
    /// from the moment when an event was due, so a server that stands still cannot hide. Without it the scenario counts (trials, where
    /// there is none): each trial waits for the one before.
    #[arg(long, value_name = "EVENTS", value_parser = rate)]
    pub rate: Option<f64>,
    /// Least time between crEvents of one crSocket, in milliseconds. By default none, unless the scenario says one: it is the server
    /// that is measured. (The default of the rules, in browsers, is 1000.)
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(i64).range(0..=60_000))]
    pub spacing: Option<i64>,
    /// Reloads a second, of all pairs together: a page goes, and comes back with the same clientId.
    #[arg(long, value_name = "RELOADS", default_value_t = 0.0, value_parser = rate_or_none)]
    pub churn: f64,
    /// Writes a page with charts to this file at the end: one file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// What must hold; otherwise the exit status is 1.
    #[command(flatten)]
    pub gates: GateArgs,
    /// Shows two reports (--json) side by side instead of measuring.
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"], exclusive = true)]
    pub compare: Option<Vec<PathBuf>>,
}

/// What must hold.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Gates (exit status 1 where one does not hold)")]
pub struct GateArgs {
    /// The median latency, such as 5ms.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_p50: Option<Duration>,
    /// Latency of nine in ten.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_p90: Option<Duration>,
    /// Latency of 99 in a hundred.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_p99: Option<Duration>,
    /// Latency of 999 in a thousand.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_p999: Option<Duration>,
    /// The longest latency.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_latency: Option<Duration>,
    /// Events that left and never arrived.
    #[arg(long, value_name = "N")]
    pub max_lost: Option<u64>,
    /// Events that arrived again.
    #[arg(long, value_name = "N")]
    pub max_duplicated: Option<u64>,
    /// Events that arrived after one that was sent later.
    #[arg(long, value_name = "N")]
    pub max_out_of_order: Option<u64>,
    /// Events that did not leave, or were refused.
    #[arg(long, value_name = "N")]
    pub max_failed: Option<u64>,
    /// Until all were interacting at once.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_until_all_interacting: Option<Duration>,
    /// Events that arrive in a second, at least.
    #[arg(long, value_name = "EVENTS", value_parser = rate)]
    pub min_throughput: Option<f64>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok(rate),
        _ => Err("more than 0 and at most a million a second".into()),
    }
}

fn rate_or_none(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(0.0) => Ok(0.0),
        _ => rate(text),
    }
}
