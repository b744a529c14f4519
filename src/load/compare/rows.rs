//! The lines of a comparison.

use std::collections::BTreeSet;

use crate::load::report::{Report, Setting};
use crate::load::table::states;
use crate::load::words::{NONE, bytes, count, digits, ms, number, rate, seconds, sending, share, short};
use crate::simulate::figures::{IncidentFigures, Quantiles};

/// Kinds of incidents and errors that are listed.
const MOST_KINDS: usize = 12;

/// Below this share a length or a rate is about the same: two runs are never equal.
const NOISE: f64 = 0.02;

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) label: String,
    /// Of A and B.
    pub(super) shown: [String; 2],
    /// B next to A, and whether that is better.
    pub(super) change: String,
}

/// What is better.
#[derive(Clone, Copy)]
enum Better {
    Less,
    More,
    Neither,
}

/// One of the figures of a distribution.
type Length = fn(&Quantiles) -> f64;

/// How a figure is shown, and whether every single one of it counts.
#[derive(Clone, Copy)]
enum Kind {
    Count,
    Millis,
    Seconds,
    Rate,
    Cores,
    Bytes,
    Share,
}

impl Kind {
    fn shown(self, value: f64) -> String {
        match self {
            Kind::Count => number(value),
            Kind::Millis => ms(value),
            Kind::Seconds => seconds(value),
            Kind::Rate => format!("{}/s", rate(value)),
            Kind::Cores => format!("{value:.2}"),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it came from a u64")]
            Kind::Bytes => bytes(value as u64),
            Kind::Share => share(value),
        }
    }
}

/// What was asked for, by name.
pub(super) fn settings(setting: &Setting) -> [(&'static str, String); 13] {
    let seconds = crate::load::words::round_seconds;
    let text = |text: &str| short(text, 70);
    [
        ("server", setting.server.as_deref().map_or_else(|| "in the same process".to_owned(), text)),
        ("app", text(&setting.app)),
        ("scenario", text(&setting.scenario)),
        ("its description", text(&setting.description)),
        ("pairs", count(u64::from(setting.pairs))),
        ("ramp", seconds(setting.ramp_seconds)),
        ("warm-up", seconds(setting.warmup_seconds)),
        ("measured", seconds(setting.seconds)),
        ("sending", sending(setting)),
        ("churn", format!("{} reloads/s", number(setting.churn))),
        ("spacing", format!("{} ms", setting.spacing_ms)),
        ("threads", setting.threads.to_string()),
        ("seed", setting.seed.to_string()),
    ]
}

/// All figures.
pub(super) fn rows(reports: [&Report; 2]) -> Vec<Row> {
    let mut rows = events(reports);
    rows.extend(lengths(reports));
    rows.extend(sockets(reports));
    rows.extend(incidents(reports));
    rows.extend(resources(reports));
    rows.extend(errors(reports));
    rows
}

fn events(reports: [&Report; 2]) -> Vec<Row> {
    let [a, b] = reports.map(|report| &report.figures.events);
    let mut rows = vec![
        row("events intended", Kind::Count, Better::Neither, [a.intended, b.intended].map(float)),
        row("events sent", Kind::Count, Better::Neither, [a.sent, b.sent].map(float)),
        row("events received", Kind::Count, Better::Neither, [a.received, b.received].map(float)),
        row("events a second", Kind::Rate, Better::More, [a.per_second, b.per_second].map(Some)),
    ];
    for (label, values) in [
        ("lost", [a.lost, b.lost]),
        ("lost without an incident", [a.lost_without_incident, b.lost_without_incident]),
        ("duplicated", [a.duplicated, b.duplicated]),
        ("out of order", [a.out_of_order, b.out_of_order]),
        ("unexpected", [a.unexpected, b.unexpected]),
        ("not sent", [a.not_sent, b.not_sent]),
        ("refused", [a.refused, b.refused]),
        ("unconfirmed", [a.unconfirmed, b.unconfirmed]),
    ] {
        rows.push(row(label, Kind::Count, Better::Less, values.map(float)));
    }
    rows
}

fn lengths(reports: [&Report; 2]) -> Vec<Row> {
    let [a, b] = reports.map(|report| &report.figures);
    let all = [
        ("latency", &a.latency_ms, &b.latency_ms),
        ("trials", &a.trials_ms, &b.trials_ms),
        ("clients' lag", &a.lag_ms, &b.lag_ms),
        ("connect", &a.connect_ms, &b.connect_ms),
        ("pairing", &a.pairing_ms, &b.pairing_ms),
    ];
    all.into_iter().flat_map(|(label, a, b)| quantiles(label, [Some(a), Some(b)])).collect()
}

/// p50, p99 and the longest, of latency also p90 and p99.9; nothing where neither has any.
fn quantiles(label: &str, both: [Option<&Quantiles>; 2]) -> Vec<Row> {
    if both.into_iter().flatten().all(|quantiles| quantiles.count == 0) {
        return Vec::new();
    }
    let of: [(&str, Length); 5] = [
        ("p50", |quantiles| quantiles.p50),
        ("p90", |quantiles| quantiles.p90),
        ("p99", |quantiles| quantiles.p99),
        ("p99.9", |quantiles| quantiles.p999),
        ("max", |quantiles| quantiles.max),
    ];
    let wanted = |name: &str| label == "latency" || !["p90", "p99.9"].contains(&name);
    of.into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, get)| {
            let values = both.map(|one| one.filter(|quantiles| quantiles.count > 0).map(get));
            row(&format!("{label} {name}"), Kind::Millis, Better::Less, values)
        })
        .collect()
}

