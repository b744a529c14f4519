//! How long crEvents take from their acceptance until they are written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The upper bounds of the buckets that are counted for good, in microseconds; what is longer is in one more.
pub const BUCKETS: [u64; 19] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// How long percentiles look back: as long, and up to twice as long.
const WINDOW: Duration = Duration::from_secs(30);

/// The longest time that is told apart, in microseconds: nothing waits longer than an `unassign`.
const LONGEST: u64 = 3_600_000_000;

/// Times from acceptance to writing.
#[derive(Debug)]
pub struct Latency {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    sum: AtomicU64,
    recent: Mutex<Option<Recent>>,
}

/// The times of the present window, and of the one before.
#[derive(Debug)]
struct Recent {
    began: Instant,
    now: Histogram<u64>,
    before: Histogram<u64>,
}

/// Percentiles of the last window or two, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Of so many crEvents.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// 99 of a hundred.
    pub p99: u64,
    /// 999 of a thousand.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// All times since the start, by the buckets of [`BUCKETS`] and one more for what is longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cumulated {
    /// How many in each; not those of the buckets below.
    pub counts: [u64; BUCKETS.len() + 1],
    /// Their sum, in microseconds.
    pub sum: u64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            sum: AtomicU64::new(0),
            recent: Mutex::new(Recent::new()),
        }
    }
}

impl Latency {
    /// One more.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BUCKETS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(micros, Ordering::Relaxed);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recent) = recent.as_mut() {
            recent.now.saturating_record(micros);
        }
    }

    /// Percentiles of the last half minute to minute.
    pub fn percentiles(&self) -> Percentiles {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.as_mut().map_or_else(Percentiles::default, |recent| recent.percentiles(Instant::now()))
    }

    /// All since the start.
    pub fn cumulated(&self) -> Cumulated {
        let counts = std::array::from_fn(|place| {
            self.buckets.get(place).map_or(0, |bucket| bucket.load(Ordering::Relaxed))
        });
        Cumulated { counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

impl Recent {
    /// None where the histogram cannot be made; its bounds are fixed, so it can.
    fn new() -> Option<Recent> {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 2).ok()?;
        Some(Recent { began: Instant::now(), before: histogram.clone(), now: histogram })
    }

    fn percentiles(&mut self, now: Instant) -> Percentiles {
        let age = now.saturating_duration_since(self.began);
        if age >= WINDOW {
            std::mem::swap(&mut self.now, &mut self.before);
            self.now.reset();
            if age >= WINDOW * 2 {
                self.before.reset();
            }
            self.began = now;
        }
        let mut both = self.before.clone();
        // Both have the same bounds.
        let _ = both.add(&self.now);
        Percentiles {
            count: both.len(),
            p50: both.value_at_quantile(0.5),
            p90: both.value_at_quantile(0.9),
            p99: both.value_at_quantile(0.99),
            p999: both.value_at_quantile(0.999),
            max: both.max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let latency = Latency::default();
        assert_eq!(latency.percentiles(), Percentiles::default());
        for micros in 1..=1_000 {
            latency.record(Duration::from_micros(micros));
        }
        let Percentiles { count, p50, p90, p99, p999, max } = latency.percentiles();
        assert_eq!(count, 1_000);
        for (seen, exact) in [(p50, 500), (p90, 900), (p99, 990), (p999, 999), (max, 1_000)] {
            assert!(seen.abs_diff(exact) * 100 <= exact, "{seen} where {exact} is exact");
        }
    }

    #[test]
    fn what_is_old_is_forgotten_by_percentiles_but_not_by_buckets() {
        let latency = Latency::default();
        latency.record(Duration::from_millis(5));
        let at = |recent: &mut Option<Recent>, after: Duration| {
            let recent = recent.as_mut().unwrap();
            let now = recent.began + after;
            recent.percentiles(now).count
        };
        let mut recent = latency.recent.lock().unwrap();
        assert_eq!(at(&mut recent, WINDOW - Duration::from_secs(1)), 1);
        assert_eq!(at(&mut recent, WINDOW), 1, "it is in the window before");
        assert_eq!(at(&mut recent, WINDOW), 0);
        drop(recent);
        latency.record(Duration::from_millis(5));
        let recent = &mut latency.recent.lock().unwrap();
        assert_eq!(at(recent, WINDOW * 2), 0, "nobody asked for two windows");
        assert_eq!(latency.cumulated().counts.iter().sum::<u64>(), 2);
    }

    #[test]
    fn each_time_is_in_the_bucket_of_its_bound() {
        let latency = Latency::default();
        for micros in [0, 10, 11, 10_000_000, 10_000_001, u64::MAX / 2] {
            latency.record(Duration::from_micros(micros));
        }
        let Cumulated { counts, .. } = latency.cumulated();
        let seen: Vec<(usize, u64)> =
            counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        assert_eq!(seen, [(0, 2), (1, 1), (18, 1), (19, 2)]);
    }
}
