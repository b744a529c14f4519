//! Backoff with jitter (section 5, **D**), for streams that broke and for events the server did not take.

use crate::protocol::time::Millis;

/// The first wait, before jitter.
const FIRST: u16 = 500;
/// The longest wait, before jitter; also what a server's `retry:` is capped to.
const LONGEST: u16 = 15_000;
/// A server may ask for less than [`FIRST`], but not for a storm.
const SHORTEST: u16 = 100;

/// Doubling waits with a jitter of 25 % either way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Backoff {
    /// In milliseconds.
    base: u16,
    /// Waits since the last reset, capped where the wait stops growing.
    waits: u8,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { base: FIRST, waits: 0 }
    }
}

impl Backoff {
    /// What a server's `retry:` line said.
    pub(crate) fn set_base(&mut self, base: Millis) {
        self.base = u16::try_from(base.at_least_zero().0).unwrap_or(LONGEST).clamp(SHORTEST, LONGEST);
    }

    /// Back to the start.
    pub(crate) fn reset(&mut self) {
        self.waits = 0;
    }

    /// The next wait.
    pub(crate) fn next(&mut self, random: u64) -> Millis {
        let longest = Millis(LONGEST.into());
        let wait = Millis(self.base.into()).times(1 << self.waits).min(longest);
        if wait < longest {
            self.waits += 1;
        }
        let permille = 750 + i64::try_from(random % 501).unwrap_or(0);
        Millis(wait.times(permille).0 / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_5_backoff_doubles_from_half_a_second_to_15_s() {
        let mut backoff = Backoff::default();
        let waits: Vec<i64> = (0..8).map(|_| backoff.next(250).0).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        backoff.reset();
        assert_eq!(backoff.next(250), Millis(500), "section 5: back to the start");
    }

    #[test]
    fn section_5_backoff_has_a_jitter_of_a_quarter() {
        let waits: Vec<i64> = (0..1_000).map(|random| Backoff::default().next(random).0).collect();
        assert_eq!(waits.iter().min(), Some(&375));
        assert_eq!(waits.iter().max(), Some(&625));
    }

    #[test]
    fn section_5_backoff_starts_from_what_the_retry_line_said_within_reason() {
        for (said, used) in [(2_000, 2_000), (0, 100), (-5, 100), (i64::MAX, 15_000)] {
            let mut backoff = Backoff::default();
            backoff.set_base(Millis(said));
            assert_eq!(backoff.next(250), Millis(used), "retry: {said}");
        }
    }
}
