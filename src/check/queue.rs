//! What will happen, in order of time, and of scheduling where the time is the same.

use crate::protocol::time::Millis;

mod wheel;

use wheel::Wheel;

/// Happenings in their order. The happenings stay where they are: they are large, but for alarms, of which there are many.
#[derive(Debug)]
pub(super) struct Queue<A, T> {
    wheel: Wheel<Entry<A>>,
    happenings: Slots<T>,
    last: u64,
}

/// What is scheduled under a number.
#[derive(Clone, Copy, Debug)]
struct Entry<A> {
    order: u64,
    what: What<A>,
}

#[derive(Clone, Copy, Debug)]
enum What<A> {
    Alarm(A),
    /// A happening, and its place.
    Happening(u32),
}

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

impl<A: Copy, T> Queue<A, T> {
    pub(super) fn new() -> Queue<A, T> {
        Queue { wheel: Wheel::new(), happenings: Slots::new(), last: 0 }
    }

    /// Schedules a happening, and says by which number it will be known.
    pub(super) fn push(&mut self, at: Millis, happening: T) -> u64 {
        let place = self.happenings.keep(happening);
        self.schedule(at, What::Happening(place))
    }

    /// Schedules an alarm, likewise.
    pub(super) fn push_alarm(&mut self, at: Millis, alarm: A) -> u64 {
        self.schedule(at, What::Alarm(alarm))
    }

    /// The next happening, if it comes no later than `until`: its time, its number, and itself.
    pub(super) fn pop_until(&mut self, until: Millis) -> Option<(Millis, u64, Next<A, T>)> {
        let (at, Entry { order, what }) = self.wheel.pop_until(until)?;
        let next = match what {
            What::Alarm(alarm) => Next::Alarm(alarm),
            What::Happening(place) => Next::Happening(self.happenings.take(place)?),
        };
        Some((at, order, next))
    }

    fn schedule(&mut self, at: Millis, what: What<A>) -> u64 {
        self.last += 1;
        self.wheel.push(at, Entry { order: self.last, what });
        self.last
    }
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