fn sockets(reports: [&Report; 2]) -> Vec<Row> {
    let [a, b] = reports.map(|report| &report.figures);
    let interacting = [a, b].map(|figures| float_of(figures.sockets.interacting));
    let until = [a.seconds_until_all_interacting, b.seconds_until_all_interacting];
    let left = [a.sockets.left_interacting, b.sockets.left_interacting].map(float);
    let mut rows = vec![
        row("until all interacting", Kind::Seconds, Better::Less, until),
        row("interacting at the end", Kind::Count, Better::Neither, interacting),
        row("left interacting by themselves", Kind::Count, Better::Less, left),
    ];
    let names: BTreeSet<&str> = [a, b]
        .into_iter()
        .flat_map(|figures| states(&figures.share_of_time))
        .map(|(state, _)| state)
        .collect();
    for state in names {
        let better = if state == "interacting" { Better::More } else { Better::Neither };
        let values = [a, b].map(|figures| Some(figures.share_of_time.get(state).copied().unwrap_or(0.0)));
        rows.push(row(&format!("time in {}", short(state, 24)), Kind::Share, better, values));
    }
    rows
}

fn incidents(reports: [&Report; 2]) -> Vec<Row> {
    let all = reports.map(|report| report.figures.incidents.as_slice());
    let kinds: BTreeSet<&str> = all.into_iter().flatten().map(|incident| incident.kind.as_str()).collect();
    let mut rows = Vec::new();
    for kind in kinds.into_iter().take(MOST_KINDS) {
        let both = all.map(|incidents| incidents.iter().find(|incident| incident.kind == kind));
        let label = short(kind, 18);
        let number = |of: fn(&IncidentFigures) -> u64| both.map(|one| float(one.map_or(0, of)));
        rows.push(row(&label, Kind::Count, Better::Neither, number(|incident| incident.count)));
        let lasting = number(|incident| incident.count.saturating_sub(incident.recovered));
        rows.push(row(&format!("{label} not recovered"), Kind::Count, Better::Less, lasting));
        rows.extend(quantiles(&label, both.map(|one| one.map(|incident| &incident.recovery_ms))));
    }
    let outages = reports.map(|report| float_of(report.figures.outages.len()));
    rows.push(row("outages", Kind::Count, Better::Less, outages));
    rows
}

