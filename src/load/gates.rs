//! What had to hold, and whether it did.

use std::time::Duration;

use super::report::Gate;
use crate::simulate::figures::Figures;

/// What was asked to hold; each where it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// The median latency, at most.
    pub max_p50: Option<Duration>,
    /// Latency of nine in ten.
    pub max_p90: Option<Duration>,
    /// Latency of 99 in a hundred.
    pub max_p99: Option<Duration>,
    /// Latency of 999 in a thousand.
    pub max_p999: Option<Duration>,
    /// The longest latency.
    pub max_latency: Option<Duration>,
    /// Events that left and never arrived.
    pub max_lost: Option<u64>,
    /// Events that arrived again.
    pub max_duplicated: Option<u64>,
    /// Events that arrived after one that was sent later.
    pub max_out_of_order: Option<u64>,
    /// Events that did not leave, or were refused.
    pub max_failed: Option<u64>,
    /// Until all were interacting at once.
    pub max_until_all_interacting: Option<Duration>,
    /// Events that arrive in a second, at least.
    pub min_throughput: Option<f64>,
}

/// Judges the figures, in the order of the flags. What was not there to be seen fails: with no event at all none is
/// lost, and nothing is known.
pub fn judge(gates: &Gates, figures: &Figures) -> Vec<Gate> {
    let latencies = latencies(gates, figures);
    let counts = counts(gates, figures);
    let until = gates.max_until_all_interacting.map(|limit| {
        at_most(
            "--max-until-all-interacting",
            limit.as_secs_f64(),
            figures.seconds_until_all_interacting,
            "s",
        )
    });
    let throughput = gates.min_throughput.map(|limit| {
        let seen = figures.events.per_second;
        gate("--min-throughput", limit, Some(seen), "events/s", seen >= limit)
    });
    latencies.into_iter().chain(counts).chain([until, throughput]).flatten().collect()
}

/// Why a gate saw nothing, in words.
pub(super) fn why_unseen(flag: &str) -> &'static str {
    match flag {
        "--max-lost" => "no event was sent",
        "--max-failed" => "no event was meant to be sent",
        "--max-duplicated" | "--max-out-of-order" => "no event arrived",
        "--max-until-all-interacting" => "they never all were at once",
        _ => "no event arrived while it was measured",
    }
}

fn latencies(gates: &Gates, figures: &Figures) -> [Option<Gate>; 5] {
    let latency = &figures.latency_ms;
    [
        ("--max-p50", gates.max_p50, latency.p50),
        ("--max-p90", gates.max_p90, latency.p90),
        ("--max-p99", gates.max_p99, latency.p99),
        ("--max-p999", gates.max_p999, latency.p999),
        ("--max-latency", gates.max_latency, latency.max),
    ]
    .map(|(flag, limit, seen)| {
        let seen = (latency.count > 0).then_some(seen);
        limit.map(|limit| at_most(flag, millis(limit), seen, "ms"))
    })
}

fn counts(gates: &Gates, figures: &Figures) -> [Option<Gate>; 4] {
    let events = &figures.events;
    let failed = events.not_sent.saturating_add(events.refused);
    [
        ("--max-lost", gates.max_lost, events.lost, events.sent),
        ("--max-duplicated", gates.max_duplicated, events.duplicated, events.received),
        ("--max-out-of-order", gates.max_out_of_order, events.out_of_order, events.received),
        ("--max-failed", gates.max_failed, failed, events.intended),
    ]
    .map(|(flag, limit, seen, of)| {
        limit.map(|limit| {
            gate(flag, float(limit), (of > 0).then_some(float(seen)), "events", of > 0 && seen <= limit)
        })
    })
}

fn at_most(flag: &str, limit: f64, seen: Option<f64>, unit: &str) -> Gate {
    gate(flag, limit, seen, unit, seen.is_some_and(|seen| seen <= limit))
}

fn gate(flag: &str, limit: f64, seen: Option<f64>, unit: &str, passed: bool) -> Gate {
    Gate { flag: flag.to_owned(), limit, seen, unit: unit.to_owned(), passed }
}

/// 5 ms is exactly 5, which a detour by seconds does not promise.
#[allow(clippy::cast_precision_loss, reason = "exact up to three months")]
fn millis(length: Duration) -> f64 {
    length.as_nanos() as f64 / 1e6
}

