//! What the admin interface answers, as far as it is shown. Fields that are not named here are ignored; one that is missing
//! is an error, also where it may be `null`.

use serde::{Deserialize, Deserializer};

/// Of the server and its crSockets, at one time.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) stats: Stats,
    pub(super) waiting: Waiting,
}

/// `GET /admin/api/stats`. Times are milliseconds since 1970.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    pub(super) at: i64,
    pub(super) version: String,
    pub(super) uptime_ms: i64,
    pub(super) sockets: Sockets,
    pub(super) sessions: Sessions,
    pub(super) rates: Rates,
    pub(super) latency: Latency,
    pub(super) counters: Vec<Counter>,
    pub(super) process: Process,
    pub(super) latest_timer_ms: i64,
}

/// How many hosted crSockets there are.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sockets {
    pub(super) total: u64,
    pub(super) by_state: ByState,
    pub(super) by_app: Vec<ByApp>,
}

/// The published states.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ByState {
    pub(super) passive: u64,
    pub(super) ready_to_connect: u64,
    pub(super) connecting: u64,
    pub(super) ready_to_pair: u64,
    pub(super) searching: u64,
    pub(super) interacting: u64,
}

impl ByState {
    /// By their names, in the order in which a crSocket goes through them.
    pub(super) fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("passive", self.passive),
            ("readyToConnect", self.ready_to_connect),
            ("connecting", self.connecting),
            ("readyToPair", self.ready_to_pair),
            ("searching", self.searching),
            ("interacting", self.interacting),
        ]
    }
}

/// How many of an app and role are in a state.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ByApp {
    pub(super) app: String,
    pub(super) role: String,
    pub(super) state: String,
    pub(super) count: u64,
}

/// The sessions of the server, and what waits in their outputs and lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sessions {
    pub(super) total: u64,
    pub(super) reserved: u64,
    pub(super) hosted: u64,
    pub(super) endings: u64,
    pub(super) streams: u64,
    pub(super) output_bytes: u64,
    pub(super) line_bytes: u64,
}

/// A second, over the last second.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rates {
    pub(super) events_accepted: f64,
    pub(super) events_dropped: f64,
    pub(super) sessions_began: f64,
    pub(super) transitions: f64,
}

/// From accepted to written, in microseconds. Of no event there is no percentile.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    pub(super) count: u64,
    #[serde(deserialize_with = "nullable")]
    pub(super) p50_us: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) p90_us: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) p99_us: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) p999_us: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) max_us: Option<f64>,
}

/// A counter that is not zero.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counter {
    pub(super) family: String,
    pub(super) reason: String,
    pub(super) count: u64,
    pub(super) per_second: f64,
}

impl Counter {
    /// Whether it counts events that did not get where they should.
    pub(super) fn is_loss(&self) -> bool {
        ["events_dropped", "events_refused", "events_lost", "events_without_effect", "replies_lost"]
            .contains(&self.family.as_str())
    }
}

/// The process, as far as its system tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process {
    #[serde(deserialize_with = "nullable")]
    pub(super) memory_bytes: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) cpu_seconds: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) cpu_cores: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) open_files: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) threads: Option<u64>,
}

/// `GET /admin/api/sockets` of those that are not interacting, longest first, and how many there are.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Waiting {
    pub(super) sockets: Vec<Socket>,
    pub(super) total: u64,
}

/// A hosted crSocket.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Socket {
    pub(super) socket_id: u64,
    pub(super) app: String,
    pub(super) role: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) client_id: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) partner_client_id: Option<String>,
    pub(super) state: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) sub_state: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) not_interacting_since: Option<i64>,
}

impl Socket {
    /// How long it has not been interacting, in milliseconds. `at` is of the same clock: the server's.
    pub(super) fn age(&self, at: i64) -> i64 {
        at.saturating_sub(self.not_interacting_since.unwrap_or(at)).max(0)
    }
}

/// A field that must be there, but may be `null`: serde takes one that is missing for `null` otherwise.
fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}
