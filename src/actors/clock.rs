//! The time of the rules: milliseconds on a monotonic clock, without what the process slept. And time as others have it:
//! lengths as the standard library's, the calendar's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::protocol::time::Millis;

/// A timer that comes later than this says that the process was stopped meanwhile: suspended, or its machine was.
const SLEPT: Millis = Millis(1_000);

/// What a server measures ages with.
///
/// While a process stands still nobody can be heard, so that time counts against no session: else the first thing it
/// did on waking would be to end all of them.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    slept: Millis,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { start: Instant::now(), slept: Millis::ZERO }
    }
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Millis {
        Millis(i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX)) - self.slept
    }

    /// A timer that was due at `due` is served now. How long the process slept, if it did; that time is left out from
    /// now on.
    pub fn leave_out_sleep(&mut self, due: Millis) -> Option<Millis> {
        let late = self.now() - due;
        if late < SLEPT {
            return None;
        }
        self.slept += late;
        Some(late)
    }
}

/// How long a timer is armed for: nothing is due before its time.
pub fn until(due: Millis, now: Millis) -> Duration {
    duration(due - now)
}

/// A length as timers take it; a negative one is none.
pub fn duration(length: Millis) -> Duration {
    Duration::from_millis(u64::try_from(length.0).unwrap_or(0))
}

/// Calendar time, since 1970; none where the system's clock stands before that.
pub fn since_1970() -> Option<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}

/// The same in milliseconds.
pub fn unix_millis() -> Option<i64> {
    i64::try_from(since_1970()?.as_millis()).ok()
}

/// The same in whole seconds; zero where there is none.
pub fn unix_seconds() -> u64 {
    since_1970().map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn time_that_was_slept_is_left_out() {
        tokio::time::pause();
        let mut clock = Clock::default();
        assert_eq!(clock.now(), Millis::ZERO);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(clock.leave_out_sleep(Millis(100)), None, "a little late is no sleep");
        assert_eq!(clock.now(), Millis(500));
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(clock.leave_out_sleep(Millis(1_000)), Some(Millis(3_599_500)));
        assert_eq!(clock.now(), Millis(1_000));
    }

    #[test]
    fn what_is_overdue_is_due_now() {
        assert_eq!(until(Millis(5), Millis(2)), Duration::from_millis(3));
        assert_eq!(until(Millis(2), Millis(5)), Duration::ZERO);
    }
}
