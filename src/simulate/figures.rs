//! What a run measured, as the JSON says it. Lengths are in milliseconds where the name ends in `Ms`, else in seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What both commands write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// How long was measured, in seconds: without ramp and warm-up.
    pub seconds: f64,
    /// From the first crSocket's beginning until all of them were interacting for the first time, in seconds. None where
    /// they never were at once.
    pub seconds_until_all_interacting: Option<f64>,
    /// How the crSockets were at the end of what was measured.
    pub sockets: SocketFigures,
    /// Memory at the same moment.
    pub memory: MemoryFigures,
    /// Processor time while it was measured.
    pub cpu: CpuFigures,
    /// Timers, pings among them, over the whole run.
    pub pings: PingFigures,
    /// CrEvents of the enclosing clients. The counts are of the whole run, rates of what was measured.
    pub events: EventFigures,
    /// From the moment when an event was meant to be sent until the partner's enclosing client had it, while it was
    /// measured.
    pub latency_ms: Quantiles,
    /// From the moment when a trial was meant to begin until its response had come, in closed loop.
    pub trials_ms: Quantiles,
    /// How much later than meant the enclosing clients acted. It is in the latency, too.
    pub lag_ms: Quantiles,
    /// From a crSocket's beginning until it was connected for the first time.
    pub connect_ms: Quantiles,
    /// From the moment when both of a pair were connected until both were interacting, for the first time.
    pub pairing_ms: Quantiles,
    /// The share of all crSockets' time that was spent in each state, by the published names, while it was measured.
    pub share_of_time: BTreeMap<String, f64>,
    /// What was done to the clients on purpose.
    pub incidents: Vec<IncidentFigures>,
    /// When at least half of those that had been connected were not.
    pub outages: Vec<Outage>,
    /// What went wrong, by kind.
    pub errors: Vec<ErrorFigures>,
}

/// How many crSockets there are, and how they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketFigures {
    /// All.
    pub total: usize,
    /// Those that are interacting.
    pub interacting: usize,
    /// All, by the published names of their states.
    pub by_state: BTreeMap<String, usize>,
    /// How often one left interacting without an incident of its pair, over the whole run.
    pub left_interacting: u64,
}

/// Memory of this process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryFigures {
    /// The resident set.
    pub bytes: u64,
    /// What came since the start, for each crSocket.
    pub bytes_per_socket: u64,
}

/// Processor time of this process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CpuFigures {
    /// In cores.
    pub cores: f64,
    /// Of the thread that had most to do, in cores.
    pub busiest_thread: f64,
    /// Why this program was the bottleneck, in words; none where it was not.
    pub bottleneck: Option<String>,
}

/// How late timers were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PingFigures {
    /// The latest of all timers of the crSockets, in milliseconds; pings leave by one.
    pub max_late_ms: i64,
}

/// What became of the crEvents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFigures {
    /// That an enclosing client meant to send.
    pub intended: u64,
    /// That left their crSocket.
    pub sent: u64,
    /// That arrived at the partner's enclosing client, each counted once.
    pub received: u64,
    /// That arrived in a second, while it was measured.
    pub per_second: f64,
    /// That left, were not refused, and never arrived.
    pub lost: u64,
    /// Those of them that were on their way while nothing was done to their pair.
    pub lost_without_incident: u64,
    /// Arrivals of what had arrived before.
    pub duplicated: u64,
    /// That arrived after one that was sent later.
    pub out_of_order: u64,
    /// Arrivals of what nobody had sent so.
    pub unexpected: u64,
    /// That did not leave, because their crSocket did not take them, or let them go.
    pub not_sent: u64,
    /// That the server refused, and said so.
    pub refused: u64,
    /// That left without the server's answer.
    pub unconfirmed: u64,
}

/// The distribution of a length, in milliseconds; zeros where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantiles {
    /// Of so many.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Half of them were no longer.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// 999 of a thousand.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// One kind of incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentFigures {
    /// Its name in scenarios, such as `reload`.
    pub kind: String,
    /// How many began.
    pub count: u64,
    /// After how many of them both of the pair were interacting again.
    pub recovered: u64,
    /// From the end of what was done until then.
    pub recovery_ms: Quantiles,
}

/// A time in which the server could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outage {
    /// When it began, in seconds since the start.
    pub from: f64,
    /// When it ended, likewise; none where it had not.
    pub to: Option<f64>,
}

/// One kind of what went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorFigures {
    /// Such as `refused: 429`, `not sent: offline`, `aborted clientIdInUse`.
    pub kind: String,
    /// How often.
    pub count: u64,
}