fn resources(reports: [&Report; 2]) -> Vec<Row> {
    let [a, b] = reports.map(|report| &report.figures);
    let late = [a, b].map(|figures| u64::try_from(figures.pings.max_late_ms).ok().and_then(float));
    vec![
        row("cores", Kind::Cores, Better::Less, [Some(a.cpu.cores), Some(b.cpu.cores)]),
        row(
            "cores of the busiest thread",
            Kind::Cores,
            Better::Less,
            [a, b].map(|figures| Some(figures.cpu.busiest_thread)),
        ),
        row("memory", Kind::Bytes, Better::Less, [a.memory.bytes, b.memory.bytes].map(float)),
        row(
            "memory of a crSocket",
            Kind::Bytes,
            Better::Less,
            [a, b].map(|figures| float(figures.memory.bytes_per_socket)),
        ),
        row("latest timer", Kind::Millis, Better::Less, late),
    ]
}

fn errors(reports: [&Report; 2]) -> Vec<Row> {
    let all = reports.map(|report| report.figures.errors.as_slice());
    let kinds: BTreeSet<&str> = all.into_iter().flatten().map(|error| error.kind.as_str()).collect();
    let of = |kind: &str| {
        all.map(|errors| errors.iter().find(|error| error.kind == kind).map_or(0, |error| error.count))
    };
    let mut rows: Vec<Row> = kinds
        .iter()
        .take(MOST_KINDS)
        .map(|kind| {
            row(&format!("error {}", short(kind, 27)), Kind::Count, Better::Less, of(kind).map(float))
        })
        .collect();
    if kinds.len() > MOST_KINDS {
        let sums = kinds
            .iter()
            .skip(MOST_KINDS)
            .map(|kind| of(kind))
            .fold([0_u64; 2], |[a, b], [more_a, more_b]| {
                [a.saturating_add(more_a), b.saturating_add(more_b)]
            });
        let label = format!("errors of {} kinds more", kinds.len() - MOST_KINDS);
        rows.push(row(&label, Kind::Count, Better::Less, sums.map(float)));
    }
    rows
}

fn row(label: &str, kind: Kind, better: Better, values: [Option<f64>; 2]) -> Row {
    let shown = values.map(|value| value.map_or_else(|| NONE.to_owned(), |value| kind.shown(value)));
    let change = match values {
        [Some(a), Some(b)] => change(kind, better, a, b),
        _ => String::new(),
    };
    Row { label: label.to_owned(), shown, change }
}

/// B next to A: the difference, and which is better.
fn change(kind: Kind, better: Better, a: f64, b: f64) -> String {
    if a == b {
        return "=".to_owned();
    }
    // In two runs a length or a rate is never quite the same; of a count every one counts.
    if !matches!(kind, Kind::Count | Kind::Share) && a != 0.0 && ((b - a) / a).abs() < NOISE {
        return "about the same".to_owned();
    }
    let word = match (better, b > a) {
        (Better::Neither, _) => "",
        (Better::Less, false) | (Better::More, true) => " better",
        (Better::Less, true) | (Better::More, false) => " worse",
    };
    format!("{:<17}{word}", difference(kind, a, b))
}

fn difference(kind: Kind, a: f64, b: f64) -> String {
    let sign = if b > a { "+" } else { "-" };
    match kind {
        Kind::Share => return format!("{sign}{:.2} points", (b - a).abs() * 100.0),
        Kind::Count => return format!("{sign}{}{}", number((b - a).abs()), percent(a, b)),
        Kind::Millis | Kind::Seconds | Kind::Rate | Kind::Cores | Kind::Bytes => {}
    }
    if a <= 0.0 {
        return format!("{sign}{}", kind.shown((b - a).abs()));
    }
    match b / a {
        times if times >= 3.0 => format!("{} times", digits(times)),
        times => format!("{sign}{:.0} %", ((times - 1.0) * 100.0).abs()),
    }
}

/// Of a count that had been there.
fn percent(a: f64, b: f64) -> String {
    let percent = (b - a) / a * 100.0;
    let shown = a > 0.0 && (0.05..1_000.0).contains(&percent.abs());
    if shown { format!(" ({percent:+.1} %)") } else { String::new() }
}

#[allow(clippy::cast_precision_loss, reason = "what is shown is rounded")]
fn float(count: u64) -> Option<f64> {
    Some(count as f64)
}

fn float_of(count: usize) -> Option<f64> {
    u64::try_from(count).ok().and_then(float)
}
