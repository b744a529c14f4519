//! A sender seen from now, for a model checker: equal situations at different times are equal values.

use super::queues::Queues;
use super::{RequestNo, Sender};
use crate::protocol::receiver::LATEST;
use crate::protocol::time::{Millis, Step};

impl Sender {
    /// This sender as it would be if now were zero: from then on it does the same at the shifted times.
    ///
    /// Moments before which nothing may leave are forgotten once they are past, and so are strangers that may be
    /// rejected again.
    #[must_use]
    pub fn aged(&self, step: &Step<'_>) -> Sender {
        let mut aged = self.clone();
        aged.spaced_until = still_to_come(self.spaced_until, step);
        aged.retry_at = still_to_come(self.retry_at, step);
        aged.pace_due = self.pace_due.map(|due| due.seen_from(step.now, LATEST));
        if let Some(queues) = &mut aged.queues {
            queues.age(step);
        }
        aged.forget_empty_queues(&Step { now: Millis::ZERO, ..*step });
        aged
    }

    /// The number of the last request.
    pub(in crate::protocol) fn last_request(&self) -> RequestNo {
        self.last_request
    }

    /// Goes on counting requests from this number.
    pub(in crate::protocol) fn set_last_request(&mut self, last: RequestNo) {
        self.last_request = last;
    }

    /// The requests it waits for.
    pub(in crate::protocol) fn requests_mut(&mut self) -> impl Iterator<Item = &mut RequestNo> {
        let queues = self.queues.iter_mut().flat_map(|queues| {
            let events = queues.in_flight.iter_mut().map(|sent| &mut sent.request);
            events.chain(queues.unassigns.iter_mut().filter_map(|unassign| unassign.request.as_mut()))
        });
        self.ping_in_flight.iter_mut().chain(queues)
    }

    /// Counts the clearings of rejections anew.
    pub(in crate::protocol) fn set_clearings(&mut self, clearings: u32) {
        // Of a ping that is under way it matters only whether the rejection was cleared since.
        let was_cleared = self.ping_in_flight.is_some() && self.ping_clearings != self.facts.clearings;
        self.ping_clearings = clearings.wrapping_sub(u32::from(was_cleared));
        self.facts.clearings = clearings;
    }
}

impl Queues {
    fn age(&mut self, step: &Step<'_>) {
        for unassign in &mut self.unassigns {
            unassign.until = unassign.until.seen_from(step.now, Millis::ZERO);
            unassign.said_at = unassign.said_at.seen_from(step.now, step.timing.send_answer_dt);
        }
        self.unassign_due = self.unassign_due.map(|due| due.seen_from(step.now, LATEST));
        self.age_rejected(step.now, step.timing.min_cr_event_dt);
    }
}

fn still_to_come(at: Millis, step: &Step<'_>) -> Millis {
    if at > step.now { at - step.now } else { Millis::MIN }
}
