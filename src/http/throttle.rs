//! Warnings that a stranger can bring about as often as he likes are said once a minute.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The least time between two warnings of one kind.
const WARNING_DT: Duration = Duration::from_secs(60);

/// When a warning was last said.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    /// Never so far.
    pub(super) const fn new() -> Throttle {
        Throttle(Mutex::new(None))
    }

    /// Whether it is to be said now; then it counts as said.
    pub(super) fn says(&self) -> bool {
        let Ok(mut last) = self.0.lock() else { return true };
        let says = last.is_none_or(|last| last.elapsed() >= WARNING_DT);
        if says {
            *last = Some(Instant::now());
        }
        says
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_not_the_next() {
        let throttle = Throttle::new();
        assert!(throttle.says());
        assert!(!throttle.says());
    }
}
