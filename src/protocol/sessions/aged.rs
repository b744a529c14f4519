//! The table seen from now, for a model checker: equal situations at different times are equal values.

use std::collections::BTreeSet;

use super::due::Due;
use super::ending::Ending;
use super::session::{Contest, Session, Slot, Standing};
use super::{PidSequence, ServerStep, SessionTable};
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::time::{Millis, Timing};

impl SessionTable {
    /// This table as it would be if now were zero: from then on it does the same at the shifted times.
    ///
    /// Instants become ages. Those of a session need no cap, because they end it; a session that has settled is not
    /// older than that, and what waits is not older than its longest wait. Slots that say nothing are gone, and when a
    /// slot is looked at next is when something in it is due: the looks in between decide nothing.
    #[must_use]
    pub fn aged(&self, step: &ServerStep<'_>) -> SessionTable {
        let mut aged = self.clone();
        let vacant = |(id, slot): (ClientId, &Slot)| slot.is_vacant(step.now, step.limits).then_some(id);
        for client_id in self.slots.iter().filter_map(vacant) {
            aged.slots.remove(client_id);
        }
        aged.due.clear();
        for (client_id, slot) in aged.slots.iter_mut() {
            slot.age(step);
            aged.due.extend(slot.queued.map(|at| (at, Due::Slot(client_id))));
        }
        for (pid, ending) in &mut aged.endings {
            ending.age(step);
            aged.due.insert((ending.queued, Due::Ending(*pid)));
        }
        aged.client_id_rate = self.client_id_rate.aged(&step.limits.client_id_rate, step.now);
        aged
    }

    /// Every pid that occurs in it: of sessions, of endings, and of those who sent what waits.
    pub fn known_pids(&self) -> BTreeSet<Pid> {
        let sessions = self.sessions().map(|(_, session)| session.pid);
        let lines = self.slots.iter().flat_map(|(_, slot)| slot.line.known_pids());
        sessions.chain(self.endings.keys().copied()).chain(lines).collect()
    }

    /// The same table, which gives these pids from now on. A model checker gives one again that occurs nowhere any
    /// more: to everybody it is a new one.
    #[must_use]
    pub fn with_pids(mut self, pids: PidSequence) -> SessionTable {
        self.pids = pids;
        self
    }
}

impl Slot {
    fn age(&mut self, step: &ServerStep<'_>) {
        let now = step.now;
        match &mut self.standing {
            Standing::Session(session) => session.age(now, step.timing),
            Standing::Reserved { until, .. } => *until = until.seen_from(now, Millis::ZERO),
            Standing::Free => {}
        }
        self.line.age(now, step.timing);
        self.rate = self.rate.aged(&step.limits.send_rate, now);
        let decides = self.is_in_use() || !self.line.is_empty();
        self.queued = self.queued.and_then(|at| {
            let due = if decides { self.due(Millis::ZERO, step.timing)? } else { at - now };
            Some(due.at_least_zero())
        });
    }
}

impl Session {
    fn age(&mut self, now: Millis, timing: &Timing) {
        self.opened = self.opened.seen_from(now, timing.hello_settle_dt);
        self.last_arrival = self.last_arrival - now;
        self.last_own_arrival = self.last_own_arrival - now;
        self.contest = match self.contest {
            Contest::Contested { since } => Contest::Contested { since: since - now },
            other @ (Contest::Quiet | Contest::Defended) => other,
        };
        self.output.age(now);
    }
}

impl Ending {
    fn age(&mut self, step: &ServerStep<'_>) {
        self.output.age(step.now);
        self.queued = self.due(step.timing).at_least_zero();
    }
}

#[cfg(test)]
mod tests;
