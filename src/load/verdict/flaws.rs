//! What a run should not have had, the worst first.

use super::Tone;
use crate::load::report::Report;
use crate::load::words::{count, counted, short, size};
use crate::simulate::figures::IncidentFigures;

/// What [`ErrorFigures::kind`](crate::simulate::figures::ErrorFigures) says of a trial that failed.
const TRIAL_FAILED: &str = "trial without a response";

/// Errors that are among the counts of events already.
const COUNTED: [&str; 4] = ["not sent", "refused", "no answer to a sendevent", TRIAL_FAILED];

/// An incident that began in the last so many seconds may still be under way.
const UNDER_WAY: f64 = 60.0;

/// Crowds smaller than this are not judged by their share.
const CROWD: usize = 10;

/// Something that should not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// How bad it is.
    pub(super) tone: Tone,
    /// What was seen, as a part of a sentence.
    pub(super) words: String,
    /// The first so many bytes of them are enough for a headline.
    enough: Option<usize>,
}

impl Flaw {
    fn new(tone: Tone, words: String) -> Flaw {
        Flaw { tone, words, enough: None }
    }

    /// What a headline says of it.
    pub(super) fn brief(&self) -> &str {
        self.enough.and_then(|enough| self.words.get(..enough)).unwrap_or(&self.words)
    }
}

/// All of them, those that are bad first.
pub(super) fn flaws(report: &Report) -> Vec<Flaw> {
    let all = [outages(report), at_end(report), trials(report)];
    let mut found: Vec<Flaw> = all.into_iter().flatten().collect();
    found.extend(events(report));
    found.extend(others(report));
    found.sort_by_key(|flaw| flaw.tone != Tone::Bad);
    found
}

/// Those that no other sentence of the verdict says.
pub(super) fn unsaid(report: &Report) -> impl Iterator<Item = Flaw> {
    trials(report).into_iter().chain(others(report))
}

fn others(report: &Report) -> impl Iterator<Item = Flaw> {
    [unrecovered(report), left_interacting(report), errors(report)].into_iter().flatten()
}

/// Bad where it is more than a hundredth.
fn flaw(value: u64, whole: u64, words: String) -> Flaw {
    let tone = if is_above(value, whole, 1) { Tone::Bad } else { Tone::Care };
    Flaw::new(tone, words)
}

/// Whether it is more than so many of a hundred.
pub(super) fn is_above(value: u64, whole: u64, percent: u64) -> bool {
    u128::from(value) * 100 > u128::from(whole) * u128::from(percent)
}

fn had_incidents(report: &Report) -> bool {
    report.figures.incidents.iter().any(|incident| incident.count > 0)
}

fn outages(report: &Report) -> Option<Flaw> {
    let outages = &report.figures.outages;
    let words = match outages.as_slice() {
        [] => return None,
        all if all.iter().any(|outage| outage.to.is_none()) => {
            let words = "the server could not be reached at the end".to_owned();
            return Some(Flaw::new(Tone::Bad, words));
        }
        [_] => "the server could not be reached once".to_owned(),
        more => format!("the server could not be reached {} times", size(more.len())),
    };
    Some(Flaw::new(Tone::Care, words))
}

/// More were not interacting than incidents explain.
fn at_end(report: &Report) -> Option<Flaw> {
    let sockets = &report.figures.sockets;
    let away = sockets.total.saturating_sub(sockets.interacting);
    let lasting = report.figures.incidents.iter().map(unfinished).fold(0, u64::saturating_add);
    // Both of a pair leave it.
    let explained = usize::try_from(lasting.saturating_mul(2)).unwrap_or(usize::MAX);
    let few = sockets.interacting < sockets.total.div_ceil(2);
    let unexplained = away > explained;
    if away == 0 || !(unexplained || (few && sockets.total >= CROWD)) {
        return None;
    }
    let tone = if few { Tone::Bad } else { Tone::Care };
    let total = size(sockets.total);
    let words = match sockets.interacting {
        0 => format!("none of {total} crSockets was interacting at the end"),
        1 => format!("only 1 of {total} crSockets was interacting at the end"),
        some => format!("only {} of {total} crSockets were interacting at the end", size(some)),
    };
    Some(Flaw::new(tone, words))
}

