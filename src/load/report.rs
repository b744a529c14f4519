//! The report of a load test, as the JSON says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::simulate::figures::Figures;

/// What stands in `format`.
pub const FORMAT: &str = "crsocket-load-1";

/// A load test, what it was and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// Of the program that wrote it.
    pub version: String,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// What was asked for.
    pub setting: Setting,
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
    /// The latency by percentile, from 0 to 100, ascending; for a curve.
    pub percentiles: Vec<PercentilePoint>,
    /// All of it over time.
    pub series: Series,
    /// What had to hold.
    pub gates: Vec<Gate>,
    /// What whoever reads the figures should know.
    pub warnings: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// The server's address; none where it was in the same process.
    pub server: Option<String>,
    /// The app.
    pub app: String,
    /// The name of the scenario.
    pub scenario: String,
    /// What it says of itself.
    pub description: String,
    /// Of the plan.
    pub seed: u64,
    /// How many pairs.
    pub pairs: u32,
    /// Over how long they came, in seconds.
    pub ramp_seconds: f64,
    /// How long they were warmed up then, in seconds.
    pub warmup_seconds: f64,
    /// How long it was to be measured, in seconds.
    pub seconds: f64,
    /// Events a second of each pair, in open loop; none where the scenario says when they are due.
    pub rate_per_pair: Option<f64>,
    /// Whether events were due by a timetable, not after each response.
    #[serde(default)]
    pub open_loop: bool,
    /// Reloads a second of all pairs together.
    pub churn: f64,
    /// Least time between crEvents of one crSocket, in milliseconds.
    pub spacing_ms: i64,
    /// Threads that hosted the crSockets.
    pub threads: usize,
}

/// A point of the curve of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PercentilePoint {
    /// From 0 to 100.
    pub percentile: f64,
    /// So many of a hundred took no longer than this.
    pub ms: f64,
}

/// All of it over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// How long each point stands for, in seconds.
    pub interval: f64,
    /// When measuring began, in seconds since the start.
    pub measured_from: f64,
    /// When it ended, likewise.
    pub measured_to: f64,
    /// One after the other.
    pub points: Vec<Point>,
}

/// One interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Its end, in seconds since the start.
    pub at: f64,
    /// CrEvents that left in it.
    pub sent: u64,
    /// Those that arrived in it.
    pub received: u64,
    /// Latency of those that arrived in it; none where none did.
    pub p50_ms: Option<f64>,
    /// Likewise.
    pub p99_ms: Option<f64>,
    /// Likewise.
    pub max_ms: Option<f64>,
    /// CrSockets by the published names of their states, at its end.
    pub states: BTreeMap<String, usize>,
    /// Processor time in it, in cores.
    pub cores: f64,
    /// Resident memory at its end, in bytes.
    pub memory_bytes: u64,
    /// How many incidents of each kind began in it.
    pub incidents: BTreeMap<String, u64>,
    /// What went wrong in it.
    pub errors: u64,
}

/// Something that had to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The flag, such as `--max-p99`.
    pub flag: String,
    /// What was accepted at most (or at least, where the flag says `min`).
    pub limit: f64,
    /// What was seen; none where there was nothing to see, and then it did not hold.
    pub seen: Option<f64>,
    /// Of both: `ms`, `s`, `events`, `events/s`.
    pub unit: String,
    /// Whether it held.
    pub passed: bool,
}
