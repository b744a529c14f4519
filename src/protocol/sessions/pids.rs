//! The pids of streams.

use crate::protocol::ids::Pid;

/// Gives out pids that are never reused, also not by a later run (section 3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PidSequence {
    next: u64,
}

impl PidSequence {
    /// How many pids a second of running time may use up on average before a later run could repeat one: a million.
    const PER_SECOND: u64 = 1 << 20;

    /// The pids of a run that starts at this Unix time.
    pub fn starting_at(unix_seconds: u64) -> PidSequence {
        PidSequence { next: unix_seconds.saturating_mul(PidSequence::PER_SECOND).max(1) }
    }

    /// The pids from this one on.
    pub fn starting_with(first: Pid) -> PidSequence {
        PidSequence { next: first.number() }
    }

    /// The next pid; `None` when all below 2^53 are used up, which takes centuries.
    pub(super) fn next(&mut self) -> Option<Pid> {
        let pid = Pid::from_number(self.next)?;
        self.next += 1;
        Some(pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_3_pids_start_at_the_unix_time_times_2_to_the_20() {
        let mut pids = PidSequence::starting_at(1_800_000_000);
        assert_eq!(pids.next().unwrap().number(), 1_800_000_000 << 20);
        assert_eq!(pids.next().unwrap().number(), (1_800_000_000 << 20) + 1);
        assert_eq!(PidSequence::starting_at(0).next().unwrap().number(), 1, "a pid is positive");
    }

    #[test]
    fn section_3_pids_stay_below_2_to_the_53() {
        let mut pids = PidSequence { next: Pid::LIMIT - 1 };
        assert!(pids.next().is_some());
        assert_eq!(pids.next(), None);
        assert_eq!(pids.next(), None);
        assert_eq!(PidSequence::starting_at(u64::MAX).next(), None);
    }
}
