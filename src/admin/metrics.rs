//! `/metrics`, in Prometheus' text format. No clientId is in any label.

use std::collections::BTreeMap;
use std::fmt;

use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Admin;
use super::process::{self, Usage};
use crate::actors::board::Count;
use crate::actors::messages::{GetLoad, Load};
use crate::metrics::{BUCKETS, Counter, Cumulated, MsgKind, MsgOutcome};
use crate::problem::Problem;

/// What a scrape sees.
#[derive(Debug)]
struct Scrape {
    sockets: Vec<Count>,
    load: Load,
    msg_events: Vec<(MsgKind, MsgOutcome, u64)>,
    counters: Vec<(Counter, u64)>,
    latency: Cumulated,
    latest_timer_ms: i64,
    process: Usage,
    started: f64,
}

/// Answers a scrape.
pub(super) async fn answer(admin: Data<Admin>) -> Result<impl Responder, Problem> {
    let load = admin.ask(GetLoad).await?;
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape::of(&admin, load)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)
        .map_err(|_| Problem::not_now("the metrics cannot be written", 1))?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

impl Scrape {
    fn of(admin: &Admin, load: Load) -> Scrape {
        let parts = &admin.parts;
        let msg_events = MsgKind::ALL.into_iter().flat_map(|kind| {
            MsgOutcome::ALL.map(|outcome| (kind, outcome, parts.counters.msg_events().get(kind, outcome)))
        });
        let stats = admin.stats.load();
        Scrape {
            sockets: parts.published.board.count(),
            load,
            msg_events: msg_events.collect(),
            counters: Counter::ALL.iter().map(|counter| (*counter, parts.counters.get(*counter))).collect(),
            latency: parts.counters.latency().cumulated(),
            latest_timer_ms: stats.latest_timer_ms,
            process: process::usage(),
            started: seconds_of(stats.started_at),
        }
    }

    fn sockets(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        // What differs in its subState alone is one state here.
        let mut counts: BTreeMap<[&str; 3], i64> = BTreeMap::new();
        for Count { app, role, state, count } in &self.sockets {
            let labels = [app.as_str(), role.as_str(), state.state()];
            *counts.entry(labels).or_default() += whole(*count);
        }
        let help = "CrSockets of this process by app, role and state";
        let mut family = to.encode_descriptor("crsocket_sockets", help, None, MetricType::Gauge)?;
        for ([app, role, state], count) in counts {
            let labels = [("app", app), ("role", role), ("state", state)];
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn sessions(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let hosted = self.load.hosted.min(self.load.sessions);
        let help = "Sessions, by whether their clients are crSockets of this process";
        let mut family = to.encode_descriptor("crsocket_sessions", help, None, MetricType::Gauge)?;
        for (is_hosted, count) in [("true", hosted), ("false", self.load.sessions - hosted)] {
            ConstGauge::new(whole(count)).encode(family.encode_family(&[("hosted", is_hosted)])?)?;
        }
        Ok(())
    }

    fn gauges(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Load { reservations, endings, streams, output_bytes, line_bytes, waiting_events, .. } = self.load;
        for (name, help, value) in [
            (
                "crsocket_reserved_client_ids",
                "ClientIds kept for the users of their last sessions",
                reservations,
            ),
            ("crsocket_ending_streams", "Streams that have ended and were not read to their end", endings),
            ("crsocket_streams", "Event streams that are written to or waited for", streams),
            ("crsocket_output_bytes", "Bytes of crEvents in all outputs", output_bytes),
            ("crsocket_line_bytes", "Bytes of crEvents in all waiting lines", line_bytes),
            ("crsocket_waiting_events", "CrEvents in all waiting lines", waiting_events),
        ] {
            gauge(to, name, help, whole(value))?;
        }
        let help = "How late the latest timer of a crSocket was within a second";
        let late = seconds_of(self.latest_timer_ms);
        let encoder = to.encode_descriptor("crsocket_latest_timer_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(late).encode(encoder)
    }

    fn events(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help =
            "MsgEvents that were sent to the server, by type (other: the enclosing clients' own) and outcome";
        let mut family = to.encode_descriptor("crsocket_events", help, None, MetricType::Counter)?;
        for (kind, outcome, count) in &self.msg_events {
            let labels = [("type", kind.as_str()), ("outcome", outcome.as_str())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Each family as one metric, with a label where it has reasons.
    fn counters(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut at = 0;
        while let Some((first, _)) = self.counters.get(at) {
            let family = first.family();
            let of_family = |(counter, _): &&(Counter, u64)| counter.family() == family;
            let counters: Vec<_> = self.counters.iter().skip(at).take_while(of_family).collect();
            let name = format!("crsocket_{family}");
            let mut encoder = to.encode_descriptor(&name, first.help(), None, MetricType::Counter)?;
            for (counter, count) in &counters {
                let count = ConstCounter::new(*count);
                match counter.reason() {
                    "" => one(&count, &mut encoder, &NO_LABELS)?,
                    reason => one(&count, &mut encoder, &[("reason", reason)])?,
                }
            }
            at += counters.len();
        }
        Ok(())
    }

    fn latency(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "From the acceptance of a crEvent until it is written";
        let mut encoder =
            to.encode_descriptor("crsocket_routing_seconds", help, None, MetricType::Histogram)?;
        // The one without a bound follows from the count of all.
        let bounds = BUCKETS.iter().map(|micros| seconds_of_micros(*micros));
        let buckets: Vec<(f64, u64)> = bounds.zip(self.latency.counts).collect();
        let count = self.latency.counts.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(seconds_of_micros(self.latency.sum), count, &buckets, None)
    }

    fn process(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Usage { memory_bytes, cpu_seconds, open_files, threads, .. } = self.process;
        let help = "Processor time since the start";
        let encoder = to.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
        ConstCounter::new(cpu_seconds).encode(encoder)?;
        let memory = i64::try_from(memory_bytes).unwrap_or(i64::MAX);
        gauge(to, "process_resident_memory_bytes", "Memory: the resident set", memory)?;
        gauge(to, "process_open_fds", "Open files, connections among them", whole(open_files))?;
        gauge(to, "process_threads", "Threads", threads)?;
        let help = "When the process began, in seconds since 1970";
        let encoder = to.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(self.started).encode(encoder)
    }
}

impl Collector for Scrape {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        self.sockets(&mut to)?;
        self.sessions(&mut to)?;
        self.gauges(&mut to)?;
        self.events(&mut to)?;
        self.counters(&mut to)?;
        self.latency(&mut to)?;
        self.process(&mut to)
    }
}

const NO_LABELS: [(&str, &str); 0] = [];

fn one(
    metric: &impl EncodeMetric,
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
) -> fmt::Result {
    metric.encode(family.encode_family(labels)?)
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> fmt::Result {
    ConstGauge::new(value).encode(to.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "times are shown with a few digits")]
fn seconds_of(millis: i64) -> f64 {
    millis as f64 / 1e3
}

#[allow(clippy::cast_precision_loss, reason = "times are shown with a few digits")]
fn seconds_of_micros(micros: u64) -> f64 {
    micros as f64 / 1e6
}
