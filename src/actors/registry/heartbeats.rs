//! When which stream is looked at for a heartbeat.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::protocol::ids::Pid;
use crate::protocol::time::Millis;

/// One entry for each stream, never later than its heartbeat is due. Most streams have written something since by the
/// time theirs comes up, and get a new one then; so writing costs nothing.
#[derive(Debug, Default)]
pub(super) struct Heartbeats(BinaryHeap<Reverse<(Millis, Pid)>>);

impl Heartbeats {
    /// Looks at this stream then.
    pub(super) fn push(&mut self, at: Millis, pid: Pid) {
        self.0.push(Reverse((at, pid)));
    }

    /// When the next stream is to be looked at.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// A stream that is to be looked at now. Those that are gone are still among them.
    pub(super) fn pop_due(&mut self, now: Millis) -> Option<Pid> {
        let is_due = self.next_due().is_some_and(|at| at <= now);
        is_due.then(|| self.0.pop().map(|Reverse((_, pid))| pid)).flatten()
    }
}
