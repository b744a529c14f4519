//! From arguments to a run: the server is found or started, the scenario read, the timings set.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::actors::host::{Published, Server};
use crate::actors::link::http::server::{BadServer, HttpServer, NotThere};
use crate::actors::registry::Registry;
use crate::cli::CrowdArgs;
use crate::metrics::Counters;
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::ids::{ClientId, Role};
use crate::protocol::time::{Millis, Timing, TimingError, UnknownTiming};
use crate::simulate::here::{self, Here, NoRegistry};
use crate::simulate::incident::{Incident, Trouble};
use crate::simulate::persona::Behaviour;
use crate::simulate::random::Random;
use crate::simulate::run::{ClientIds, RunSettings};
use crate::simulate::scenario::{Scenario, ScenarioError};

/// Pairs where neither arguments nor scenario say how many.
const PAIRS: u32 = 1_000;

/// How many pairs a second come to a server in this process.
const PACE_HERE: f64 = 12_000.0;

/// How many come to a server elsewhere.
const PACE: f64 = 2_000.0;

/// How many of them are given clientIds at that pace: a server gives 5,000 at once.
const AT_ONCE: f64 = 2_400.0;

/// How many come after them: a server gives 100 clientIds a second.
const PACE_ASKING: f64 = 45.0;

/// Why a run cannot be set up.
#[derive(Debug, Error)]
pub enum SetUpError {
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// `--timing` names none.
    #[error("--timing: {0}")]
    UnknownTiming(#[from] UnknownTiming),
    /// The timings contradict each other.
    #[error("--timing: {0}")]
    Timing(#[from] TimingError),
    /// The server's address, or the certificates to trust.
    #[error("--server: {0}")]
    Server(#[from] BadServer),
    /// There is no such server.
    #[error("--server: {0}")]
    NotThere(#[from] NotThere),
    /// The server of this process did not start.
    #[error(transparent)]
    NoRegistry(#[from] NoRegistry),
}

/// What the arguments of one command say besides those that both share.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Pairs, whatever the scenario says.
    pub pairs: Option<u32>,
    /// Single controllers.
    pub controllers: u32,
    /// Single responders.
    pub responders: u32,
    /// Least time between crEvents of one crSocket, where neither arguments nor scenario say it.
    pub default_spacing: Option<Millis>,
    /// The same, whatever the scenario says.
    pub spacing: Option<Millis>,
    /// Told the clientIds of single clients.
    pub named: Option<mpsc::UnboundedSender<(Role, ClientId)>>,
}

/// A run that can begin.
#[derive(Debug)]
pub struct SetUp {
    /// What it is made with.
    pub settings: RunSettings,
    /// The Registry, where the server is in this process.
    pub registry: Option<Addr<Registry>>,
}

/// The scenario that the arguments name.
///
/// # Errors
/// [`ScenarioError`].
pub fn scenario(args: &CrowdArgs, otherwise: Scenario) -> Result<Scenario, ScenarioError> {
    args.scenario.as_deref().map_or(Ok(otherwise), Scenario::read)
}

/// How many pairs: as many as the arguments say, or else these, or else as many as the scenario says.
pub fn pairs(args: &CrowdArgs, wanted: Option<u32>, scenario: &Scenario) -> u32 {
    args.pairs.or(wanted).or(scenario.pairs).unwrap_or(PAIRS)
}

/// Finds the server, or starts one.
///
/// # Errors
/// [`SetUpError`].
pub async fn set_up(args: &CrowdArgs, scenario: Scenario, wanted: Wanted) -> Result<SetUp, SetUpError> {
    let timing = timing(args, &scenario, &wanted)?;
    let pairs = pairs(args, wanted.pairs, &scenario);
    let clients = u64::from(pairs) * 2 + u64::from(wanted.controllers) + u64::from(wanted.responders);
    let (published, counters) = (Published::default(), Arc::<Counters>::default());
    let key = key(args.seed);
    let (server, registry) = match &args.server {
        Some(address) => {
            let server = match &args.root_certificates {
                Some(file) => HttpServer::with_root_certificates(address, file)?,
                None => HttpServer::new(address)?,
            };
            server.look(&args.app).await?;
            (Server::Http(server), None)
        }
        None => {
            let registry = here::start(Here {
                app: args.app.clone(),
                timing: timing.clone(),
                // Those that the simulation takes come first in the same sequence.
                client_ids: ClientIdSequence::new(key, clients, u64::MAX),
                rate: rate(&scenario),
                counters: Arc::clone(&counters),
                feed: Arc::clone(&published.feed),
            })
            .await?;
            (Server::Local(registry.clone()), Some(registry))
        }
    };
    let client_ids = match (&args.client_ids, &registry) {
        (Some(range), _) => ClientIds::Range(range.from.number()..=range.to.number()),
        (None, Some(_)) => ClientIds::Sequence(ClientIdSequence::new(key, 0, u64::MAX)),
        (None, None) => ClientIds::Asked,
    };
    let threads = threads(args, &scenario.troubles, pairs);
    let ramp = args.ramp.unwrap_or_else(|| ramp(pairs, &client_ids));
    let settings = RunSettings {
        scenario,
        seed: args.seed,
        pairs,
        controllers: wanted.controllers,
        responders: wanted.responders,
        ramp,
        app: args.app.clone(),
        tokens: args.token.clone(),
        client_ids,
        threads,
        timing,
        server,
        published,
        counters,
        named: wanted.named,
    };
    Ok(SetUp { settings, registry })
}

/// Flags before the scenario before the defaults.
fn timing(args: &CrowdArgs, scenario: &Scenario, wanted: &Wanted) -> Result<Timing, SetUpError> {
    let mut timing = Timing::default();
    timing.min_cr_event_dt = wanted.default_spacing.unwrap_or(timing.min_cr_event_dt);
    for (name, length) in scenario.timing.iter().chain(&args.timing) {
        timing.set(name, *length)?;
    }
    timing.min_cr_event_dt = wanted.spacing.unwrap_or(timing.min_cr_event_dt);
    timing.check()?;
    Ok(timing)
}

/// Events a second of the client that sends most by its timetable.
fn rate(scenario: &Scenario) -> f64 {
    let rate = |behaviour: Behaviour| match behaviour {
        Behaviour::Chatter { every } => 1.0 / every.mean().as_secs_f64().max(1e-6),
        Behaviour::Trials { .. } | Behaviour::Answers { .. } | Behaviour::Idle => 0.0,
    };
    rate(scenario.controller).max(rate(scenario.responder))
}

/// Pairs change partners with others of their thread.
fn threads(args: &CrowdArgs, troubles: &[Trouble], pairs: u32) -> usize {
    let swaps = troubles.iter().any(|trouble| trouble.what == Incident::PartnerChange);
    let most = usize::try_from(pairs / 2).unwrap_or(usize::MAX).max(1);
    if swaps { args.threads.get().min(most) } else { args.threads.get() }
}

fn ramp(pairs: u32, ids: &ClientIds) -> Duration {
    let pairs = f64::from(pairs);
    Duration::from_secs_f64(match ids {
        ClientIds::Sequence(_) => pairs / PACE_HERE,
        ClientIds::Range(_) => pairs / PACE,
        ClientIds::Asked => (pairs / PACE).max((pairs - AT_ONCE) / PACE_ASKING),
    })
}

/// The key of this process's clientIds.
fn key(seed: u64) -> [u8; 16] {
    let mut random = Random::named(seed, u64::MAX);
    let (one, other) = (random.next().to_le_bytes(), random.next().to_le_bytes());
    let mut key = [0; 16];
    for (place, byte) in key.iter_mut().zip(one.into_iter().chain(other)) {
        *place = byte;
    }
    key
}
