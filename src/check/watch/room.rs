//! How much waits, and who holds how much of it: lines and outputs, counted from what was accepted and what is read.

use std::sync::Arc;

use super::invariant::{Broken, Invariant};
use super::streams::{Acceptance, Streams, Waiting, head_of, sender_of};
use crate::protocol::event::EventKind;
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::limits::Limits;
use crate::protocol::sessions::{Effect, ServerAction};
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::Frame;

/// How much later than its time something may leave a line.
const MARGIN: Millis = Millis(1_000);

impl Streams {
    /// The line into which this sender's event went keeps its bounds.
    pub(super) fn check_line(
        &self,
        recipient: ClientId,
        sender: ClientId,
        limits: &Limits,
    ) -> Result<(), Broken> {
        let Some(line) = self.lines.get(&recipient) else { return Ok(()) };
        let held = line.iter().filter(|waiting| waiting.sender == sender).count();
        check_share("line", recipient, line.len(), held, limits.line_events)
    }

    /// What was answered as forwarded was written to its recipient's stream in the same step.
    pub(super) fn check_forwarded(event: &Acceptance<'_>, actions: &[ServerAction]) -> Result<(), Broken> {
        let is_it = |action: &ServerAction| match action {
            ServerAction::Write { client_id, frame: Frame::CrEvent(text), .. } => {
                *client_id == event.recipient && Arc::ptr_eq(text, event.text)
            }
            ServerAction::Write { .. }
            | ServerAction::End { .. }
            | ServerAction::Cut { .. }
            | ServerAction::Note(_) => false,
        };
        if *event.effect != Effect::Forwarded || actions.iter().any(is_it) {
            return Ok(());
        }
        let seen =
            format!("{} from {} to {}, not written", head_of(event.text), event.sender, event.recipient);
        Err((Invariant::NothingVanishes, seen))
    }

    /// Nothing waits for longer than it may for its recipient to come and settle, where that reads what it gets.
    pub(super) fn check_waits(&self, timing: &Timing, now: Millis) -> Result<(), Broken> {
        for (recipient, line) in &self.lines {
            let standing = self.standings.get(recipient);
            if standing.is_some_and(|standing| !standing.unread.is_empty()) {
                continue;
            }
            // A session may begin at the last moment, and settles first.
            let began = standing.map_or(Millis::MIN, |standing| standing.began);
            for waiting in line {
                let head = head_of(&waiting.text);
                let wait = match EventKind::of(head) {
                    EventKind::Unassign => timing.unassign_wait_dt,
                    EventKind::Ping | EventKind::Inactive | EventKind::Reject | EventKind::Ordinary => {
                        timing.recipient_wait_dt
                    }
                };
                let until = (waiting.since + wait).max(began) + timing.hello_settle_dt + MARGIN;
                if now > until {
                    let from = waiting.sender;
                    let seen =
                        format!("{head} from {from} to {recipient} has waited since {}", waiting.since);
                    return Err((Invariant::NothingVanishes, seen));
                }
            }
        }
        Ok(())
    }

    /// A frame stays unread in an output: it keeps its bounds.
    pub(super) fn unread(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        frame: &Frame,
        limits: &Limits,
    ) -> Result<(), Broken> {
        let Some(standing) = self.live(client_id, pid) else { return Ok(()) };
        let Frame::CrEvent(text) = frame else {
            standing.unread.push_back(None);
            return Ok(());
        };
        let Some(sender) = sender_of(text) else { return Ok(()) };
        // An answer of the server counts as held by the client whose ping it answers.
        let is_servers = standing.pinged.contains(&sender) && head_of(text) == "reject";
        let holder = if is_servers { client_id } else { sender };
        standing.unread.push_back(Some((holder, frame.encoded_len())));
        let (mut count, mut bytes, mut held, mut held_bytes) = (0, 0, 0, 0);
        for (by, length) in standing.unread.iter().flatten() {
            count += 1;
            bytes += length;
            if *by == holder {
                held += 1;
                held_bytes += length;
            }
        }
        check_share("output", client_id, count, held, limits.output_frames)?;
        check_share("output bytes", client_id, bytes, held_bytes, limits.output_bytes)
    }

    /// The reader took the oldest frame that it had not read.
    pub(super) fn taken(&mut self, client_id: ClientId, pid: Pid) {
        if let Some(standing) = self.standings.get_mut(&client_id).filter(|standing| standing.pid == pid) {
            standing.unread.pop_front();
        }
    }

    /// The oldest event of this kind goes no further.
    pub(super) fn left_line(&mut self, sender: ClientId, recipient: ClientId, kind: EventKind) {
        let Some(line) = self.lines.get_mut(&recipient) else { return };
        let is_it =
            |waiting: &Waiting| waiting.sender == sender && EventKind::of(head_of(&waiting.text)) == kind;
        if let Some(place) = line.iter().position(is_it) {
            line.remove(place);
        }
        if line.is_empty() {
            self.lines.remove(&recipient);
        }
    }
}

/// Within the bound, and at most as much held as left free, where more than half is used.
fn check_share(what: &str, of: ClientId, used: usize, held: usize, capacity: usize) -> Result<(), Broken> {
    if used > capacity {
        return Err((Invariant::Bounds, format!("{what} of {of}: {used} of {capacity}")));
    }
    if used > capacity / 2 && held > capacity - used {
        let seen = format!("{what} of {of}: {used} of {capacity} used, {held} by one sender");
        return Err((Invariant::FairShares, seen));
    }
    Ok(())
}
