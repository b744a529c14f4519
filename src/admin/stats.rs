//! `/admin/api/stats`: counts, rates and what the process takes. Looked at once a second for everybody who asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_web::get;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use utoipa::ToSchema;

use super::process::{self, Usage};
use super::{Admin, openapi};
use crate::actors::board::{Board, Count};
use crate::actors::clock::unix_millis;
use crate::actors::messages::{GetLoad, Load};
use crate::metrics::{Counter, Counters, Percentiles};
use crate::protocol::socket::State;

/// How often it is looked.
const LOOK_DT: Duration = Duration::from_secs(1);

/// How everything is.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    /// When, in milliseconds since 1970.
    pub(super) at: i64,
    /// Of crsocket.
    pub(super) version: &'static str,
    /// When the process began, in milliseconds since 1970.
    pub(super) started_at: i64,
    pub(super) uptime_ms: i64,
    pub(super) sockets: SocketCounts,
    pub(super) sessions: SessionCounts,
    /// A second, over the last second.
    pub(super) rates: Rates,
    /// From the acceptance of a crEvent until it is written, over the last half minute to minute.
    pub(super) latency: LatencyView,
    /// Those that are not zero.
    pub(super) counters: Vec<CounterView>,
    pub(super) process: Usage,
    /// How late the latest timer of a crSocket was within the last second: more than a few milliseconds say that there is
    /// too much to do.
    pub(super) latest_timer_ms: i64,
}

/// The crSockets of this process.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocketCounts {
    pub(super) total: usize,
    /// All six published states.
    pub(super) by_state: BTreeMap<&'static str, usize>,
    pub(super) by_app: Vec<AppCount>,
}

/// The crSockets of one app in one role and state.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AppCount {
    pub(super) app: String,
    pub(super) role: &'static str,
    pub(super) state: &'static str,
    pub(super) count: usize,
}

/// What the Registry has.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionCounts {
    pub(super) total: usize,
    /// Those of crSockets of this process.
    pub(super) hosted: usize,
    /// ClientIds that are kept for the users of their last sessions.
    pub(super) reserved: usize,
    /// Streams that have ended and were not read to their end.
    pub(super) endings: usize,
    pub(super) streams: usize,
    /// Bytes of crEvents in all outputs.
    pub(super) output_bytes: usize,
    /// Bytes in all waiting lines.
    pub(super) line_bytes: usize,
    /// CrEvents in all waiting lines.
    pub(super) waiting_events: usize,
}

/// A second.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rates {
    pub(super) events_accepted: f64,
    pub(super) events_dropped: f64,
    pub(super) sessions_began: f64,
    /// Changes of state of crSockets.
    pub(super) transitions: f64,
}

/// Percentiles, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LatencyView {
    /// Of so many crEvents.
    pub(super) count: u64,
    pub(super) p50_us: u64,
    pub(super) p90_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    pub(super) max_us: u64,
}

/// One counter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CounterView {
    pub(super) family: &'static str,
    /// Empty where there is one kind only.
    pub(super) reason: &'static str,
    pub(super) count: u64,
    pub(super) per_second: f64,
}

/// How everything is: counts by state and app, rates, latency, counters, memory and processor time.
#[utoipa::path(operation_id = "getStats", tag = openapi::SERVER, responses((status = 200, description = "As of the last second.", body = Stats)))]
#[get("/stats")]
pub(super) async fn get(admin: Data<Admin>) -> Json<Stats> {
    Json(Stats::clone(&admin.stats.load()))
}

/// Looks once a second, as long as the admin part is there.
pub(super) struct Sampler {
    admin: Weak<Admin>,
    started: Instant,
    started_at: i64,
    last: Last,
}

/// What was seen last.
struct Last {
    at: Instant,
    counts: Vec<u64>,
    transitions: u64,
    cpu_seconds: f64,
    load: Load,
}

impl Sampler {
    pub(super) fn new(admin: &Arc<Admin>) -> Sampler {
        let now = Instant::now();
        let last = Last {
            at: now,
            counts: Vec::new(),
            transitions: 0,
            cpu_seconds: process::usage().cpu_seconds,
            load: Load::default(),
        };
        Sampler { admin: Arc::downgrade(admin), started: now, started_at: unix_millis().unwrap_or(0), last }
    }

