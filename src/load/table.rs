//! A report at the terminal: some thirty lines, 100 columns at most.

use std::io::{self, Write};

use super::gates::why_unseen;
use super::report::{Gate, Report, Setting};
use super::verdict::{verdict, warnings};
use super::words::{
    NONE, bytes, calendar, count, counted, left_out, limit_of_gate, ms, number, of_gate, part, plain, rate,
    round_seconds, seconds, sending, share, short, size,
};
use crate::protocol::socket::State;
use crate::simulate::figures::{ErrorFigures, Figures, IncidentFigures, Outage, Quantiles};

/// Columns at most.
const WIDTH: usize = 100;

/// Of what stands before each line's figures.
const LABEL: usize = 13;

/// Kinds that are listed; the others are counted.
const MOST_KINDS: usize = 8;

/// Writes it.
///
/// # Errors
/// What `out` fails with.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let figures = &report.figures;
    heading(report, out)?;
    events(figures, out)?;
    lengths(figures, out)?;
    sockets(figures, out)?;
    incidents(&figures.incidents, out)?;
    outages(&figures.outages, out)?;
    errors(&figures.errors, out)?;
    resources(figures, out)?;
    for warning in warnings(report) {
        line("Warning", &warning, out)?;
    }
    gates(&report.gates, out)?;
    line("", &verdict(report).headline, out)
}

fn heading(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let Setting { app, server, scenario, pairs, .. } = &report.setting;
    let server = server.as_ref().map_or("a server in this process".to_owned(), |server| plain(server));
    let what = format!("{}, {} with {}", plain(app), counted(u64::from(*pairs), "pair"), plain(scenario));
    line("Load test", &format!("{what}, against {server}"), out)?;
    let measured = seconds(report.figures.seconds);
    let ended = if report.interrupted { " (ended before its time)" } else { "" };
    line("Measured", &format!("{measured}{ended} from {}", calendar(report.started_at)), out)?;
    line("Setting", &setting(&report.setting), out)
}

/// What was asked for, in a line.
pub(super) fn setting(setting: &Setting) -> String {
    let mut parts = vec![
        format!("ramp {}", round_seconds(setting.ramp_seconds)),
        format!("warm-up {}", round_seconds(setting.warmup_seconds)),
        format!("measuring {}", round_seconds(setting.seconds)),
        sending(setting),
        format!("spacing {} ms", number_of(setting.spacing_ms)),
    ];
    if setting.churn > 0.0 {
        parts.push(format!("churn {} reloads/s", number(setting.churn)));
    }
    parts.push(counted(u64::try_from(setting.threads).unwrap_or(u64::MAX), "thread"));
    parts.push(format!("seed {}", setting.seed));
    parts.join(", ")
}

fn number_of(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", count(value.unsigned_abs()))
}

fn events(figures: &Figures, out: &mut impl Write) -> io::Result<()> {
    let events = &figures.events;
    let through = format!(
        "{} intended, {} sent, {} received; {} a second",
        count(events.intended),
        count(events.sent),
        count(events.received),
        rate(events.per_second)
    );
    line("Events", &through, out)?;
    let of_sent = match part(events.lost, events.sent) {
        percent if percent.is_empty() => String::new(),
        percent => format!(" ({percent}; {} without an incident)", count(events.lost_without_incident)),
    };
    let arrived = format!(
        "{} lost{of_sent}, {} duplicated, {} out of order",
        count(events.lost),
        count(events.duplicated),
        count(events.out_of_order)
    );
    line("", &arrived, out)?;
    let failed = format!(
        "{} unexpected, {} not sent, {} refused, {} unconfirmed",
        count(events.unexpected),
        count(events.not_sent),
        count(events.refused),
        count(events.unconfirmed)
    );
    line("", &failed, out)
}

