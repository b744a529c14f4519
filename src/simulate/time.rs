//! Time of a run.

use std::time::{Duration, Instant};

/// A moment in microseconds since the run began, or a length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// A second.
    pub const SECOND: Micros = Micros(1_000_000);

    /// So long after this.
    #[must_use]
    pub fn plus(self, length: Duration) -> Micros {
        Micros(self.0.saturating_add(u64::try_from(length.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long it is since an earlier moment; nothing where that is later.
    pub fn since(self, earlier: Micros) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// In seconds.
    #[allow(clippy::cast_precision_loss, reason = "a figure to be read")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// The clock of a run: all its threads have the same.
#[derive(Clone, Copy, Debug)]
pub struct RunClock(Instant);

impl RunClock {
    /// It begins now.
    pub fn start() -> RunClock {
        RunClock(Instant::now())
    }

    /// How late it is.
    pub fn now(&self) -> Micros {
        Micros::default().plus(self.0.elapsed())
    }

    /// This moment on the system's clock.
    pub fn instant(&self, at: Micros) -> Instant {
        // What is too far away for the clock is as good as now and again.
        self.0.checked_add(Duration::from_micros(at.0)).unwrap_or_else(Instant::now)
    }
}
