//! A crSocket seen from now, for a model checker: equal situations at different times are equal values.

use super::Socket;
use super::partner::Heard;
use crate::protocol::receiver::LATEST;
use crate::protocol::time::Step;

impl Socket {
    /// This crSocket as it would be if now were zero: from then on it does the same at the shifted times.
    ///
    /// An event that makes its sender active no more is forgotten, the other one becomes an age.
    #[must_use]
    pub fn aged(&self, step: &Step<'_>) -> Socket {
        let mut aged = self.clone();
        let counts =
            |heard: &&Heard| heard.active && step.now - heard.at < step.timing.partner_active_max_event_in_dt;
        let heard = self.heard.as_ref().filter(counts);
        aged.heard = heard.map(|heard| Heard { at: heard.at - step.now, ..heard.clone() });
        aged.ping_due = self.ping_due.map(|due| due.seen_from(step.now, LATEST));
        aged.armed = self.armed.map(|(timer, due)| (timer, due.seen_from(step.now, LATEST)));
        aged
    }

    /// The number of the last input its receiver was given.
    pub(in crate::protocol) fn revision(&self) -> u32 {
        self.revision
    }

    /// Counts inputs of the receiver, and clearings of rejections, anew.
    pub(in crate::protocol) fn renumber(&mut self, revision: u32, clearings: u32) {
        self.revision = revision;
        self.sender.clearings = clearings;
    }
}
