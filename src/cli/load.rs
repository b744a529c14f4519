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
    /// Shows two reports (--json) side by side instead of measuring.
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"], exclusive = true)]
    pub compare: Option<Vec<PathBuf>>,
    /// What must hold; otherwise the exit status is 1. Last, since what follows stands under the heading of these in the help.
    #[command(flatten)]
    pub gates: GateArgs,
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
        Ok(rate) if (0.001..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("more than 0: from 0.001 to 1,000,000 a second".into()),
    }
}

fn rate_or_none(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(0.0) => Ok(0.0),
        _ => rate(text).map_err(|accepted| format!("0, or {accepted}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn only_gates_stand_under_their_heading() {
        let cli = Cli::command();
        let load = cli.find_subcommand("load").unwrap();
        for arg in load.get_arguments() {
            let name = arg.get_long().unwrap();
            let is_gate = name.starts_with("max-") || name.starts_with("min-");
            assert_eq!(arg.get_help_heading().is_some(), is_gate, "--{name}: {:?}", arg.get_help_heading());
        }
        assert!(load.get_arguments().any(|arg| arg.get_long() == Some("compare")));
    }

    #[test]
    fn rates_are_bounded_at_both_ends() {
        for good in ["0.001", "1", "1e6", "1000000"] {
            assert!(rate(good).is_ok() && rate_or_none(good).is_ok(), "{good}");
        }
        for bad in ["1e-30", "0.0009", "1000000.1", "-1", "NaN", "inf", "", "x"] {
            assert_eq!(rate(bad).unwrap_err(), "more than 0: from 0.001 to 1,000,000 a second", "{bad}");
            assert_eq!(
                rate_or_none(bad).unwrap_err(),
                "0, or more than 0: from 0.001 to 1,000,000 a second",
                "{bad}"
            );
        }
        assert!(rate("0").is_err());
        assert_eq!(rate_or_none("0"), Ok(0.0));
        for flag in ["--rate", "--churn", "--min-throughput"] {
            let error = Cli::try_parse_from(["crsocket", "load", flag, "1e-30"]).unwrap_err().to_string();
            assert!(error.contains(flag) && error.contains("from 0.001 to 1,000,000 a second"), "{error}");
        }
    }
}