fn lengths(figures: &Figures, out: &mut impl Write) -> io::Result<()> {
    columns("", &["p50", "p90", "p99", "p99.9", "max", "mean", "of"].map(str::to_owned), out)?;
    for (label, quantiles) in [
        ("Latency", &figures.latency_ms),
        ("Trials", &figures.trials_ms),
        ("Clients' lag", &figures.lag_ms),
        ("Connect", &figures.connect_ms),
        ("Pairing", &figures.pairing_ms),
    ] {
        columns(label, &quantiles_in_words(quantiles), out)?;
    }
    match left_out(&figures.events) {
        Some(missing) => line("", &format!("Latency leaves out {missing}"), out),
        None => Ok(()),
    }
}

/// p50, p90, p99, p99.9, the longest, the mean, and of how many.
pub(super) fn quantiles_in_words(quantiles: &Quantiles) -> [String; 7] {
    let Quantiles { count: of, mean, p50, p90, p99, p999, max } = *quantiles;
    let [p50, p90, p99, p999, max, mean] =
        [p50, p90, p99, p999, max, mean].map(|length| if of == 0 { NONE.to_owned() } else { ms(length) });
    [p50, p90, p99, p999, max, mean, count(of)]
}

fn sockets(figures: &Figures, out: &mut impl Write) -> io::Result<()> {
    let sockets = &figures.sockets;
    let until = match figures.seconds_until_all_interacting {
        Some(until) => format!("all interacting after {}", seconds(until)),
        None => "never all interacting at once".to_owned(),
    };
    let at_end = format!(
        "{until}; at the end {} of {}; {} left it without an incident",
        size(sockets.interacting),
        size(sockets.total),
        count(sockets.left_interacting)
    );
    line("CrSockets", &at_end, out)?;
    let times: Vec<String> = states(&figures.share_of_time)
        .filter(|(_, part)| **part > 0.0)
        .map(|(state, part)| format!("{} {}", short(state, 24), share(*part)))
        .collect();
    line("Time in", &or_none(&times.join(", ")), out)
}

/// What there is of each state, from the best to the least; others behind.
pub(super) fn states<T>(of: &std::collections::BTreeMap<String, T>) -> impl Iterator<Item = (&str, &T)> {
    let known = State::NAMES.into_iter().rev().filter_map(|state| Some((state, of.get(state)?)));
    let others = of.iter().filter(|(state, _)| !State::NAMES.contains(&state.as_str()));
    known.chain(others.map(|(state, value)| (state.as_str(), value)))
}

fn incidents(incidents: &[IncidentFigures], out: &mut impl Write) -> io::Result<()> {
    if incidents.is_empty() {
        return line("Incidents", "none", out);
    }
    for (at, incident) in incidents.iter().take(MOST_KINDS).enumerate() {
        let label = if at == 0 { "Incidents" } else { "" };
        let of = format!("{} of {} recovered", count(incident.recovered), count(incident.count));
        let [p50, _, p99, _, max, ..] = quantiles_in_words(&incident.recovery_ms);
        let after = match incident.recovery_ms.count {
            0 => String::new(),
            _ => format!("; p50 {p50}, p99 {p99}, max {max}"),
        };
        line(label, &format!("{:<20} {of}{after}", short(&incident.kind, 20)), out)?;
    }
    more_kinds(incidents.iter().map(|incident| incident.count), out)
}

/// How many kinds are not listed, and how many there were of them.
fn more_kinds(counts: impl Iterator<Item = u64>, out: &mut impl Write) -> io::Result<()> {
    let left: Vec<u64> = counts.skip(MOST_KINDS).collect();
    match left.len() {
        0 => Ok(()),
        kinds => {
            let all = left.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
            line("", &format!("{} of {} kinds more", count(all), size(kinds)), out)
        }
    }
}

fn outages(outages: &[Outage], out: &mut impl Write) -> io::Result<()> {
    if outages.is_empty() {
        return line("Outages", "none", out);
    }
    let shown: Vec<String> = outages.iter().take(MOST_KINDS).map(outage).collect();
    let more = outages.len().saturating_sub(MOST_KINDS);
    let more = if more == 0 { String::new() } else { format!(", and {} more", size(more)) };
    line("Outages", &format!("{}{more}", shown.join(", ")), out)
}

