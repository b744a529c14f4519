//! What a thread's clients have seen since it was asked last.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::figures::Quantiles;
use super::incident::Incident;
use crate::protocol::socket::State;

/// Values by state, in the order of [`State::NAMES`], with their names.
pub fn by_name<T>(values: [T; State::NAMES.len()]) -> BTreeMap<String, T> {
    State::NAMES.into_iter().map(str::to_owned).zip(values).collect()
}

/// The place of a state in [`State::NAMES`].
pub fn place_of(state: &State) -> usize {
    match state {
        State::Passive(_) => 0,
        State::ReadyToConnect(_) => 1,
        State::Connecting => 2,
        State::ReadyToPair(_) => 3,
        State::Searching => 4,
        State::Interacting => INTERACTING,
    }
}

/// The place of interacting.
pub const INTERACTING: usize = 5;

/// The first place of those that are connected.
pub const CONNECTED: usize = 3;

/// Lengths of time, in microseconds, three digits exact. Takes its memory only once there are some.
#[derive(Clone, Debug, Default)]
pub struct Lengths(Option<Box<Histogram<u64>>>);

impl Lengths {
    /// One more.
    pub fn record(&mut self, length: Duration) {
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX).min(LONGEST);
        if self.0.is_none() {
            // Three digits are within its bounds.
            self.0 = Histogram::new(3).ok().map(Box::new);
        }
        if let Some(histogram) = &mut self.0 {
            // It grows to what is needed.
            let _ = histogram.record(micros);
        }
    }

    /// These, too.
    pub fn add(&mut self, others: &Lengths) {
        match (&mut self.0, &others.0) {
            (Some(mine), Some(others)) => {
                // Both have three digits, and this one grows.
                let _ = mine.add(&**others);
            }
            (none @ None, Some(others)) => *none = Some(others.clone()),
            (_, None) => {}
        }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// So many of a hundred are no longer than this, in milliseconds; none where there are none.
    pub fn percentile(&self, percentile: f64) -> Option<f64> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(ms(histogram.value_at_quantile(percentile / 100.0)))
    }

    /// The longest, in milliseconds.
    pub fn longest(&self) -> Option<f64> {
        self.0.as_ref().filter(|histogram| !histogram.is_empty()).map(|histogram| ms(histogram.max()))
    }

    /// How they are distributed.
    pub fn quantiles(&self) -> Quantiles {
        let Some(histogram) = self.0.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Quantiles::default();
        };
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Quantiles {
            count: histogram.len(),
            mean: histogram.mean() / 1e3,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(histogram.max()),
        }
    }

    /// Percentiles that follow the curve, each with its length in milliseconds: twice as many each time the distance to a
    /// hundred is halved.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let Some(histogram) = self.0.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Vec::new();
        };
        histogram
            .iter_quantiles(4)
            .map(|step| (step.quantile_iterated_to() * 100.0, ms(step.value_iterated_to())))
            .collect()
    }
}

/// The longest that is told apart: a day.
const LONGEST: u64 = 86_400_000_000;

#[allow(clippy::cast_precision_loss, reason = "a figure to be read")]
fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// What happened, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Events that were meant to be sent.
    pub intended: u64,
    /// Those that left. Some did not after all: they are taken back.
    pub sent: i64,
    /// Those that arrived, each once.
    pub received: u64,
    /// Arrivals of what had arrived.
    pub duplicated: u64,
    /// Arrivals after what was sent later.
    pub out_of_order: u64,
    /// Arrivals of what nobody sent.
    pub unexpected: u64,
    /// Events that did not leave.
    pub not_sent: u64,
    /// Events that the server refused.
    pub refused: u64,
    /// Events that left without an answer.
    pub unconfirmed: u64,
    /// How often one left interacting for no reason that was planned.
    pub left_interacting: u64,
    /// Incidents that began, by their places in [`Incident::ALL`].
    pub incidents: [u64; Incident::ALL.len()],
    /// What went wrong, by kind.
    pub errors: BTreeMap<String, u64>,
}

impl Counts {
    /// One more that went wrong in this way.
    pub fn error(&mut self, kind: &str, what: &str) {
        let key = if what.is_empty() { kind.to_owned() } else { format!("{kind} {what}") };
        self.errors_of(key, 1);
    }

    /// Reasons that a server gives in its own words must not fill the memory.
    fn errors_of(&mut self, mut kind: String, count: u64) {
        if let Some((end, _)) = kind.char_indices().nth(LONGEST_ERROR) {
            kind.truncate(end);
        }
        if self.errors.len() >= MOST_ERRORS && !self.errors.contains_key(&kind) {
            kind = "others".to_owned();
        }
        *self.errors.entry(kind).or_default() += count;
    }

    /// All that went wrong.
    pub fn all_errors(&self) -> u64 {
        self.errors.values().sum()
    }

    /// These, too.
    pub fn add(&mut self, other: &Counts) {
        self.intended += other.intended;
        self.sent += other.sent;
        self.received += other.received;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.unexpected += other.unexpected;
        self.not_sent += other.not_sent;
        self.refused += other.refused;
        self.unconfirmed += other.unconfirmed;
        self.left_interacting += other.left_interacting;
        for (mine, other) in self.incidents.iter_mut().zip(other.incidents) {
            *mine += other;
        }
        for (kind, count) in &other.errors {
            self.errors_of(kind.clone(), *count);
        }
    }
}

