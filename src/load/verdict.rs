//! Whether it went well, in plain words.

use super::report::{Gate, Report};
use super::words::{counted, left_out, ms, plain, rate, seconds, size};
use crate::simulate::figures::{EventFigures, Outage};
use flaws::{Flaw, flaws, is_above, unsaid};

mod flaws;

/// Flaws that the headline names.
const MOST_NAMED: usize = 2;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Everything held, and nothing else was seen.
    Good,
    /// Something to know before it is passed on.
    Care,
    /// A gate did not hold, nothing was measured, or, without gates, much went wrong.
    Bad,
}

/// What is said of a run before its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    /// In a line.
    pub(super) headline: String,
    /// What happened, a sentence each.
    pub(super) sentences: Vec<String>,
}

/// Judges a run as a whole.
pub(super) fn verdict(report: &Report) -> Verdict {
    let (tone, headline) = headline(report);
    let sentences = [
        interrupted(report),
        events(report),
        Some(integrity(&report.figures.events)).filter(|_| report.figures.events.sent > 0),
        latency(report),
        unmeasured(report).map(|words| sentence(&words)),
        failures(&report.figures.events),
        sockets(report),
        outages(&report.figures.outages),
    ];
    let unsaid = unsaid(report).map(|flaw| sentence(&flaw.words));
    Verdict { tone, headline, sentences: sentences.into_iter().flatten().chain(unsaid).collect() }
}

/// What whoever reads the figures should know first.
pub(super) fn warnings(report: &Report) -> Vec<String> {
    let bottleneck = report.figures.cpu.bottleneck.as_ref();
    let bottleneck = bottleneck.filter(|why| !report.warnings.iter().any(|said| said.contains(*why)));
    let bottleneck = bottleneck.map(|why| format!("The load generator was the bottleneck: {why}"));
    let events = &report.figures.events;
    let missing = events.intended.saturating_sub(events.received);
    let hides = is_above(missing, events.intended, 1).then(|| unmeasured(report)).flatten();
    let hides =
        hides.map(|words| format!("{} What a stalled server held up may be among them.", sentence(&words)));
    bottleneck.iter().chain(&hides).chain(&report.warnings).map(|text| plain(text)).collect()
}

/// How many events the latency knows nothing of.
fn unmeasured(report: &Report) -> Option<String> {
    let missing = left_out(&report.figures.events).filter(|_| report.figures.latency_ms.count > 0)?;
    Some(format!("the latency leaves out {missing}"))
}

/// The gates, those that failed first.
pub(super) fn failed_first(gates: &[Gate]) -> impl Iterator<Item = &Gate> {
    let failed = gates.iter().filter(|gate| !gate.passed);
    failed.chain(gates.iter().filter(|gate| gate.passed))
}

fn headline(report: &Report) -> (Tone, String) {
    let events = &report.figures.events;
    let gates = report.gates.len();
    let failed = report.gates.iter().filter(|gate| !gate.passed).count();
    let held = match gates {
        0 => "It went well".to_owned(),
        1 => "The gate held".to_owned(),
        2 => "Both gates held".to_owned(),
        _ => format!("All {gates} gates held"),
    };
    if failed > 0 {
        let gates = if gates == 1 { "gate" } else { "gates" };
        return (Tone::Bad, format!("{failed} of {} {gates} failed", report.gates.len()));
    }
    if events.sent == 0 || events.received == 0 {
        let what = if events.sent == 0 { "no event was sent" } else { "no event arrived" };
        return (Tone::Bad, format!("Nothing was measured: {what}"));
    }
    let flaws = flaws(report);
    if let Some(worst) = flaws.first() {
        let named: Vec<&str> = flaws.iter().take(MOST_NAMED).map(Flaw::brief).collect();
        let more = if flaws.len() > MOST_NAMED { ", among others" } else { "" };
        let seen = format!("{}{more}", join(&named, "and"));
        return match gates {
            0 => (worst.tone, capital(&seen)),
            // What was asked for held, whatever else there was.
            _ => (Tone::Care, format!("{held}, but {seen}")),
        };
    }
    if report.figures.cpu.bottleneck.is_some() {
        return (Tone::Care, format!("{held}, but the load generator was the bottleneck"));
    }
    if report.interrupted || !warnings(report).is_empty() {
        return (Tone::Care, format!("{held}, with something to know"));
    }
    (Tone::Good, held)
}

