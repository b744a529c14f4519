//! What an EventSender holds besides its facts. A quiet one holds nothing, and has no queues at all.

use std::collections::VecDeque;

use crate::protocol::action::{Outcome, RequestNo, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{ClientId, Credentials};
use crate::protocol::time::Millis;

/// How many strangers a sender remembers to have rejected (section 6).
const REMEMBERED_REJECTS: usize = 8;
/// How many partners are told again and again that they were unassigned; the oldest gives way.
const REPEATED_UNASSIGNS: usize = 8;

/// A crEvent of the enclosing client, with the clientId, accessToken and recipient it was made with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Queued {
    pub(super) ticket: Ticket,
    pub(super) event: CrEvent,
    pub(super) credentials: Credentials,
    pub(super) recipient: ClientId,
    /// It was kept while offline, and leaves right behind the ping.
    pub(super) was_kept: bool,
}

/// An event that left, and whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct InFlight {
    pub(super) request: RequestNo,
    pub(super) ticket: Ticket,
    /// The event itself, while it could be tried again: it is flagged buffered, and nothing followed it.
    pub(super) again: Option<Box<Queued>>,
}

/// An `unassign` that is repeated until it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unassign {
    pub(super) partner: ClientId,
    pub(super) credentials: Credentials,
    /// When it is given up.
    pub(super) until: Millis,
    /// The request that is under way.
    pub(super) request: Option<RequestNo>,
    /// When it was last handed to the line.
    pub(super) said_at: Millis,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Queues {
    /// Accepted, waiting for their turn.
    pub(super) queue: VecDeque<Queued>,
    /// Kept while offline: flagged buffered.
    pub(super) kept: VecDeque<Queued>,
    /// Left, outcome unknown.
    pub(super) in_flight: VecDeque<InFlight>,
    /// Repeated until answered.
    pub(super) unassigns: VecDeque<Unassign>,
    /// When the armed [`TimerKind::Unassign`](crate::protocol::time::TimerKind::Unassign) is due.
    pub(super) unassign_due: Option<Millis>,
    /// The strangers rejected last, and when.
    rejected: VecDeque<(ClientId, Millis)>,
}

impl Queues {
    /// Whether nothing is held that could matter from now on.
    pub(super) fn is_empty(&self, now: Millis, spacing: Millis) -> bool {
        self.queue.is_empty()
            && self.kept.is_empty()
            && self.in_flight.is_empty()
            && self.unassigns.is_empty()
            && self.rejected.iter().all(|&(_, at)| now - at >= spacing)
    }

    /// Accepted: it waits for its turn behind the others. Mostly there are none.
    pub(super) fn push(&mut self, event: Queued) {
        if self.queue.capacity() == 0 {
            self.queue.reserve_exact(1);
        }
        self.queue.push_back(event);
    }

    /// How many wait in the queue, and how many were kept: those that were released from there stand before the others.
    pub(super) fn lengths(&self) -> (usize, usize) {
        let released = self.queue.partition_point(|event| event.was_kept);
        (self.queue.len() - released, self.kept.len() + released)
    }

    /// Whether the queue has no room, counting what may come back to it.
    pub(super) fn is_queue_full(&self, max: usize) -> bool {
        let may_return = self.may_return().filter(|event| !event.was_kept).count();
        self.lengths().0 + may_return >= max
    }

    /// Whether no more can be kept, counting what may come back.
    pub(super) fn is_kept_full(&self, max: usize) -> bool {
        self.lengths().1 + self.may_return().count() >= max
    }

    fn may_return(&self) -> impl Iterator<Item = &Queued> {
        self.in_flight.iter().filter_map(|sent| sent.again.as_deref())
    }

    /// Whether a `reject` may go to this stranger now: at most one in `spacing`. Remembers it if so.
    pub(super) fn may_reject(&mut self, stranger: ClientId, now: Millis, spacing: Millis) -> bool {
        self.rejected.retain(|&(_, at)| now - at < spacing);
        if self.rejected.iter().any(|&(other, _)| other == stranger) {
            return false;
        }
        if self.rejected.len() == REMEMBERED_REJECTS {
            self.rejected.pop_front();
        }
        self.rejected.push_back((stranger, now));
        true
    }

    /// Seen from now: strangers that may be rejected again are forgotten.
    pub(super) fn age_rejected(&mut self, now: Millis, spacing: Millis) {
        self.rejected.retain(|&(_, at)| now - at < spacing);
        for (_, at) in &mut self.rejected {
            *at = *at - now;
        }
    }

    /// Something left behind what is in flight: none of that may be tried again, it would come out of order.
    pub(super) fn mark_followed(&mut self) {
        for sent in &mut self.in_flight {
            sent.again = None;
        }
    }

    /// What was kept goes to the head of the queue, in order.
    pub(super) fn release_kept(&mut self) {
        while let Some(mut event) = self.kept.pop_back() {
            event.was_kept = true;
            self.queue.push_front(event);
        }
    }

    /// An event that the server did not take goes back to where it came from: before everything newer.
    pub(super) fn put_back(&mut self, event: Queued) {
        if self.kept.is_empty() {
            self.queue.push_front(event);
        } else {
            self.kept.push_front(event);
        }
    }

    /// The outcome of an `unassign`: any answer of the server that does not ask for another try ends it. Says whether
    /// it was the last one.
    pub(super) fn unassign_outcome(&mut self, request: RequestNo, outcome: &Outcome, now: Millis) -> bool {
        let again = outcome.is_worth_another_try() || *outcome == Outcome::NoAnswer;
        self.end_unassigns(|unassign| {
            let this = unassign.request == Some(request);
            if this {
                unassign.request = None;
            }
            this && (!again || now >= unassign.until)
        })
    }

    /// This partner is assigned again. Says whether its `unassign` was the last one.
    pub(super) fn stop_unassigning(&mut self, partner: ClientId) -> bool {
        self.end_unassigns(|unassign| unassign.partner == partner)
    }

    fn end_unassigns(&mut self, mut ends: impl FnMut(&mut Unassign) -> bool) -> bool {
        let before = self.unassigns.len();
        self.unassigns.retain_mut(|unassign| !ends(unassign));
        let ended_last = self.unassigns.len() < before && self.unassigns.is_empty();
        if ended_last {
            self.unassign_due = None;
        }
        ended_last
    }

    /// Says whether it is the only one: others have the timer running already.
    pub(super) fn repeat_unassign(&mut self, unassign: Unassign) -> bool {
        self.unassigns.retain(|other| other.partner != unassign.partner);
        if self.unassigns.len() == REPEATED_UNASSIGNS {
            self.unassigns.pop_front();
        }
        self.unassigns.push_back(unassign);
        self.unassigns.len() == 1
    }
}
