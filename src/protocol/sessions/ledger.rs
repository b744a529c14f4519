//! Who holds how much of which line and output: every write, and every byte given back, goes through here.

use super::action::{Bound, Dropped, Note, ServerAction};
use super::{ServerStep, SessionTable};
use crate::protocol::event::EventKind;
use crate::protocol::ids::ClientId;
use crate::protocol::limits::{Share, fits};
use crate::protocol::line::{Line, Reply, Waiting};
use crate::protocol::output::Written;
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventData, Frame};

impl SessionTable {
    /// Whether a crEvent fits into the output of this client's session.
    pub(super) fn output_room(&self, to: ClientId, share: Share, step: &ServerStep<'_>) -> Result<(), Bound> {
        if !self.session(to).is_some_and(|session| session.output.has_room(share, step.limits)) {
            return Err(Bound::Output);
        }
        let held = || self.slots.get(share.holder).map_or(0, |slot| slot.held.output_bytes);
        if fits(self.output_bytes, share.bytes, step.limits.all_outputs_bytes, held) {
            Ok(())
        } else {
            Err(Bound::AllOutputs)
        }
    }

    /// Whether a crEvent fits into the line of this client.
    pub(super) fn line_room(
        &self,
        to: ClientId,
        kind: EventKind,
        share: Share,
        step: &ServerStep<'_>,
    ) -> Result<(), Bound> {
        let empty = Line::default();
        let line = self.slots.get(to).map_or(&empty, |slot| &slot.line);
        if !line.has_room(share.holder, kind, to, step.limits) {
            return Err(Bound::Line);
        }
        let held = || self.slots.get(share.holder).map_or(0, |slot| slot.held.line_bytes);
        if fits(self.line_bytes, share.bytes, step.limits.all_lines_bytes, held) {
            Ok(())
        } else {
            Err(Bound::AllLines)
        }
    }

    /// Writes a crEvent that this holder holds, and that waited for so long; whether it fits was asked before.
    pub(super) fn write_event(
        &mut self,
        to: ClientId,
        event: &EventData,
        (holder, waited): (ClientId, Millis),
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let share = Share { holder, bytes: event.frame_len() };
        let Some(session) = self.session_mut(to) else { return };
        session.output.write_event(share, step.now);
        let frame = event.to_frame();
        actions.push(ServerAction::Write { client_id: to, pid: session.pid, frame, waited });
        self.output_bytes += share.bytes;
        self.slots.get_or_insert_with(holder, Default::default).held.output_bytes += share.bytes;
    }

    /// Writes a frame for which there is always room.
    pub(super) fn write_control(
        &mut self,
        to: ClientId,
        frame: Frame,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        if let Some(session) = self.session_mut(to) {
            session.output.write_control(step.now);
            let waited = Millis::ZERO;
            actions.push(ServerAction::Write { client_id: to, pid: session.pid, frame, waited });
        }
    }

    /// Something left an output.
    pub(super) fn release_output(&mut self, written: Written, now: Millis) {
        match written {
            Written::Event(share) => {
                self.output_bytes -= share.bytes;
                if let Some(slot) = self.slots.get_mut(share.holder) {
                    slot.held.output_bytes -= share.bytes;
                }
                self.forget_later(share.holder, now);
            }
            Written::Echo | Written::Control => {}
        }
    }

    /// Puts a crEvent into the line of its recipient; whether it fits was asked before.
    pub(super) fn enqueue(
        &mut self,
        to: ClientId,
        waiting: Waiting,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        self.hold_line(waiting.share());
        let slot = self.slots.get_or_insert_with(to, Default::default);
        if let Some(replaced) = slot.line.push(waiting) {
            self.release_line(replaced.share(), step.now);
            actions.push(dropped(&replaced, to, Dropped::Replaced));
        }
        self.reschedule(to, step);
    }

    /// Keeps a reply until its session has settled; whether it fits was asked before.
    pub(super) fn enqueue_reply(&mut self, to: ClientId, reply: Reply, step: &ServerStep<'_>) {
        self.hold_line(reply.share(to));
        self.slots.get_or_insert_with(to, Default::default).line.push_reply(reply);
        self.reschedule(to, step);
    }

    /// Something left a line.
    pub(super) fn release_line(&mut self, share: Share, now: Millis) {
        self.line_bytes -= share.bytes;
        self.line_events -= 1;
        if let Some(slot) = self.slots.get_mut(share.holder) {
            slot.held.line_bytes -= share.bytes;
        }
        self.forget_later(share.holder, now);
    }

    fn hold_line(&mut self, share: Share) {
        self.line_bytes += share.bytes;
        self.line_events += 1;
        self.slots.get_or_insert_with(share.holder, Default::default).held.line_bytes += share.bytes;
    }
}

/// The note on a crEvent that leaves its line and goes no further.
pub(super) fn dropped(waiting: &Waiting, recipient: ClientId, why: Dropped) -> ServerAction {
    let (sender, kind) = (waiting.sender.client_id, waiting.kind);
    ServerAction::Note(Note::Dropped { sender, recipient, kind, why })
}
