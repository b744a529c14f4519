//! Whether it went well, in plain words.

use std::iter;

use super::report::{Gate, Report};
use super::words::{counted, ms, plain, rate, seconds, size};
use crate::simulate::figures::{EventFigures, Outage};

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Everything held.
    Good,
    /// Something to know before it is passed on.
    Care,
    /// Something did not hold.
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
        failures(&report.figures.events),
        sockets(report),
        outages(&report.figures.outages),
    ];
    Verdict { tone, headline, sentences: sentences.into_iter().flatten().collect() }
}

/// What whoever reads the figures should know first.
pub(super) fn warnings(report: &Report) -> Vec<String> {
    let bottleneck = report.figures.cpu.bottleneck.as_ref();
    let bottleneck = bottleneck.filter(|why| !report.warnings.iter().any(|said| said.contains(*why)));
    let bottleneck = bottleneck.map(|why| format!("The load generator was the bottleneck: {why}"));
    bottleneck.iter().chain(&report.warnings).map(|text| plain(text)).collect()
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
    let flaws = [events.lost_without_incident, events.duplicated, events.out_of_order, events.unexpected];
    if flaws.into_iter().any(|flaw| flaw > 0) {
        let but = if gates == 0 {
            "Not every event arrived as it should".to_owned()
        } else {
            format!("{held}, but not every event arrived as it should")
        };
        return (Tone::Care, but);
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
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(iter::once('.')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::example;

    fn headline_of(change: impl FnOnce(&mut Report)) -> (Tone, String) {
        let mut report: Report = example::calm();
        change(&mut report);
        headline(&report)
    }

    #[test]
    fn a_calm_run_went_well() {
        let said = verdict(&example::calm());
        assert_eq!((said.tone, said.headline.as_str()), (Tone::Good, "Both gates held"));
        assert_eq!(
            said.sentences,
            [
                "6,000 events were sent and 6,000 arrived, 200 a second while it was measured.",
                "None was lost, duplicated or out of order.",
                "Half of the events arrived within 1.20 ms of when they were due, 99 in a hundred within 4.21 ms; the slowest \
                 took 12.3 ms.",
                "All crSockets were interacting 1.31 s after the start; at the end all 200 were.",
            ]
        );
        assert_eq!(headline_of(|report| report.gates.clear()), (Tone::Good, "It went well".to_owned()));
        assert_eq!(headline_of(|report| report.gates.truncate(1)), (Tone::Good, "The gate held".to_owned()));
    }

    #[test]
    fn what_went_wrong_is_said_first() {
        let failed = headline_of(|report| report.gates[0].passed = false);
        assert_eq!(failed, (Tone::Bad, "1 of 2 gates failed".to_owned()));
        let nothing = headline_of(|report| report.figures.events = EventFigures::default());
        assert_eq!(nothing, (Tone::Bad, "Nothing was measured: no event was sent".to_owned()));
        let lost = headline_of(|report| report.figures.events.received = 0);
        assert_eq!(lost, (Tone::Bad, "Nothing was measured: no event arrived".to_owned()));
        let flaws: [fn(&mut EventFigures) -> &mut u64; 4] = [
            |events| &mut events.lost_without_incident,
            |events| &mut events.duplicated,
            |events| &mut events.out_of_order,
            |events| &mut events.unexpected,
        ];
        for flaw in flaws {
            let (tone, said) = headline_of(|report| *flaw(&mut report.figures.events) = 1);
            assert_eq!(
                (tone, said.as_str()),
                (Tone::Care, "Both gates held, but not every event arrived as it should")
            );
        }
        let (tone, _) = headline_of(|report| report.figures.events.lost = 1);
        assert_eq!(tone, Tone::Good, "lost during an incident is what incidents do");
    }

    #[test]
    fn what_bears_on_the_figures_is_said_in_the_headline() {
        let busy = headline_of(|report| report.figures.cpu.bottleneck = Some("a thread was busy".to_owned()));
        assert_eq!(
            busy,
            (Tone::Care, "Both gates held, but the load generator was the bottleneck".to_owned())
        );
        let ended = headline_of(|report| report.interrupted = true);
        assert_eq!(ended, (Tone::Care, "Both gates held, with something to know".to_owned()));
    }

    #[test]
    fn a_bottleneck_is_a_warning_and_said_once() {
        let mut report: Report = example::calm();
        report.figures.cpu.bottleneck = Some("a thread was busy\u{1b}".to_owned());
        report.warnings = vec!["few files".to_owned()];
        let both = ["The load generator was the bottleneck: a thread was busy\\u{1b}", "few files"];
        assert_eq!(warnings(&report), both);
        report.warnings = vec!["a bottleneck: a thread was busy\u{1b}".to_owned()];
        assert_eq!(warnings(&report).len(), 1);
    }

    #[test]
    fn losses_are_told_apart() {
        let events = |lost, without, duplicated| EventFigures {
            lost,
            lost_without_incident: without,
            duplicated,
            ..EventFigures::default()
        };
        for (events, said) in [
            (events(0, 0, 3), "3 duplicated and none was lost or out of order."),
            (
                events(5, 0, 0),
                "5 lost and none was duplicated or out of order; every loss was during an incident of its pair.",
            ),
            (
                events(5, 2, 1),
                "5 lost, 1 duplicated and none was out of order; 2 of the losses had no incident of their pair.",
            ),
            (
                events(5, 5, 0),
                "5 lost and none was duplicated or out of order; no loss was during an incident of its pair.",
            ),
        ] {
            assert_eq!(integrity(&events), said);
        }
        let unexpected = EventFigures { unexpected: 1, ..EventFigures::default() };
        let said = integrity(&unexpected);
        assert_eq!(said, "1 not what anybody had sent and none was lost, duplicated or out of order.");
    }

    #[test]
    fn outages_are_counted_and_added() {
        let outage = |from, to| Outage { from, to };
        assert_eq!(outages(&[]), None);
        let once = outages(&[outage(10.0, Some(13.3))]).unwrap();
        assert_eq!(once, "The server could not be reached once, for 3.30 s.");
        let twice = outages(&[outage(10.0, Some(13.0)), outage(20.0, None)]).unwrap();
        assert_eq!(
            twice,
            "The server could not be reached 2 times, for 3.00 s in all, and not again by the end."
        );
    }

    #[test]
    fn a_run_in_which_nothing_happened_is_told() {
        let said = verdict(&example::empty());
        assert_eq!(said.tone, Tone::Bad);
        assert_eq!(
            said.sentences,
            [
                "No event was meant to be sent.",
                "No event arrived while it was measured, so there is no latency.",
                "There were no crSockets at the end.",
            ]
        );
    }
}