fn interrupted(report: &Report) -> Option<String> {
    let measured = seconds(report.figures.seconds);
    report.interrupted.then(|| format!("It was ended before its time, after {measured} of measuring."))
}

fn events(report: &Report) -> Option<String> {
    let events = &report.figures.events;
    if events.sent == 0 {
        return Some(match events.intended {
            0 => "No event was meant to be sent.".to_owned(),
            intended => format!("{} meant to be sent, none was.", were(intended, "event")),
        });
    }
    Some(format!(
        "{} sent and {} arrived, {} a second while it was measured.",
        were(events.sent, "event"),
        super::words::count(events.received),
        rate(events.per_second)
    ))
}

/// What was lost, duplicated or out of order.
pub(super) fn integrity(events: &EventFigures) -> String {
    let flaws = [
        (events.lost, "lost"),
        (events.duplicated, "duplicated"),
        (events.out_of_order, "out of order"),
        (events.unexpected, "not what anybody had sent"),
    ];
    let there: Vec<String> = flaws
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", super::words::count(*count)))
        .collect();
    let missing: Vec<&str> =
        flaws.iter().take(3).filter(|(count, _)| *count == 0).map(|(_, what)| *what).collect();
    let none = (!missing.is_empty()).then(|| format!("none was {}", join(&missing, "or")));
    let mut parts = there.clone();
    parts.extend(none);
    let mut said = join(&parts, "and");
    if events.lost > 0 {
        let calm = match events.lost_without_incident {
            0 => "every loss was during an incident of its pair".to_owned(),
            all if all == events.lost => "no loss was during an incident of its pair".to_owned(),
            some => format!("{} of the losses had no incident of their pair", super::words::count(some)),
        };
        said = format!("{said}; {calm}");
    }
    sentence(&said)
}

fn latency(report: &Report) -> Option<String> {
    let latency = &report.figures.latency_ms;
    if latency.count == 0 {
        return Some("No event arrived while it was measured, so there is no latency.".to_owned());
    }
    Some(format!(
        "Half of the events arrived within {} of when they were due, 99 in a hundred within {}; the slowest took {}.",
        ms(latency.p50),
        ms(latency.p99),
        ms(latency.max)
    ))
}

fn failures(events: &EventFigures) -> Option<String> {
    let parts: Vec<String> = [
        (events.not_sent, "could not be sent"),
        (
            events.refused,
            if events.refused == 1 { "was refused by the server" } else { "were refused by the server" },
        ),
        (events.unconfirmed, "got no answer from the server"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", super::words::count(count)))
    .collect();
    (!parts.is_empty()).then(|| sentence(&join(&parts, "and")))
}

fn sockets(report: &Report) -> Option<String> {
    let sockets = &report.figures.sockets;
    if sockets.total == 0 {
        return Some("There were no crSockets at the end.".to_owned());
    }
    let at_end = match sockets.interacting {
        all if all == sockets.total => format!("at the end all {} were", size(all)),
        // Pages that are gone for an incident are not among them.
        some => format!("at the end {} of {} were", size(some), size(sockets.total)),
    };
    Some(match report.figures.seconds_until_all_interacting {
        Some(until) => {
            format!("All crSockets were interacting {} after the start; {at_end}.", seconds(until))
        }
        None => format!("The crSockets never were all interacting at once; {at_end}."),
    })
}

fn outages(outages: &[Outage]) -> Option<String> {
    let open = outages.iter().any(|outage| outage.to.is_none());
    let length: f64 = outages.iter().filter_map(|outage| Some(outage.to? - outage.from)).sum();
    let length = if length > 0.0 { format!(", for {}", seconds(length)) } else { String::new() };
    let until = if open { ", and not again by the end" } else { "" };
    match outages {
        [] => None,
        [_] => Some(format!("The server could not be reached once{length}{until}.")),
        [_, ..] => Some(format!(
            "The server could not be reached {} times{length}{}{until}.",
            outages.len(),
            if length.is_empty() { "" } else { " in all" }
        )),
    }
}

fn were(count: u64, noun: &str) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(count, noun))
}

/// "a, b and c".
fn join<T: AsRef<str>>(parts: &[T], word: &str) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} {word} {last}", before.join(", ")),
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    format!("{}.", capital(text))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests;