/// Trials of the whole run that failed; those that did not are counted while it was measured.
fn trials(report: &Report) -> Option<Flaw> {
    let errors = report.figures.errors.iter();
    let failed = errors
        .filter(|error| error.kind.starts_with(TRIAL_FAILED))
        .fold(0, |sum: u64, error| sum.saturating_add(error.count));
    let all = failed.saturating_add(report.figures.trials_ms.count);
    let few = had_incidents(report) && !is_above(failed, all, 3);
    if failed == 0 || few {
        return None;
    }
    let brief = format!("{} had no response", counted(failed, "trial"));
    let words = match report.figures.trials_ms.count {
        0 => format!("{brief}, and none had one while it was measured"),
        some => format!("{brief}, next to {} that had one while it was measured", count(some)),
    };
    let tone = if is_above(failed, all, 3) { Tone::Bad } else { Tone::Care };
    Some(Flaw { tone, words, enough: Some(brief.len()) })
}

/// What became of events, and should not have.
fn events(report: &Report) -> Vec<Flaw> {
    let events = &report.figures.events;
    let disturbed = had_incidents(report);
    // Incidents explain a few of them.
    let many = |value: u64, whole: u64| if disturbed && !is_above(value, whole, 1) { 0 } else { value };
    [
        (events.refused, events.sent, "refused"),
        (events.lost_without_incident, events.sent, "lost without an incident"),
        (many(events.not_sent, events.intended), events.intended, "not sent"),
        (events.duplicated, events.received, "duplicated"),
        (events.out_of_order, events.received, "out of order"),
        (events.unexpected, events.received, "not what anybody had sent"),
        (many(events.unconfirmed, events.sent), events.sent, "left without an answer"),
    ]
    .into_iter()
    .filter(|(value, ..)| *value > 0)
    .map(|(value, whole, what)| {
        let verb = if value == 1 { "was" } else { "were" };
        let of = if whole > value { format!(" of {}", count(whole)) } else { String::new() };
        let noun = if value == 1 && of.is_empty() { "event" } else { "events" };
        flaw(value, whole, format!("{}{of} {noun} {verb} {what}", count(value)))
    })
    .collect()
}

fn unfinished(incident: &IncidentFigures) -> u64 {
    incident.count.saturating_sub(incident.recovered)
}

/// Incidents that were not recovered from, though they had the time.
fn unrecovered(report: &Report) -> Option<Flaw> {
    let incidents = &report.figures.incidents;
    let all = incidents.iter().map(|one| one.count).fold(0, u64::saturating_add);
    let lasting = incidents
        .iter()
        .filter(|one| unfinished(one) > may_be_under_way(report, &one.kind))
        .map(unfinished)
        .fold(0, u64::saturating_add);
    (lasting > 0).then(|| {
        let words = format!("{} not recovered from", super::were(lasting, "incident"));
        Flaw::new(if is_above(lasting, all, 10) { Tone::Bad } else { Tone::Care }, words)
    })
}

/// How many of a kind began so late that they may still be under way.
fn may_be_under_way(report: &Report, kind: &str) -> u64 {
    let points = &report.series.points;
    let Some(end) = points.last().map(|point| point.at) else { return 0 };
    let late = points.iter().filter(|point| point.at >= end - UNDER_WAY);
    late.filter_map(|point| point.incidents.get(kind)).fold(0, |sum, count| sum.saturating_add(*count))
}

fn left_interacting(report: &Report) -> Option<Flaw> {
    let left = report.figures.sockets.left_interacting;
    // Whoever loses the server leaves it, and that is said.
    if left == 0 || !report.figures.outages.is_empty() {
        return None;
    }
    let times = if left == 1 { "once".to_owned() } else { format!("{} times", count(left)) };
    let words = format!("a crSocket left interacting {times} without an incident");
    Some(Flaw::new(Tone::Care, words))
}

/// Errors of other kinds, where nothing was done that explains them.
fn errors(report: &Report) -> Option<Flaw> {
    let is_other = |kind: &str| !COUNTED.iter().any(|counted| kind.starts_with(counted));
    let others = report.figures.errors.iter().filter(|error| error.count > 0 && is_other(&error.kind));
    let most = others.max_by_key(|error| error.count)?;
    if had_incidents(report) {
        return None;
    }
    let words = format!("{} seen ({})", super::were(most.count, "error"), short(&most.kind, 40));
    Some(Flaw::new(Tone::Care, words))
}