    pub(super) async fn run(mut self) {
        let mut look = interval(LOOK_DT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let Some(admin) = self.admin.upgrade() else { return };
            // Without an answer the sessions stand as they did.
            if let Ok(load) = admin.ask(GetLoad).await {
                self.last.load = load;
            }
            let load = self.last.load;
            let stats = self.look(&admin, &load);
            admin.stats.store(Arc::new(stats));
        }
    }

    fn look(&mut self, admin: &Admin, load: &Load) -> Stats {
        let parts = &admin.parts;
        let now = Instant::now();
        let seconds = now.duration_since(self.last.at).as_secs_f64().max(0.001);
        let rate = |more: u64| precise(more) / seconds;
        let counts: Vec<u64> = Counter::ALL.iter().map(|counter| parts.counters.get(*counter)).collect();
        let before = |place: usize| self.last.counts.get(place).copied().unwrap_or(0);
        let is_first = self.last.counts.is_empty();
        let counters: Vec<CounterView> = Counter::ALL
            .iter()
            .zip(&counts)
            .enumerate()
            .filter(|(_, (_, count))| **count > 0)
            .map(|(place, (counter, count))| CounterView {
                family: counter.family(),
                reason: counter.reason(),
                count: *count,
                per_second: if is_first { 0.0 } else { rate(count.saturating_sub(before(place))) },
            })
            .collect();
        let transitions = parts.published.feed.transitions();
        let mut process = process::usage();
        process.cpu_cores = ((process.cpu_seconds - self.last.cpu_seconds) / seconds).max(0.0);
        let sum = |family: &str| {
            counters
                .iter()
                .filter(|counter| counter.family == family)
                .map(|counter| counter.per_second)
                .fold(0.0, |sum, more| sum + more)
        };
        let stats = Stats {
            at: unix_millis().unwrap_or(0),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.started_at,
            uptime_ms: i64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(i64::MAX),
            sockets: SocketCounts::of(&parts.published.board),
            sessions: SessionCounts::of(load),
            rates: Rates {
                events_accepted: sum("events_accepted"),
                events_dropped: sum("events_dropped"),
                sessions_began: sum("sessions_began"),
                transitions: rate(transitions.saturating_sub(self.last.transitions)),
            },
            latency: LatencyView::of(&parts.counters),
            counters,
            process,
            latest_timer_ms: parts.host.latest_timer().0,
        };
        self.last = Last { at: now, counts, transitions, cpu_seconds: process.cpu_seconds, load: *load };
        stats
    }
}

#[allow(clippy::cast_precision_loss, reason = "rates are shown with a few digits")]
fn precise(number: u64) -> f64 {
    number as f64
}

impl SocketCounts {
    /// Counts without asking anybody.
    pub(super) fn of(board: &Board) -> SocketCounts {
        let mut by_state: BTreeMap<&'static str, usize> =
            State::NAMES.iter().map(|state| (*state, 0)).collect();
        let mut by_app: Vec<AppCount> = Vec::new();
        for Count { app, role, state, count } in board.count() {
            let (app, role, state) = (app.to_string(), role.as_str(), state.state());
            *by_state.entry(state).or_default() += count;
            // Those of one state with other subStates follow each other.
            match by_app.last_mut() {
                Some(last) if last.app == app && last.role == role && last.state == state => {
                    last.count += count;
                }
                _ => by_app.push(AppCount { app, role, state, count }),
            }
        }
        SocketCounts { total: by_state.values().sum(), by_state, by_app }
    }
}

impl SessionCounts {
    fn of(load: &Load) -> SessionCounts {
        SessionCounts {
            total: load.sessions,
            hosted: load.hosted,
            reserved: load.reservations,
            endings: load.endings,
            streams: load.streams,
            output_bytes: load.output_bytes,
            line_bytes: load.line_bytes,
            waiting_events: load.waiting_events,
        }
    }
}

impl LatencyView {
    fn of(counters: &Counters) -> LatencyView {
        let Percentiles { count, p50, p90, p99, p999, max } = counters.latency().percentiles();
        LatencyView { count, p50_us: p50, p90_us: p90, p99_us: p99, p999_us: p999, max_us: max }
    }
}