/// From when to when.
pub(super) fn outage(outage: &Outage) -> String {
    let from = round_seconds(outage.from);
    match outage.to {
        Some(to) => format!("from {from} to {} ({})", round_seconds(to), seconds(to - outage.from)),
        None => format!("from {from} on"),
    }
}

fn errors(errors: &[ErrorFigures], out: &mut impl Write) -> io::Result<()> {
    if errors.is_empty() {
        return line("Errors", "none", out);
    }
    let sorted = most_first(errors);
    for (at, error) in sorted.iter().take(MOST_KINDS).enumerate() {
        let label = if at == 0 { "Errors" } else { "" };
        line(label, &format!("{:>9}  {}", count(error.count), short(&error.kind, 74)), out)?;
    }
    more_kinds(sorted.iter().map(|error| error.count), out)
}

/// The kinds of errors, the most frequent first.
pub(super) fn most_first(errors: &[ErrorFigures]) -> Vec<&ErrorFigures> {
    let mut sorted: Vec<&ErrorFigures> = errors.iter().collect();
    sorted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.kind.cmp(&b.kind)));
    sorted
}

fn resources(figures: &Figures, out: &mut impl Write) -> io::Result<()> {
    let cpu = &figures.cpu;
    let text = format!(
        "{:.2} cores, {:.2} of the busiest thread; timers at most {} late",
        cpu.cores,
        cpu.busiest_thread,
        ms_of(figures.pings.max_late_ms)
    );
    line("Processor", &text, out)?;
    let memory = figures.memory;
    let text = format!("{}, {} for each crSocket", bytes(memory.bytes), bytes(memory.bytes_per_socket));
    line("Memory", &text, out)
}

/// A length in whole milliseconds.
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn ms_of(length: i64) -> String {
    ms(length as f64)
}

fn gates(gates: &[Gate], out: &mut impl Write) -> io::Result<()> {
    for (at, gate) in gates.iter().enumerate() {
        let label = if at == 0 { "Gates" } else { "" };
        let word = if gate.passed { "PASSED" } else { "FAILED" };
        line(label, &format!("{word}  {:<28} {}", short(&gate.flag, 28), seen(gate)), out)?;
    }
    Ok(())
}

/// What was seen, and what was accepted.
pub(super) fn seen(gate: &Gate) -> String {
    let bound = bound(&gate.flag);
    let limit = limit_of_gate(gate.limit, &gate.unit);
    match gate.seen {
        Some(seen) => format!("{}, {bound} {limit} accepted", of_gate(seen, &gate.unit)),
        None => format!("nothing seen: {} ({bound} {limit} accepted)", why_unseen(&gate.flag)),
    }
}

/// Which side of a limit is accepted.
pub(super) fn bound(flag: &str) -> &'static str {
    if flag.starts_with("--min") { "at least" } else { "at most" }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// A label and figures in columns.
fn columns(label: &str, figures: &[String; 7], out: &mut impl Write) -> io::Result<()> {
    let cells: String = figures.iter().map(|figure| format!("{figure:>11}")).collect();
    writeln!(out, "{label:<LABEL$}{}", cells.get(1..).unwrap_or_default())
}

/// A label and a text, which goes on in as many lines as it needs.
fn line(label: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    let mut label = label;
    for row in wrapped(text, WIDTH - LABEL) {
        writeln!(out, "{}", format!("{label:<LABEL$}{row}").trim_end())?;
        label = "";
    }
    Ok(())
}

/// Breaks at spaces; a word that is too long, anywhere. Spaces within a line stay.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = String::new();
    let mut long = 0;
    for word in text.split_inclusive(' ') {
        let word_long = word.trim_end().chars().count();
        if long > 0 && long + word_long > width {
            rows.push(std::mem::take(&mut row));
            long = 0;
        }
        for c in word.chars() {
            if long == width {
                if c == ' ' {
                    continue;
                }
                rows.push(std::mem::take(&mut row));
                long = 0;
            }
            row.push(c);
            long += 1;
        }
    }
    rows.push(row);
    rows
}

#[cfg(test)]
mod tests;
