//! What time does: sessions age, reservations and waiting crEvents expire, sessions settle, unread endings are cut.

use super::action::{Dropped, Note, ServerAction};
use super::ledger::dropped;
use super::session::{FORGET_DT, Standing};
use super::{ServerStep, SessionTable};
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::time::Millis;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Due {
    Slot(ClientId),
    Ending(Pid),
}

impl SessionTable {
    /// When [`sweep`](SessionTable::sweep) is to be called next; `None` while there is nothing to wait for.
    pub fn next_due(&self) -> Option<Millis> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Does what time asks for until now.
    pub fn sweep(&mut self, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        while let Some((at, due)) = self.due.first().copied().filter(|(at, _)| *at <= step.now) {
            self.due.remove(&(at, due));
            match due {
                Due::Slot(client_id) => self.look_at(client_id, step, actions),
                Due::Ending(pid) => self.look_at_ending(pid, step, actions),
            }
        }
    }

    /// Does what is due at this clientId before anything else happens there, so that nothing depends on when `sweep`
    /// was called.
    pub(super) fn catch_up(
        &mut self,
        client_id: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let queued = self.slots.get(client_id).and_then(|slot| slot.queued);
        if let Some(at) = queued.filter(|at| *at <= step.now) {
            self.due.remove(&(at, Due::Slot(client_id)));
            self.look_at(client_id, step, actions);
        }
    }

    /// Looks at a slot whose entry was taken out of the queue.
    fn look_at(&mut self, client_id: ClientId, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        let Some(slot) = self.slots.get_mut(client_id) else { return };
        slot.queued = None;
        match &slot.standing {
            Standing::Session(session) => {
                let (at, why) = session.end(step.timing);
                if at <= step.now {
                    self.end_session(client_id, why, step, actions);
                } else {
                    self.drain(client_id, step, actions);
                }
            }
            Standing::Reserved { until, .. } => {
                if *until <= step.now {
                    slot.standing = Standing::Free;
                    self.reservations -= 1;
                }
                self.expire_line(client_id, step, actions);
            }
            Standing::Free => self.expire_line(client_id, step, actions),
        }
        self.reschedule(client_id, step);
    }

    /// Drops what has waited for long enough without a session.
    pub(super) fn expire_line(
        &mut self,
        client_id: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let expired = |table: &mut SessionTable| {
            table.slots.get_mut(client_id)?.line.pop_expired(step.now, step.timing)
        };
        while let Some(waiting) = expired(self) {
            self.release_line(waiting.share(), step.now);
            actions.push(dropped(&waiting, client_id, Dropped::Expired));
        }
    }

    /// Makes sure that the slot is looked at when something in it is due, and forgets it when it says nothing.
    pub(super) fn reschedule(&mut self, client_id: ClientId, step: &ServerStep<'_>) {
        let Some(slot) = self.slots.get(client_id) else { return };
        if slot.is_vacant(step.now, step.limits) {
            if let Some(at) = slot.queued {
                self.due.remove(&(at, Due::Slot(client_id)));
            }
            self.slots.remove(client_id);
        } else if let Some(at) = slot.due(step.now, step.timing) {
            // What is due at once was just done; what is left of it cannot be, and must not be tried for ever.
            self.schedule(client_id, at.max(step.now + Millis(1)));
        }
    }

    /// A slot that nobody has any more is looked at a little later, and forgotten then.
    pub(super) fn forget_later(&mut self, client_id: ClientId, now: Millis) {
        let is_left = |slot: &super::Slot| {
            !slot.is_in_use() && slot.line.is_empty() && slot.held.is_nothing() && slot.queued.is_none()
        };
        if self.slots.get(client_id).is_some_and(is_left) {
            self.schedule(client_id, now + FORGET_DT);
        }
    }

    fn schedule(&mut self, client_id: ClientId, at: Millis) {
        let Some(slot) = self.slots.get_mut(client_id) else { return };
        if slot.queued.is_some_and(|queued| queued <= at) {
            return;
        }
        if let Some(later) = slot.queued.replace(at) {
            self.due.remove(&(later, Due::Slot(client_id)));
        }
        self.due.insert((at, Due::Slot(client_id)));
    }

    /// Cuts an ending whose reader has taken nothing for maxPrevAliveDt, or looks at it again when it may be so far.
    fn look_at_ending(&mut self, pid: Pid, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        let Some(ending) = self.endings.get_mut(&pid) else { return };
        let due = ending.due(step.timing);
        if due > step.now {
            ending.queued = due;
            self.due.insert((due, Due::Ending(pid)));
            return;
        }
        let (client_id, lost) = (ending.client_id, ending.output.events());
        self.forget_ending(pid, step.now);
        actions.push(ServerAction::Cut { client_id, pid });
        actions.push(ServerAction::Note(Note::LeftUnread { client_id, pid, lost }));
    }
}
