//! What will happen, in order of time, and of scheduling where the time is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::protocol::time::Millis;

/// Happenings in their order. The heap holds small keys, the happenings stay where they are: they are large, but for
/// alarms, of which there are many.
#[derive(Debug)]
pub(super) struct Queue<A, T> {
    keys: BinaryHeap<Reverse<Key>>,
    alarms: Slots<A>,
    happenings: Slots<T>,
    last: u64,
}

/// The order of happenings, in one number: the time, the number, and behind them whether it is an alarm and its place,
/// which never decide. Comparing two is most of what a queue does.
type Key = i128;

/// How many bits of a key the place takes, with the one for alarms above it.
const PLACE_BITS: u32 = 24;
/// How many bits of a key lie below its time.
const BELOW_TIME: u32 = u64::BITS;

/// What comes out of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next<A, T> {
    /// An alarm.
    Alarm(A),
    /// Anything else.
    Happening(T),
}

/// Things where they lie, and the places that are free.
#[derive(Debug)]
struct Slots<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<A, T> Queue<A, T> {
    pub(super) fn new() -> Queue<A, T> {
        Queue { keys: BinaryHeap::new(), alarms: Slots::new(), happenings: Slots::new(), last: 0 }
    }

    /// Schedules a happening, and says by which number it will be known.
    pub(super) fn push(&mut self, at: Millis, happening: T) -> u64 {
        let place = self.happenings.keep(happening);
        self.schedule(at, false, place)
    }

    /// Schedules an alarm, likewise.
    pub(super) fn push_alarm(&mut self, at: Millis, alarm: A) -> u64 {
        let place = self.alarms.keep(alarm);
        self.schedule(at, true, place)
    }

    /// The next happening, if it comes no later than `until`: its time, its number, and itself.
    pub(super) fn pop_until(&mut self, until: Millis) -> Option<(Millis, u64, Next<A, T>)> {
        let next = self.keys.peek_mut().filter(|key| time_of(key.0) <= until)?;
        let Reverse(key) = PeekMut::pop(next);
        let (at, (order, is_alarm, place)) = (time_of(key), below_time(key));
        let next = if is_alarm {
            Next::Alarm(self.alarms.take(place)?)
        } else {
            Next::Happening(self.happenings.take(place)?)
        };
        Some((at, order, next))
    }

    fn schedule(&mut self, at: Millis, is_alarm: bool, place: u32) -> u64 {
        self.last += 1;
        let below = (self.last << (PLACE_BITS + 1)) | (u64::from(is_alarm) << PLACE_BITS) | u64::from(place);
        self.keys.push(Reverse((i128::from(at.0) << BELOW_TIME) | i128::from(below)));
        self.last
    }
}

fn time_of(key: Key) -> Millis {
    Millis(i64::try_from(key >> BELOW_TIME).unwrap_or(i64::MAX))
}

/// The number, whether it is an alarm, and the place.
fn below_time(key: Key) -> (u64, bool, u32) {
    let below = u64::try_from(key & i128::from(u64::MAX)).unwrap_or(u64::MAX);
    let place = below & ((1 << PLACE_BITS) - 1);
    (below >> (PLACE_BITS + 1), (below >> PLACE_BITS) & 1 == 1, u32::try_from(place).unwrap_or(u32::MAX))
}

impl<T> Slots<T> {
    const fn new() -> Slots<T> {
        Slots { things: Vec::new(), free: Vec::new() }
    }

    fn keep(&mut self, thing: T) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(kept) = usize::try_from(place).ok().and_then(|place| self.things.get_mut(place))
        {
            *kept = Some(thing);
            return place;
        }
        self.things.push(Some(thing));
        u32::try_from(self.things.len() - 1).unwrap_or(u32::MAX)
    }

    fn take(&mut self, place: u32) -> Option<T> {
        self.free.push(place);
        usize::try_from(place).ok().and_then(|place| self.things.get_mut(place)?.take())
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
        queue.push_alarm(Millis(1), 7);
        let mut seen = Vec::new();
        while let Some((_, _, next)) = queue.pop_until(Millis(3)) {
            let name = match next {
                Next::Alarm(7) => "alarm",
                Next::Alarm(_) => "another alarm",
                Next::Happening(name) => name,
            };
            seen.push(name);
            if name == "b" {
                queue.push(Millis(3), "e");
            }
        }
        assert_eq!(seen, ["a", "alarm", "b", "c", "d", "e"]);
        queue.push(Millis(4), "late");
        assert_eq!(queue.pop_until(Millis(3)), None);
    }
}
