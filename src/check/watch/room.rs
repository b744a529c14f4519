//! How much waits, and who holds how much of it: lines and outputs, counted from what was accepted and what is read.

use std::collections::VecDeque;
use std::sync::Arc;

use super::dropped::longest_wait;
use super::invariant::{Broken, Invariant};
use super::streams::{Acceptance, Held, Rules, Standing, Streams, Waiting};
use super::text::{head_of, sender_of};
use crate::protocol::event::EventKind;
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::limits::Limits;
use crate::protocol::line::Line;
use crate::protocol::sessions::{Effect, ServerAction};
use crate::protocol::time::Millis;
use crate::protocol::wire::Frame;

/// No frame in the simulation is longer.
const LONGEST_FRAME: usize = 150;
/// How much later than its time something may leave a line.
const MARGIN: Millis = Millis(1_000);

impl Streams {
    /// The line into which this sender's event went keeps its bounds, and so do all lines together.
    pub(super) fn check_line(
        &self,
        recipient: ClientId,
        sender: ClientId,
        limits: &Limits,
    ) -> Result<(), Broken> {
        if let Some(line) = self.lines.get(&recipient) {
            let held = line.iter().filter(|waiting| waiting.sender == sender).count();
            check_share("line", recipient, line.len(), held, limits.line_events)?;
        }
        let (mut bytes, mut held) = (0, 0);
        for waiting in self.lines.values().flatten() {
            let weight = Line::weight(waiting.text.len());
            bytes += weight;
            held += if waiting.sender == sender { weight } else { 0 };
        }
        check_share("bytes of all lines, last of", recipient, bytes, held, limits.all_lines_bytes)
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
    pub(super) fn check_waits(&mut self, rules: Rules<'_>) -> Result<(), Broken> {
        let Rules { timing, limits, now } = rules;
        if self.unread_bytes + LONGEST_FRAME > limits.all_outputs_bytes / 2 {
            // Others may hold the room that it needs.
            self.tight_at = now;
        }
        for (recipient, line) in &self.lines {
            let standing = self.standings.get(recipient);
            let is_unread =
                |standing: &Standing| self.unread.get(&standing.pid).is_some_and(|unread| !unread.is_empty());
            if standing.is_some_and(is_unread) {
                continue;
            }
            // A session may begin at the last moment, and settles first.
            let began = standing.map_or(Millis::MIN, |standing| standing.began.max(self.tight_at));
            for waiting in line {
                let head = head_of(&waiting.text);
                let wait = longest_wait(&waiting.text, timing);
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

    /// A frame stays unread in an output: it keeps its bounds, and so do all outputs together.
    pub(super) fn unread(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        frame: &Frame,
        limits: &Limits,
    ) -> Result<(), Broken> {
        let held = match frame {
            Frame::CrEvent(text) => {
                let sender = sender_of(text).unwrap_or(client_id);
                // An answer of the server counts as held by the client whose ping it answers.
                let by = if self.last_is_answer { client_id } else { sender };
                Some(Held { by, bytes: frame.encoded_len() })
            }
            Frame::Hello { .. }
            | Frame::Alive { .. }
            | Frame::Closed { .. }
            | Frame::Aborted { .. }
            | Frame::Shutdown { .. } => None,
        };
        self.unread.entry(pid).or_default().push_back(held);
        let Some(Held { by, bytes }) = held else { return Ok(()) };
        self.unread_bytes += bytes;
        let output = self.unread.get(&pid).into_iter().flatten();
        let [count, held, bytes, held_bytes] = sum(output, by);
        check_share("output", client_id, count, held, limits.output_frames)?;
        check_share("output bytes", client_id, bytes, held_bytes, limits.output_bytes)?;
        let [.., bytes, held_bytes] = sum(self.unread.values().flatten(), by);
        check_share("bytes of all outputs, last of", client_id, bytes, held_bytes, limits.all_outputs_bytes)
    }

    /// The reader took the oldest frame that it had not read.
    pub(super) fn taken(&mut self, pid: Pid) {
        if let Some(Some(held)) = self.unread.get_mut(&pid).and_then(VecDeque::pop_front) {
            self.unread_bytes -= held.bytes;
        }
    }

    /// What nobody read of a stream is thrown away.
    pub(super) fn thrown_away(&mut self, pid: Pid) {
        let thrown = self.unread.remove(&pid).into_iter().flatten().flatten();
        self.unread_bytes -= thrown.map(|held| held.bytes).sum::<usize>();
    }

    /// What the server counts as unread is what nobody has read.
    pub(super) fn check_unread(&self, counted: usize) -> Result<(), Broken> {
        if counted == self.unread_bytes {
            return Ok(());
        }
        Err((Invariant::Bounds, format!("{counted} bytes are counted, {} are not read", self.unread_bytes)))
    }

    /// The oldest event of this kind goes no further, if there is one.
    pub(super) fn left_line(
        &mut self,
        sender: ClientId,
        recipient: ClientId,
        kind: EventKind,
    ) -> Option<Waiting> {
        let line = self.lines.get_mut(&recipient)?;
        let is_it =
            |waiting: &Waiting| waiting.sender == sender && EventKind::of(head_of(&waiting.text)) == kind;
        let left = line.iter().position(is_it).map(|place| line.remove(place));
        if line.is_empty() {
            self.lines.remove(&recipient);
        }
        left
    }
}

/// How many events are held and how many bytes: by all, and by one.
fn sum<'a>(held: impl Iterator<Item = &'a Option<Held>>, holder: ClientId) -> [usize; 4] {
    let mut sums = [0; 4];
    for Held { by, bytes } in held.flatten() {
        let its = usize::from(*by == holder);
        for (sum, more) in sums.iter_mut().zip([1, its, *bytes, its * bytes]) {
            *sum += more;
        }
    }
    sums
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
