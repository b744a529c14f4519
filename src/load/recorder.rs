//! Samples of a run, put together to the points of a series.

use std::collections::BTreeMap;

use super::report::Point;
use crate::protocol::socket::State;
use crate::simulate::incident::Incident;
use crate::simulate::meter::{Tally, by_name};
use crate::simulate::run::Sample;
use crate::simulate::time::Micros;

/// Puts samples together.
#[derive(Debug)]
pub struct Recorder {
    interval: f64,
    points: Vec<Point>,
    /// What is not a point yet.
    pending: Pending,
}

#[derive(Debug, Default)]
struct Pending {
    tally: Tally,
    seconds: f64,
    cpu_seconds: f64,
    at: Micros,
    memory_bytes: u64,
    states: [usize; State::NAMES.len()],
}

impl Recorder {
    /// Points of so many seconds each.
    pub fn new(interval: f64) -> Recorder {
        Recorder { interval, points: Vec::new(), pending: Pending::default() }
    }

    /// One more sample.
    pub fn add(&mut self, sample: &Sample) {
        let pending = &mut self.pending;
        pending.tally.add(&sample.tally);
        pending.seconds += sample.seconds;
        pending.cpu_seconds += sample.cores * sample.seconds;
        pending.at = sample.at;
        pending.memory_bytes = sample.memory_bytes;
        pending.states = sample.tally.states;
        // Looks are never on the dot.
        if pending.seconds >= self.interval * 0.95 {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let Pending { tally, seconds, cpu_seconds, at, memory_bytes, states } =
            std::mem::take(&mut self.pending);
        let latency = &tally.durations.latency;
        let incidents = Incident::ALL.iter().zip(tally.counts.incidents).filter(|(_, count)| *count > 0);
        self.points.push(Point {
            at: at.as_secs_f64(),
            sent: u64::try_from(tally.counts.sent).unwrap_or(0),
            received: tally.counts.received,
            p50_ms: latency.percentile(50.0),
            p99_ms: latency.percentile(99.0),
            max_ms: latency.longest(),
            states: by_name(states),
            cores: if seconds > 0.0 { cpu_seconds / seconds } else { 0.0 },
            memory_bytes,
            incidents: incidents
                .map(|(what, count)| (what.as_str().to_owned(), count))
                .collect::<BTreeMap<_, _>>(),
            errors: tally.counts.all_errors(),
        });
    }

    /// The points, with what is left as the last one.
    pub fn into_points(mut self) -> Vec<Point> {
        if self.pending.seconds > 0.0 {
            self.finish();
        }
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: u64, seconds: f64, received: u64, cores: f64) -> Sample {
        let mut sample =
            Sample { at: Micros(at_ms * 1_000), seconds, cores, memory_bytes: at_ms, ..Sample::default() };
        sample.tally.counts.received = received;
        sample.tally.states[5] = usize::try_from(at_ms).unwrap();
        sample
    }

    #[test]
    fn points_are_as_long_as_was_asked_for_and_nothing_is_lost() {
        let mut recorder = Recorder::new(2.0);
        for (at, seconds, received, cores) in
            [(990, 0.99, 5, 1.0), (1_500, 0.51, 1, 0.0), (2_000, 0.5, 2, 0.5), (2_900, 0.9, 4, 1.0)]
        {
            recorder.add(&sample(at, seconds, received, cores));
        }
        let points = recorder.into_points();
        let seen: Vec<(f64, u64, usize)> =
            points.iter().map(|point| (point.at, point.received, point.states["interacting"])).collect();
        assert_eq!(seen, [(2.0, 8, 2_000), (2.9, 4, 2_900)]);
        assert!((points[0].cores - 0.62).abs() < 0.001, "{}", points[0].cores);
    }
}
