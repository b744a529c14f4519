//! What will happen, in order of time, and of scheduling where the time is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::protocol::time::Millis;

/// Happenings in their order. The heap holds small keys, the happenings stay where they are: they are large.
#[derive(Debug)]
pub(super) struct Queue<T> {
    keys: BinaryHeap<Reverse<Key>>,
    happenings: Vec<Option<T>>,
    free: Vec<u32>,
    last: u64,
}

/// The order of happenings; the place comes last and never decides.
type Key = (Millis, u64, u32);

impl<T> Queue<T> {
    pub(super) fn new() -> Queue<T> {
        Queue { keys: BinaryHeap::new(), happenings: Vec::new(), free: Vec::new(), last: 0 }
    }

    /// Schedules a happening, and says by which number it will be known.
    pub(super) fn push(&mut self, at: Millis, happening: T) -> u64 {
        self.last += 1;
        let place = self.keep(happening);
        self.keys.push(Reverse((at, self.last, place)));
        self.last
    }

    /// The next happening, if it comes no later than `until`: its time, its number, and itself.
    pub(super) fn pop_until(&mut self, until: Millis) -> Option<(Millis, u64, T)> {
        let next = self.keys.peek_mut().filter(|key| key.0.0 <= until)?;
        let Reverse((at, order, place)) = PeekMut::pop(next);
        self.free.push(place);
        let happening =
            usize::try_from(place).ok().and_then(|place| self.happenings.get_mut(place)?.take())?;
        Some((at, order, happening))
    }

    fn keep(&mut self, happening: T) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(kept) = usize::try_from(place).ok().and_then(|place| self.happenings.get_mut(place))
        {
            *kept = Some(happening);
            return place;
        }
        self.happenings.push(Some(happening));
        u32::try_from(self.happenings.len() - 1).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn happenings_come_by_time_and_then_as_they_were_scheduled() {
        let mut queue = Queue::new();
        for (at, name) in [(3, "c"), (1, "a"), (3, "d"), (2, "b")] {
            queue.push(Millis(at), name);
        }
        let mut seen = Vec::new();
        while let Some((_, _, name)) = queue.pop_until(Millis(3)) {
            seen.push(name);
            if name == "b" {
                queue.push(Millis(3), "e");
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
        queue.push(Millis(4), "late");
        assert_eq!(queue.pop_until(Millis(3)), None);
    }
}
