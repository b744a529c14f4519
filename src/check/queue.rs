//! What will happen, in order of time, and of scheduling where the time is the same.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::protocol::time::Millis;

/// Happenings in their order.
#[derive(Debug)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    last: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Millis,
    order: u64,
    happening: T,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Queue<T> {
        Queue { heap: BinaryHeap::new(), last: 0 }
    }

    /// Schedules a happening, and says by which number it will be known.
    pub(super) fn push(&mut self, at: Millis, happening: T) -> u64 {
        self.last += 1;
        self.heap.push(Entry { at, order: self.last, happening });
        self.last
    }

    /// The next happening, if it comes no later than `until`: its time, its number, and itself.
    pub(super) fn pop_until(&mut self, until: Millis) -> Option<(Millis, u64, T)> {
        if self.heap.peek()?.at > until {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.order, entry.happening))
    }
}

// The heap has the greatest on top: the earliest is the greatest.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}
