//! What a run has measured so far.

use std::collections::BTreeMap;

use super::figures::{
    CpuFigures, ErrorFigures, EventFigures, Figures, IncidentFigures, MemoryFigures, Outage, PingFigures,
    SocketFigures,
};
use super::incident::Incident;
use super::ledger::Missing;
use super::meter::{Tally, by_name};
use super::run::Sample;
use super::time::Micros;
use crate::protocol::socket::State;

/// From when on this program counts as the bottleneck: the share of a core that its busiest thread took.
const BUSY: f64 = 0.9;

/// Likewise: how late its clients acted, 99 of a hundred times, in milliseconds.
const LATE_MS: f64 = 20.0;

/// What a run has measured so far.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Of the whole run.
    whole: Tally,
    /// While it was measured.
    measured: Tally,
    measured_from: Option<Micros>,
    is_measuring: bool,
    seconds: f64,
    cpu_seconds: f64,
    busiest: f64,
    late_ms: i64,
    memory_before: u64,
    /// How it was when it was last looked at, while there was something to see.
    last: Option<Sample>,
    all_at: Option<Micros>,
    missing: Missing,
    most_connected: usize,
    outages: Vec<Outage>,
}

impl Totals {
    pub(super) fn new(memory_before: u64) -> Totals {
        Totals { memory_before, ..Totals::default() }
    }

    pub(super) fn add(&mut self, sample: &Sample, all_at: Option<Micros>) {
        self.all_at = all_at;
        self.late_ms = sample.latest_ms;
        self.whole.add(&sample.tally);
        // Until it is measured, all of it counts: it may end before.
        if self.is_measuring || self.measured_from.is_none() {
            self.measured.add(&sample.tally);
            self.seconds += sample.seconds;
            self.cpu_seconds += sample.cores * sample.seconds;
            self.note_outage(sample);
            self.last = Some(sample.clone());
        }
    }

    fn note_outage(&mut self, sample: &Sample) {
        let connected = sample.tally.connected();
        self.most_connected = self.most_connected.max(connected);
        let at = sample.at.as_secs_f64();
        let is_out = connected * 2 < self.most_connected;
        match self.outages.last_mut() {
            Some(Outage { to: to @ None, .. }) if !is_out => *to = Some(at),
            Some(Outage { to: None, .. }) => {}
            Some(Outage { to: Some(_), .. }) | None => {
                if is_out {
                    self.outages.push(Outage { from: at - sample.seconds, to: None });
                }
            }
        }
    }

    pub(super) fn begin_to_measure(&mut self, at: Micros) {
        self.is_measuring = true;
        self.measured_from = Some(at);
        (self.measured, self.seconds, self.cpu_seconds) = (Tally::default(), 0.0, 0.0);
    }

    /// `busiest`: the processor time of the thread that took most of it meanwhile, in seconds.
    pub(super) fn end_measuring(&mut self, busiest: f64) {
        self.is_measuring = false;
        self.busiest = busiest;
    }

    pub(super) fn reckon(&mut self, missing: Missing) {
        self.missing = missing;
    }

    /// Of the whole run.
    pub fn whole(&self) -> &Tally {
        &self.whole
    }

