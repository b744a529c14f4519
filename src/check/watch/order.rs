//! In which order the events of one enclosing client leave (section 6).

use std::collections::BTreeSet;

use super::invariant::{Broken, Invariant};
use crate::protocol::ids::ClientId;

/// What left so far. Events are known by their tags, which grow.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The newest of all, and the newest for each recipient.
    newest: u64,
    for_each: Vec<(ClientId, u64)>,
    /// Events that are kept, or were put back after they had left: these may leave once more.
    put_back: BTreeSet<u64>,
}

impl Left {
    /// An event is kept, or was put back.
    pub(super) fn put_back(&mut self, tag: u64) {
        self.put_back.insert(tag);
    }

    /// The page is loaded anew: nothing is kept any more. Tags go on growing.
    pub(super) fn reloaded(self) -> Left {
        Left { put_back: BTreeSet::new(), ..self }
    }

    /// An event leaves, behind everything older, whoever that was for. What was kept may leave behind newer events for
    /// somebody else: a goodbye to him lets those leave.
    pub(super) fn leaves(&mut self, tag: u64, recipient: ClientId) -> Result<(), Broken> {
        let was_kept = self.put_back.remove(&tag);
        let newest = self.newest;
        self.newest = newest.max(tag);
        let last = match self.for_each.iter_mut().find(|(other, _)| *other == recipient) {
            Some((_, last)) => std::mem::replace(last, tag),
            None => {
                self.for_each.push((recipient, tag));
                0
            }
        };
        let is_in_order = if was_kept { tag >= last } else { tag > newest };
        if is_in_order {
            return Ok(());
        }
        let seen = format!("event {tag} leaves for {recipient} behind event {}", newest.max(last));
        Err((Invariant::OrderAtTheLink, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_6_events_leave_in_order_whoever_they_are_for() {
        let id = |number| ClientId::from_number(number).unwrap();
        // Tag and recipient of each that leaves, tags that are put back before; whether the last may leave so.
        for (what, leaves, put_back, holds) in [
            ("one after the other", [(1, 7), (2, 8), (3, 7)], None, true),
            ("an older one for the same", [(1, 7), (3, 7), (2, 7)], None, false),
            ("an older one for another", [(1, 7), (3, 8), (2, 7)], None, false),
            ("the same twice", [(1, 7), (2, 7), (2, 7)], None, false),
            ("the same, which was put back", [(1, 7), (2, 7), (2, 7)], Some(2), true),
            ("an older one for another, which was kept", [(1, 7), (3, 8), (2, 7)], Some(2), true),
            ("an older one for the same, which was kept", [(1, 7), (3, 7), (2, 7)], Some(2), false),
        ] {
            let mut left = Left::default();
            let mut held = Ok(());
            for (place, (tag, to)) in leaves.into_iter().enumerate() {
                assert_eq!(held, Ok(()), "{what}");
                if place == 2 {
                    put_back.into_iter().for_each(|tag| left.put_back(tag));
                }
                held = left.leaves(tag, id(to));
            }
            assert_eq!(held.is_ok(), holds, "{what}: {held:?}");
        }
    }
}
