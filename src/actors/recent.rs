//! What happened last in the crSockets of a process: one bounded ring of entries of one size.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::board::{SocketId, StateName};

/// The longest eventType that is kept, in bytes; of a longer one the beginning is.
const LONGEST_TYPE: usize = 22;

/// The ring. The oldest entry gives way.
#[derive(Debug)]
pub struct Recent {
    capacity: usize,
    entries: Mutex<VecDeque<Happening>>,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Calendar time, in milliseconds since 1970.
    pub at: i64,
    /// To which crSocket.
    pub socket: SocketId,
    /// What.
    pub what: What,
}

/// What happened. `ping`s are not among it: they would be all there is. Nor are goodbyes of its own, which its states tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It came to be.
    Spawned,
    /// It changed its state.
    Changed {
        /// Before.
        from: StateName,
        /// Now.
        to: StateName,
    },
    /// A crEvent of its own left.
    Sent(EventType),
    /// A crEvent of its partner came.
    Received(EventType),
    /// A child died, and it was reset.
    Reset,
    /// It is gone.
    Removed {
        /// Its last state.
        from: StateName,
    },
}

/// The beginning of an eventType.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    len: u8,
    bytes: [u8; LONGEST_TYPE],
}

impl Recent {
    /// A ring of so many entries; none keeps nothing.
    pub fn new(capacity: usize) -> Recent {
        Recent { capacity, entries: Mutex::default() }
    }

    /// One more.
    pub(super) fn push(&self, happening: Happening) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        while entries.len() >= self.capacity.max(1) {
            entries.pop_front();
        }
        if self.capacity > 0 {
            entries.push_back(happening);
        }
    }

    /// The last ones, up to `most`, of one crSocket or of all, oldest first.
    pub fn last(&self, most: usize, socket: Option<SocketId>) -> Vec<Happening> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |happening: &&Happening| socket.is_none_or(|socket| happening.socket == socket);
        let mut last: Vec<Happening> = entries.iter().rev().filter(wanted).take(most).copied().collect();
        last.reverse();
        last
    }
}

impl EventType {
    /// The beginning of this text.
    pub(super) fn new(text: &str) -> EventType {
        let mut bytes = [0; LONGEST_TYPE];
        let mut len = 0;
        for (to, from) in bytes.iter_mut().zip(text.bytes().take_while(u8::is_ascii)) {
            *to = from;
            len += 1;
        }
        EventType { len, bytes }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happening(at: i64, socket: u32, what: What) -> Happening {
        Happening { at, socket: SocketId(socket), what }
    }

    fn times(last: &[Happening]) -> Vec<i64> {
        last.iter().map(|happening| happening.at).collect()
    }

    #[test]
    fn the_oldest_entry_gives_way() {
        let recent = Recent::new(4);
        assert_eq!(recent.last(10, None), []);
        for at in 0..7 {
            recent.push(happening(at, u32::try_from(at % 2).unwrap(), What::Spawned));
            assert!(recent.entries.lock().unwrap().len() <= 4);
        }
        assert_eq!(times(&recent.last(10, None)), [3, 4, 5, 6], "oldest first");
        assert_eq!(times(&recent.last(2, None)), [5, 6], "the last ones");
        assert_eq!(times(&recent.last(10, Some(SocketId(1)))), [3, 5], "of one crSocket");
        assert_eq!(times(&recent.last(1, Some(SocketId(0)))), [6]);
        assert_eq!(recent.last(10, Some(SocketId(2))), []);
        assert_eq!(recent.last(0, None), []);
    }

    #[test]
    fn a_ring_of_none_keeps_nothing() {
        let recent = Recent::new(0);
        recent.push(happening(1, 1, What::Removed { from: StateName::FIRST }));
        assert_eq!(recent.last(10, None), []);
    }

    #[test]
    fn of_a_long_event_type_the_beginning_is_kept() {
        let long = "a".repeat(LONGEST_TYPE + 1);
        for (text, kept) in [
            ("", ""),
            ("answer", "answer"),
            (&long[1..], &long[1..]),
            (long.as_str(), &long[1..]),
            ("caf\u{e9} noir", "caf"),
            ("\u{1f642}", ""),
        ] {
            assert_eq!(EventType::new(text).as_str(), kept, "of {text:?}");
        }
    }
}