    /// The latency of what was due while it was measured, by percentile.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        self.whole.durations.measured_latency.curve()
    }

    /// As they are told.
    pub fn figures(&self) -> Figures {
        let last = self.last.clone().unwrap_or_default();
        let durations = &self.whole.durations;
        let latency = match self.measured_from {
            Some(_) => &durations.measured_latency,
            None => &durations.latency,
        };
        let mut figures = Figures {
            seconds: self.seconds,
            seconds_until_all_interacting: self.all_at.map(Micros::as_secs_f64),
            sockets: SocketFigures {
                total: last.tally.sockets(),
                interacting: last.tally.interacting(),
                by_state: by_name(last.tally.states),
                left_interacting: self.whole.counts.left_interacting,
            },
            memory: self.memory(&last),
            cpu: CpuFigures {
                cores: rate(self.cpu_seconds, self.seconds),
                busiest_thread: rate(self.busiest, self.seconds),
                bottleneck: None,
            },
            pings: PingFigures { max_late_ms: self.late_ms },
            events: self.events(),
            latency_ms: latency.quantiles(),
            trials_ms: durations.trials.quantiles(),
            lag_ms: durations.lag.quantiles(),
            connect_ms: durations.connect.quantiles(),
            pairing_ms: durations.pairing.quantiles(),
            share_of_time: shares(self.measured.time_in_state),
            incidents: self.incidents(),
            outages: self.outages.clone(),
            errors: self.errors(),
        };
        figures.cpu.bottleneck = bottleneck(&figures);
        figures
    }

    fn memory(&self, last: &Sample) -> MemoryFigures {
        let sockets = u64::try_from(last.tally.sockets()).unwrap_or(u64::MAX).max(1);
        let more = last.memory_bytes.saturating_sub(self.memory_before);
        MemoryFigures { bytes: last.memory_bytes, bytes_per_socket: more / sockets }
    }

    fn events(&self) -> EventFigures {
        let counts = &self.whole.counts;
        #[allow(clippy::cast_precision_loss, reason = "a rate")]
        let received = self.measured.counts.received as f64;
        EventFigures {
            intended: counts.intended,
            sent: u64::try_from(counts.sent).unwrap_or(0),
            received: counts.received,
            per_second: rate(received, self.seconds),
            lost: self.missing.lost,
            lost_without_incident: self.missing.lost_undisturbed,
            duplicated: counts.duplicated,
            out_of_order: counts.out_of_order,
            unexpected: counts.unexpected,
            not_sent: counts.not_sent + self.missing.waiting,
            refused: counts.refused,
            unconfirmed: counts.unconfirmed,
        }
    }

    fn incidents(&self) -> Vec<IncidentFigures> {
        let Tally { counts, durations, .. } = &self.whole;
        let all = Incident::ALL.into_iter().zip(counts.incidents).zip(&durations.recovery);
        all.filter(|((_, count), _)| *count > 0)
            .map(|((what, count), recovery)| IncidentFigures {
                kind: what.as_str().to_owned(),
                count,
                recovered: recovery.count(),
                recovery_ms: recovery.quantiles(),
            })
            .collect()
    }

    fn errors(&self) -> Vec<ErrorFigures> {
        let errors = self.whole.counts.errors.iter();
        let mut errors: Vec<ErrorFigures> =
            errors.map(|(kind, count)| ErrorFigures { kind: kind.clone(), count: *count }).collect();
        if self.missing.waiting > 0 {
            let kind = "not sent: still waiting at the end".to_owned();
            errors.push(ErrorFigures { kind, count: self.missing.waiting });
        }
        if self.missing.never_connected > 0 {
            let kind = "clients that were never connected".to_owned();
            errors.push(ErrorFigures { kind, count: self.missing.never_connected });
        }
        errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        errors
    }
}

fn shares(times: [f64; State::NAMES.len()]) -> BTreeMap<String, f64> {
    let all: f64 = times.iter().sum();
    by_name(times.map(|time| rate(time, all)))
}

fn rate(count: f64, of: f64) -> f64 {
    if of > 0.0 { count / of } else { 0.0 }
}

/// Why this program was the bottleneck, if it was.
fn bottleneck(figures: &Figures) -> Option<String> {
    let Figures { cpu, lag_ms, .. } = figures;
    if cpu.busiest_thread > BUSY {
        Some(format!("a thread of this program was busy for {:.0} % of the time", cpu.busiest_thread * 100.0))
    } else if lag_ms.p99 > LATE_MS {
        Some(format!("one in a hundred times its clients acted more than {:.0} ms late", lag_ms.p99))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: u64, connected: usize) -> Sample {
        let mut tally = Tally::default();
        tally.states[5] = connected;
        tally.states[2] = 100 - connected;
        Sample { at: Micros(at * Micros::SECOND.0), seconds: 1.0, tally, ..Sample::default() }
    }

    #[test]
    fn an_outage_is_when_half_of_those_that_were_connected_are_not() {
        let mut totals = Totals::new(0);
        for (at, connected) in [(1, 10), (2, 100), (3, 51), (4, 49), (5, 0), (6, 50), (7, 100), (8, 20)] {
            totals.add(&sample(at, connected), None);
        }
        let outages = totals.figures().outages;
        assert_eq!(outages, [Outage { from: 3.0, to: Some(6.0) }, Outage { from: 7.0, to: None }]);
    }

    #[test]
    fn rates_are_of_what_was_measured_and_counts_of_the_whole_run() {
        let mut totals = Totals::new(0);
        let with = |at, received| {
            let mut sample = sample(at, 100);
            sample.tally.counts.received = received;
            sample.tally.time_in_state[5] = 30.0;
            sample.tally.time_in_state[4] = 10.0;
            sample
        };
        totals.add(&with(1, 1_000), None);
        totals.begin_to_measure(Micros(Micros::SECOND.0));
        totals.add(&with(2, 10), None);
        totals.add(&with(3, 20), Some(Micros(1_500_000)));
        totals.end_measuring(1.9);
        totals.add(&with(4, 500), Some(Micros(1_500_000)));
        let figures = totals.figures();
        assert_eq!((figures.events.received, figures.seconds), (1_530, 2.0));
        assert!((figures.events.per_second - 15.0).abs() < 1e-9, "{}", figures.events.per_second);
        assert_eq!(figures.seconds_until_all_interacting, Some(1.5));
        assert!((figures.share_of_time["interacting"] - 0.75).abs() < 1e-9, "{:?}", figures.share_of_time);
        assert!(figures.cpu.bottleneck.is_some_and(|why| why.contains("busy for 95 %")));
    }
}
