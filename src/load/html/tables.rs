//! The figures of the page in tables: all that the charts show, and more.

use super::markup::{facts, table};
use crate::load::report::Report;
use crate::load::table::{most_first, ms_of, outage, quantiles_in_words, states};
use crate::load::words::{
    NONE, bytes, count, left_out, number, part, plain, rate, round_seconds, seconds, sending, share, size,
};
use crate::simulate::figures::{Figures, Quantiles};

/// All of them.
pub(super) fn tables(report: &Report) -> String {
    let figures = &report.figures;
    [
        events(figures),
        lengths(figures),
        incidents(figures),
        percentiles(report),
        times(figures),
        outages(figures),
        errors(figures),
        resources(figures),
        setting(report),
    ]
    .concat()
}

fn events(figures: &Figures) -> String {
    let events = &figures.events;
    let row = |name: &str, value: u64, whole: u64, note: &str| {
        vec![format!("{name}\n{note}"), count(value), part(value, whole)]
    };
    let rows = [
        row("intended", events.intended, 0, "an enclosing client meant to send it"),
        row("sent", events.sent, events.intended, "it left its crSocket"),
        row("received", events.received, events.sent, "the partner’s enclosing client has it"),
        row("lost", events.lost, events.sent, "it left, was not refused, and never arrived"),
        row(
            "lost without an incident",
            events.lost_without_incident,
            events.sent,
            "while nothing was done to its pair",
        ),
        row("duplicated", events.duplicated, events.received, "it arrived again"),
        row("out of order", events.out_of_order, events.received, "it arrived after one that was sent later"),
        row("unexpected", events.unexpected, 0, "nobody had sent it so"),
        row("not sent", events.not_sent, events.intended, "its crSocket did not take it, or let it go"),
        row("refused", events.refused, events.sent, "the server answered with an error"),
        row("unconfirmed", events.unconfirmed, events.sent, "the server did not answer"),
    ];
    let note =
        format!("Of the whole run. While it was measured, {} arrived a second.", rate(events.per_second));
    table("Events", &note, &["Event", "Count", "Share"], &rows)
}

fn lengths(figures: &Figures) -> String {
    let row = |name: &str, quantiles: &Quantiles| quantiles_row(name.to_owned(), quantiles);
    let rows = [
        row("latency", &figures.latency_ms),
        row("trials", &figures.trials_ms),
        row("clients’ lag", &figures.lag_ms),
        row("connect", &figures.connect_ms),
        row("pairing", &figures.pairing_ms),
    ];
    let missing = left_out(&figures.events).map(|missing| format!(" It leaves out {missing}."));
    let note = format!(
        "Latency counts from when an event was due; the clients’ lag, by how much they acted late, is in it.{}",
        missing.unwrap_or_default()
    );
    table("Lengths of time", &note, &["Length", "p50", "p90", "p99", "p99.9", "max", "mean", "of"], &rows)
}

fn quantiles_row(name: String, quantiles: &Quantiles) -> Vec<String> {
    std::iter::once(name).chain(quantiles_in_words(quantiles)).collect()
}

fn incidents(figures: &Figures) -> String {
    let rows: Vec<Vec<String>> = figures
        .incidents
        .iter()
        .map(|incident| {
            let [p50, p90, p99, p999, max, mean, _] = quantiles_in_words(&incident.recovery_ms);
            vec![
                plain(&incident.kind),
                count(incident.count),
                count(incident.recovered),
                p50,
                p90,
                p99,
                p999,
                max,
                mean,
            ]
        })
        .collect();
    let note = "What was done to the clients on purpose, and how long it took from its end until both of the pair were \
                interacting again.";
    let columns = ["Kind", "Began", "Recovered", "p50", "p90", "p99", "p99.9", "max", "mean"];
    table("Incidents and recovery", note, &columns, &rows)
}