/// How many kinds of errors are told apart.
const MOST_ERRORS: usize = 100;

/// In how many characters.
const LONGEST_ERROR: usize = 80;

/// How long things took.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// From due to arrival, of all that arrived.
    pub latency: Lengths,
    /// Of those that were due while it was measured.
    pub measured_latency: Lengths,
    /// Trials that began while it was measured.
    pub trials: Lengths,
    /// How late clients acted, while it was measured.
    pub lag: Lengths,
    /// Until a crSocket was connected for the first time.
    pub connect: Lengths,
    /// From then until a pair was interacting.
    pub pairing: Lengths,
    /// After incidents, by their places in [`Incident::ALL`].
    pub recovery: [Lengths; Incident::ALL.len()],
}

impl Durations {
    /// These, too.
    pub fn add(&mut self, other: &Durations) {
        self.latency.add(&other.latency);
        self.measured_latency.add(&other.measured_latency);
        self.trials.add(&other.trials);
        self.lag.add(&other.lag);
        self.connect.add(&other.connect);
        self.pairing.add(&other.pairing);
        for (mine, other) in self.recovery.iter_mut().zip(&other.recovery) {
            mine.add(other);
        }
    }
}

/// What was seen since the last time.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// What happened.
    pub counts: Counts,
    /// How long things took.
    pub durations: Durations,
    /// Present crSockets, by state.
    pub states: [usize; State::NAMES.len()],
    /// The time they spent in each state, together, in seconds.
    pub time_in_state: [f64; State::NAMES.len()],
    /// Events that left and may still arrive.
    pub on_their_way: usize,
}

impl Tally {
    /// These, too.
    pub fn add(&mut self, other: &Tally) {
        self.counts.add(&other.counts);
        self.durations.add(&other.durations);
        for (mine, other) in self.states.iter_mut().zip(other.states) {
            *mine += other;
        }
        for (mine, other) in self.time_in_state.iter_mut().zip(other.time_in_state) {
            *mine += other;
        }
        self.on_their_way += other.on_their_way;
    }

    /// All present crSockets.
    pub fn sockets(&self) -> usize {
        self.states.iter().sum()
    }

    /// Those of them that are interacting.
    pub fn interacting(&self) -> usize {
        self.states[INTERACTING]
    }

    /// Those of them that are connected.
    pub fn connected(&self) -> usize {
        self.states.iter().skip(CONNECTED).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::receiver::WhyClosed;
    use crate::protocol::sender::WhyNotReady;
    use crate::protocol::socket::{WhyPassive, WhyUnconnected, WhyUnpaired};

    #[test]
    fn lengths_of_two_threads_are_those_of_one() {
        let (mut one, mut other, mut both) = (Lengths::default(), Lengths::default(), Lengths::default());
        assert_eq!((one.quantiles(), one.percentile(50.0)), (Quantiles::default(), None));
        for micros in 1..=10_000_u64 {
            let length = Duration::from_micros(micros);
            if micros % 3 == 0 {
                one.record(length);
            } else {
                other.record(length);
            }
            both.record(length);
        }
        one.add(&other);
        assert_eq!(one.quantiles(), both.quantiles());
        let Quantiles { count, mean, p50, p99, max, .. } = both.quantiles();
        assert_eq!(count, 10_000);
        for (seen, exact) in [(mean, 5.0), (p50, 5.0), (p99, 9.9), (max, 10.0)] {
            assert!((seen - exact).abs() <= exact * 0.002, "{seen} where {exact} is exact");
        }
        let curve = both.curve();
        assert!(curve.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1), "{curve:?}");
        assert_eq!(curve.last().map(|(percentile, _)| *percentile), Some(100.0));
    }

    #[test]
    fn each_state_has_the_place_of_its_name() {
        for state in [
            State::Passive(WhyPassive::Paused),
            State::ReadyToConnect(WhyUnconnected::Closed(WhyClosed::NoAccessToken)),
            State::Connecting,
            State::ReadyToPair(WhyUnpaired::NotReady(WhyNotReady::NoClientId)),
            State::Searching,
            State::Interacting,
        ] {
            assert_eq!(State::NAMES[place_of(&state)], state.as_str());
        }
        assert!(State::NAMES.iter().skip(CONNECTED).eq(&["readyToPair", "searching", "interacting"]));
    }

    #[test]
    fn kinds_of_errors_are_bounded() {
        let mut counts = Counts::default();
        for number in 0..1_000 {
            counts.error("refused", &number.to_string());
        }
        counts.error("refused", &"x".repeat(10_000));
        let mut all = Counts::default();
        for _ in 0..3 {
            all.add(&counts);
            counts.errors = counts.errors.iter().map(|(kind, count)| (format!("{kind}!"), *count)).collect();
        }
        assert_eq!((counts.all_errors(), all.all_errors()), (1_001, 3_003));
        assert!(all.errors.len() <= MOST_ERRORS + 1, "{}", all.errors.len());
        assert!(all.errors.keys().all(|kind| kind.chars().count() <= LONGEST_ERROR));
    }
}
