//! Arguments of `crsocket simulate`, and those that `crsocket load` shares with it.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{all_cores, timing};
use crate::protocol::ids::{AccessToken, AppId, ClientId};
use crate::protocol::time::Millis;

/// Who takes part, and where.
#[derive(Debug, Args)]
pub struct CrowdArgs {
    /// How many pairs; by default as many as the scenario says, else 1000, or none where `simulate` has single --controllers or
    /// --responders.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=500_000))]
    pub pairs: Option<u32>,
    /// What the clients do and what happens to them; config/scenarios/ has examples. Without one, nothing happens to them; `load`
    /// lets them run trials, `simulate` lets pairs be there and single clients answer.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// The address below which /crsocket/APP/ lies, such as http://127.0.0.1:8080. Without one, the server is in this process.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Root certificates to trust instead of the system's, as a PEM file.
    #[arg(long, value_name = "FILE", requires = "server")]
    pub root_certificates: Option<PathBuf>,
    /// The app.
    #[arg(long, value_name = "NAME", default_value = "demo", value_parser = AppId::parse)]
    pub app: AppId,
    /// An accessToken; where a scenario changes tokens, the next one is taken, so several may be given.
    #[arg(long, value_name = "TOKEN", default_value = "demo", value_parser = token, hide_default_value = true)]
    pub token: Vec<AccessToken>,
    /// ClientIds to use instead of asking the server for each: the first and the last of a range, both included.
    #[arg(long, value_name = "FROM-TO", value_parser = client_ids)]
    pub client_ids: Option<ClientIdRange>,
    /// Over how long the pairs come, in seconds; by default 2,000 pairs a second come to a server elsewhere (fewer where it has to be
    /// asked for clientIds), 12,000 a second here.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub ramp: Option<Duration>,
    /// The same seed gives the same plan: who does what when, and what happens to whom.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// On how many threads the clients live; by default on all cores.
    #[arg(long, value_name = "N", default_value_t = all_cores())]
    pub threads: NonZero<usize>,
    /// A timing of the crSockets other than its default, in milliseconds: `--timing min_cr_event_dt=100`. As often as needed.
    #[arg(long, value_name = "NAME=MS", value_parser = timing)]
    pub timing: Vec<(String, Millis)>,
    /// Writes the figures to this file at the end.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What is simulated.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Who takes part, and where.
    #[command(flatten)]
    pub crowd: CrowdArgs,
    /// Single controllers besides, each without a partner.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=500_000))]
    pub controllers: u32,
    /// Single responders besides: their clientIds are printed, for controllers elsewhere to pair with.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=500_000))]
    pub responders: u32,
    /// Ends by itself after so many seconds.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Serves the admin page and API of this process's server here. As often as needed.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8081", conflicts_with = "server")]
    pub admin: Vec<String>,
}

/// The clientIds from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIdRange {
    /// The first.
    pub from: ClientId,
    /// The last.
    pub to: ClientId,
}

fn client_ids(text: &str) -> Result<ClientIdRange, String> {
    const ACCEPTED: &str =
        "two clientIds of six digits, such as 100000-119999, the first not above the second";
    let (from, to) = text.split_once('-').ok_or(ACCEPTED)?;
    let parse = |text| ClientId::parse(text).map_err(|_| ACCEPTED);
    let (from, to) = (parse(from)?, parse(to)?);
    if from.number() > to.number() {
        return Err(ACCEPTED.into());
    }
    Ok(ClientIdRange { from, to })
}

/// What is wrong with a token is said without the token.
fn token(text: &str) -> Result<AccessToken, String> {
    AccessToken::parse(text).map_err(|_| "it is no accessToken".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=1_000_000.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds, at most a million".into()),
    }
}