/// Of the curve, the percentiles that people name.
fn percentiles(report: &Report) -> String {
    const NAMED: [f64; 10] = [0.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0];
    let rows: Vec<Vec<String>> = NAMED
        .iter()
        .filter_map(|named| {
            // The first that is not below it; the longest stands for nothing but itself.
            let found = report.percentiles.iter().find(|point| point.percentile >= *named - 1e-9)?;
            let is_last = found.percentile >= 100.0 && *named < 100.0;
            (!is_last).then(|| vec![format!("{} %", precise(*named)), crate::load::words::ms(found.ms)])
        })
        .collect();
    table(
        "Latency by percentile",
        "So many of a hundred events took no longer.",
        &["Percentile", "Latency"],
        &rows,
    )
}

/// 99.999, which must not be rounded.
fn precise(percentile: f64) -> String {
    format!("{percentile}")
}

fn times(figures: &Figures) -> String {
    let at_end = |state: &str| figures.sockets.by_state.get(state).copied().unwrap_or(0);
    let mut rows: Vec<Vec<String>> = states(&figures.share_of_time)
        .map(|(state, part)| vec![plain(state), share(*part), size(at_end(state))])
        .collect();
    let others =
        states(&figures.sockets.by_state).filter(|(state, _)| !figures.share_of_time.contains_key(*state));
    rows.extend(others.map(|(state, count)| vec![plain(state), NONE.to_owned(), size(*count)]));
    let note = format!(
        "Of {} crSockets; {} left interacting without an incident of their pair.",
        size(figures.sockets.total),
        count(figures.sockets.left_interacting)
    );
    table("States", &note, &["State", "Share of time", "At the end"], &rows)
}

fn outages(figures: &Figures) -> String {
    let rows: Vec<Vec<String>> =
        figures.outages.iter().zip(1_u32..).map(|(one, at)| vec![at.to_string(), outage(one)]).collect();
    let note = "When at least half of those that had been connected were not; in seconds since the start.";
    table("Outages", note, &["Number", "When"], &rows)
}

fn errors(figures: &Figures) -> String {
    let rows: Vec<Vec<String>> = most_first(&figures.errors)
        .iter()
        .map(|error| vec![plain(&error.kind), count(error.count)])
        .collect();
    table("Errors", "", &["Kind", "Count"], &rows)
}

fn resources(figures: &Figures) -> String {
    let cpu = &figures.cpu;
    let memory = figures.memory;
    facts(
        "Load generator",
        &[
            ("Processor", format!("{:.2} cores", cpu.cores)),
            ("Busiest thread", format!("{:.2} cores", cpu.busiest_thread)),
            ("Bottleneck", cpu.bottleneck.clone().unwrap_or_else(|| "it was not".to_owned())),
            ("Memory", bytes(memory.bytes)),
            ("Memory of a crSocket", bytes(memory.bytes_per_socket)),
            ("Latest timer", format!("{} late", ms_of(figures.pings.max_late_ms))),
            (
                "All interacting after",
                figures.seconds_until_all_interacting.map_or_else(|| NONE.to_owned(), seconds),
            ),
        ],
    )
}

fn setting(report: &Report) -> String {
    let setting = &report.setting;
    facts(
        "Setting",
        &[
            ("Server", setting.server.clone().unwrap_or_else(|| "in the same process".to_owned())),
            ("App", setting.app.clone()),
            ("Scenario", setting.scenario.clone()),
            ("Description", setting.description.clone()),
            ("Pairs", count(u64::from(setting.pairs))),
            ("Ramp", round_seconds(setting.ramp_seconds)),
            ("Warm-up", round_seconds(setting.warmup_seconds)),
            ("Measured", round_seconds(setting.seconds)),
            (
                "Sending",
                match (setting.rate_per_pair, setting.open_loop) {
                    (None, false) => format!("{}: each trial waits for the one before", sending(setting)),
                    _ => sending(setting),
                },
            ),
            ("Churn", format!("{} reloads/s", number(setting.churn))),
            ("Spacing", format!("{} ms", setting.spacing_ms)),
            ("Threads", setting.threads.to_string()),
            ("Seed", setting.seed.to_string()),
        ],
    )
}