#[allow(clippy::cast_precision_loss, reason = "what is shown is rounded; the judgement was made before")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of a run in which every gate has something to see.
    fn figures() -> Figures {
        let mut figures = Figures { seconds_until_all_interacting: Some(2.5), ..Figures::default() };
        let events = &mut figures.events;
        (events.intended, events.sent, events.received, events.per_second) = (1_000, 990, 985, 98.5);
        (events.lost, events.duplicated, events.out_of_order) = (5, 3, 2);
        (events.not_sent, events.refused) = (6, 4);
        let latency = &mut figures.latency_ms;
        latency.count = 985;
        (latency.p50, latency.p90, latency.p99, latency.p999, latency.max) = (1.1, 2.2, 5.0, 33.3, 400.5);
        figures
    }

    /// One gate at each of its values, with what must come of it.
    fn cases<T: Copy>(set: impl Fn(&mut Gates, T), flag: &str, cases: [(T, bool); 3]) {
        for (at, (limit, passes)) in cases.into_iter().enumerate() {
            let mut gates = Gates::default();
            set(&mut gates, limit);
            let judged = judge(&gates, &figures());
            assert_eq!(judged.len(), 1, "{flag}: only what was asked for");
            assert_eq!(judged[0].flag, flag);
            assert_eq!(judged[0].passed, passes, "{flag}, case {at}: {:?}", judged[0]);
        }
    }

    #[test]
    fn latency_may_be_its_limit_and_no_longer() {
        let micros = Duration::from_micros;
        let at = |limit: u64| [(micros(limit), true), (micros(limit + 1), true), (micros(limit - 1), false)];
        cases(|gates, limit| gates.max_p50 = Some(limit), "--max-p50", at(1_100));
        cases(|gates, limit| gates.max_p90 = Some(limit), "--max-p90", at(2_200));
        cases(|gates, limit| gates.max_p99 = Some(limit), "--max-p99", at(5_000));
        cases(|gates, limit| gates.max_p999 = Some(limit), "--max-p999", at(33_300));
        cases(|gates, limit| gates.max_latency = Some(limit), "--max-latency", at(400_500));
    }

    #[test]
    fn counts_may_be_their_limit_and_no_more() {
        let at = |limit: u64| [(limit, true), (limit + 1, true), (limit - 1, false)];
        cases(|gates, limit| gates.max_lost = Some(limit), "--max-lost", at(5));
        cases(|gates, limit| gates.max_duplicated = Some(limit), "--max-duplicated", at(3));
        cases(|gates, limit| gates.max_out_of_order = Some(limit), "--max-out-of-order", at(2));
        cases(|gates, limit| gates.max_failed = Some(limit), "--max-failed", at(10));
    }

    #[test]
    fn all_must_be_interacting_in_time() {
        let at = Duration::from_millis(2_500);
        let step = Duration::from_micros(1);
        let set = |gates: &mut Gates, limit| gates.max_until_all_interacting = Some(limit);
        cases(set, "--max-until-all-interacting", [(at, true), (at + step, true), (at - step, false)]);
    }

    #[test]
    fn throughput_may_be_its_limit_and_no_less() {
        let set = |gates: &mut Gates, limit| gates.min_throughput = Some(limit);
        cases(set, "--min-throughput", [(98.5, true), (98.4, true), (98.6, false)]);
    }

    /// All of them, with limits that anything keeps.
    fn generous() -> Gates {
        let long = Some(Duration::from_secs(1_000));
        Gates {
            max_p50: long,
            max_p90: long,
            max_p99: long,
            max_p999: long,
            max_latency: long,
            max_lost: Some(1_000),
            max_duplicated: Some(1_000),
            max_out_of_order: Some(1_000),
            max_failed: Some(1_000),
            max_until_all_interacting: long,
            min_throughput: Some(0.1),
        }
    }

    #[test]
    fn where_nothing_was_seen_nothing_holds() {
        let passed = judge(&generous(), &figures());
        assert_eq!(passed.len(), 11);
        assert!(passed.iter().all(|gate| gate.passed && gate.seen.is_some()), "{passed:#?}");
        let failed = judge(&generous(), &Figures::default());
        assert!(failed.iter().all(|gate| !gate.passed), "{failed:#?}");
        for gate in &failed {
            // No event in a second is a figure.
            assert_eq!(gate.seen.is_none(), gate.flag != "--min-throughput", "{gate:?}");
        }
        assert_eq!(why_unseen("--max-p99"), "no event arrived while it was measured");
        assert_eq!(why_unseen("--max-until-all-interacting"), "they never all were at once");
    }

    #[test]
    fn what_was_not_asked_for_is_not_judged() {
        assert_eq!(judge(&Gates::default(), &Figures::default()), []);
    }

    #[test]
    fn limits_and_units_are_those_of_the_flags() {
        let judged = judge(&generous(), &figures());
        let shown: Vec<(&str, f64, &str)> =
            judged.iter().map(|gate| (gate.flag.as_str(), gate.limit, gate.unit.as_str())).collect();
        assert_eq!(shown[2], ("--max-p99", 1_000_000.0, "ms"));
        assert_eq!(shown[5], ("--max-lost", 1_000.0, "events"));
        assert_eq!(shown[9], ("--max-until-all-interacting", 1_000.0, "s"));
        assert_eq!(shown[10], ("--min-throughput", 0.1, "events/s"));
    }
}
