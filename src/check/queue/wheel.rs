//! A hierarchical timing wheel: what is scheduled, in order of time, and of scheduling where the time is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::protocol::time::Millis;

/// A time is read as digits of so many bits.
const DIGIT_BITS: u32 = 6;
/// How many values a digit has.
const DIGITS: usize = 1 << DIGIT_BITS;
/// How many digits a time has.
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;
/// No node.
const NIL: u32 = u32::MAX;

/// What is scheduled. A time stands in a list of the level of the highest digit in which it differs from the cursor, so
/// that lower levels come sooner; when the cursor comes to a list of a higher level, that is dealt out to lower ones. A
/// heap would compare each time with several others on its way in, and again on its way out.
///
/// What has the same time always stands in the same list, in the order in which it was scheduled: lists are dealt out in
/// their order, to lists that are empty.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    /// Nothing in the lists is earlier.
    cursor: u64,
    lists: Box<[[List; DIGITS]; LEVELS]>,
    /// Which lists of each level are not empty, by bits.
    occupied: [u64; LEVELS],
    nodes: Vec<Node<T>>,
    /// The first node that is not used.
    free: u32,
    /// What was scheduled for a time before the cursor: the time, in which order, and what.
    late: BinaryHeap<Reverse<(Millis, u64, u32)>>,
    late_ones: u64,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node<T> {
    at: Millis,
    what: T,
    next: u32,
}

#[expect(
    clippy::indexing_slicing,
    reason = "nodes are given out here; levels and digits are within their bounds"
)]
#[expect(clippy::cast_possible_truncation, reason = "levels and digits are small")]
impl<T: Copy> Wheel<T> {
    pub(super) fn new() -> Wheel<T> {
        Wheel {
            cursor: 0,
            lists: Box::new([[List { first: NIL, last: NIL }; DIGITS]; LEVELS]),
            occupied: [0; LEVELS],
            nodes: Vec::new(),
            free: NIL,
            late: BinaryHeap::new(),
            late_ones: 0,
        }
    }

    /// Schedules something, behind what was scheduled for the same time.
    pub(super) fn push(&mut self, at: Millis, what: T) {
        let node = self.node(at, what);
        match u64::try_from(at.0) {
            Ok(time) if time >= self.cursor => self.append(time, node),
            Ok(_) | Err(_) => {
                self.late_ones += 1;
                self.late.push(Reverse((at, self.late_ones, node)));
            }
        }
    }

    /// Takes the first, if it comes no later than `until`.
    pub(super) fn pop_until(&mut self, until: Millis) -> Option<(Millis, T)> {
        if !self.late.is_empty() {
            let late = self.late.peek_mut().filter(|late| late.0.0 <= until)?;
            let Reverse((_, _, node)) = PeekMut::pop(late);
            return Some(self.release(node));
        }
        let latest = u64::try_from(until.0).ok()?;
        loop {
            let level = self.occupied.iter().position(|lists| *lists != 0)?;
            let digit = self.occupied[level].trailing_zeros() as usize;
            let List { first, last } = self.lists[level][digit];
            if first == last {
                if self.nodes[first as usize].at > until {
                    return None;
                }
                self.occupied[level] &= !(1 << digit);
                let (at, what) = self.release(first);
                self.cursor = at.0.unsigned_abs();
                return Some((at, what));
            }
            let begin = self.begin_of(level, digit);
            if begin > latest {
                return None;
            }
            self.cursor = begin;
            if level == 0 {
                self.lists[0][digit].first = self.nodes[first as usize].next;
                return Some(self.release(first));
            }
            self.deal_out(level, digit);
        }
    }

    /// The first time that belongs into a list.
    fn begin_of(&self, level: usize, digit: usize) -> u64 {
        let shift = DIGIT_BITS * level as u32;
        let above = self.cursor >> shift & !(DIGITS as u64 - 1);
        (above | digit as u64) << shift
    }

    fn deal_out(&mut self, level: usize, digit: usize) {
        self.occupied[level] &= !(1 << digit);
        let mut node = self.lists[level][digit].first;
        while node != NIL {
            let Node { at, next, .. } = self.nodes[node as usize];
            self.append(at.0.unsigned_abs(), node);
            node = next;
        }
    }

    fn append(&mut self, time: u64, node: u32) {
        let highest = u64::BITS - 1 - ((time ^ self.cursor) | 1).leading_zeros();
        let level = highest / DIGIT_BITS;
        let digit = (time >> (DIGIT_BITS * level)) as usize % DIGITS;
        let level = level as usize;
        self.nodes[node as usize].next = NIL;
        let list = &mut self.lists[level][digit];
        if self.occupied[level] & (1 << digit) == 0 {
            self.occupied[level] |= 1 << digit;
            *list = List { first: node, last: node };
        } else {
            self.nodes[list.last as usize].next = node;
            list.last = node;
        }
    }

    fn node(&mut self, at: Millis, what: T) -> u32 {
        let node = Node { at, what, next: NIL };
        match self.nodes.get_mut(self.free as usize) {
            Some(unused) => {
                let place = std::mem::replace(&mut self.free, unused.next);
                *unused = node;
                place
            }
            None => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len() - 1).unwrap_or(NIL)
            }
        }
    }

    fn release(&mut self, place: u32) -> (Millis, T) {
        let Node { at, what, next } = &mut self.nodes[place as usize];
        *next = std::mem::replace(&mut self.free, place);
        (*at, *what)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Times near and far, also before what came already.
    fn any_delay() -> impl Strategy<Value = i64> {
        prop_oneof![
            4 => 0..100_i64,
            2 => 0..5_000_i64,
            1 => 0..20_000_000_i64,
            1 => -100..0_i64,
            1 => Just(i64::MAX),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_gives_out_what_a_heap_does(
            steps in prop::collection::vec((prop::collection::vec(any_delay(), 0..6), any_delay()), 1..80)
        ) {
            let (mut wheel, mut heap) = (Wheel::new(), BinaryHeap::new());
            let (mut now, mut last) = (0_i64, 0_u64);
            for (delays, length) in steps {
                for delay in delays {
                    last += 1;
                    let at = Millis(now.saturating_add(delay));
                    wheel.push(at, last);
                    heap.push(Reverse((at, last)));
                }
                // Something comes, or time goes on without it.
                let until = Millis(now.saturating_add(length.min(10_000)));
                let first = heap.peek_mut().filter(|first: &PeekMut<'_, Reverse<(Millis, u64)>>| first.0.0 <= until);
                let expected = first.map(|first| PeekMut::pop(first).0);
                prop_assert_eq!(wheel.pop_until(until), expected);
                now = now.max(expected.map_or(until, |(at, _)| at).0);
            }
            while let Some(Reverse(next)) = heap.pop() {
                prop_assert_eq!(wheel.pop_until(Millis::MAX), Some(next));
            }
            prop_assert_eq!(wheel.pop_until(Millis::MAX), None);
        }
    }
}
