//! The ledger of one stream's output: what was written and not yet taken by the transport (section 4, Bounds).

use std::collections::VecDeque;

use super::ids::ClientId;
use super::limits::{Limits, Share, fits};
use super::time::Millis;

/// What waits in one stream's output, oldest first. The frames themselves are with the shell.
///
/// CrEvents are bounded, and one sender may hold at most as much as it leaves free. Control frames always fit and
/// count for nothing: of each kind at most one waits, `alive` too (see [`Output::write_echo`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Output {
    waiting: VecDeque<Written>,
    events: usize,
    bytes: usize,
    echo_waits: bool,
    /// Since when the transport has taken nothing of what waits.
    stuck_since: Option<Millis>,
}

/// One frame that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    /// A crEvent.
    Event(Share),
    /// `alive`.
    Echo,
    /// `hello`, `closed`, `aborted`, `shutdown`.
    Control,
}

impl Output {
    /// Whether this crEvent fits.
    pub fn has_room(&self, share: Share, limits: &Limits) -> bool {
        fits(self.events, 1, limits.output_frames, || self.held_by(share.holder).0)
            && fits(self.bytes, share.bytes, limits.output_bytes, || self.held_by(share.holder).1)
    }

    /// Enters a crEvent; whether it fits was asked before.
    pub fn write_event(&mut self, share: Share, now: Millis) {
        self.events += 1;
        self.bytes += share.bytes;
        self.write(Written::Event(share), now);
    }

    /// Enters an `alive`, unless one waits already: an output that nobody reads would grow with every echo.
    pub fn write_echo(&mut self, now: Millis) -> bool {
        if self.echo_waits {
            return false;
        }
        self.echo_waits = true;
        self.write(Written::Echo, now);
        true
    }

    /// Enters a `hello`, `closed`, `aborted` or `shutdown`.
    pub fn write_control(&mut self, now: Millis) {
        self.write(Written::Control, now);
    }

    /// The transport took the oldest frame.
    pub fn take(&mut self, now: Millis) -> Option<Written> {
        let taken = self.waiting.pop_front()?;
        match taken {
            Written::Event(share) => {
                self.events -= 1;
                self.bytes -= share.bytes;
            }
            Written::Echo => self.echo_waits = false,
            Written::Control => {}
        }
        self.stuck_since = if self.waiting.is_empty() { None } else { Some(now) };
        Some(taken)
    }

    /// Whether the transport took everything.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many frames wait.
    pub fn frames(&self) -> usize {
        self.waiting.len()
    }

    /// How many crEvents wait.
    pub fn events(&self) -> usize {
        self.events
    }

    /// How many bytes of crEvents wait, as they go over the wire.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Since when the transport has taken nothing, though something waits.
    pub fn stuck_since(&self) -> Option<Millis> {
        self.stuck_since
    }

    /// Seen from now.
    pub(super) fn age(&mut self, now: Millis) {
        self.stuck_since = self.stuck_since.map(|since| since - now);
    }

    fn write(&mut self, written: Written, now: Millis) {
        self.stuck_since.get_or_insert(now);
        self.waiting.push_back(written);
    }

    /// Frames and bytes of this holder. Looked for only when an output is more than half full.
    fn held_by(&self, holder: ClientId) -> (usize, usize) {
        self.waiting.iter().fold((0, 0), |(events, bytes), written| match written {
            Written::Event(share) if share.holder == holder => (events + 1, bytes + share.bytes),
            Written::Event(_) | Written::Echo | Written::Control => (events, bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000);

    fn share(number: u32, bytes: usize) -> Share {
        Share { holder: ClientId::from_number(number).unwrap(), bytes }
    }

    fn limits(frames: usize, bytes: usize) -> Limits {
        Limits { output_frames: frames, output_bytes: bytes, ..Limits::default() }
    }

    fn fill(output: &mut Output, share: Share, limits: &Limits) -> usize {
        let mut written = 0;
        while output.has_room(share, limits) {
            output.write_event(share, NOW);
            written += 1;
        }
        written
    }

    #[test]
    fn section_4_bounds_one_sender_holds_at_most_as_much_as_it_leaves_free() {
        let limits = limits(100, 1_000_000);
        let mut output = Output::default();
        assert_eq!(fill(&mut output, share(1, 10), &limits), 50);
        assert_eq!(fill(&mut output, share(2, 10), &limits), 25);
        assert_eq!(fill(&mut output, share(3, 10), &limits), 12);
        assert!(!output.has_room(share(1, 10), &limits));
        assert!(output.has_room(share(4, 10), &limits));
    }

    #[test]
    fn section_4_bounds_bytes_are_shared_like_frames() {
        let limits = limits(1_000, 1_000);
        let mut output = Output::default();
        assert_eq!(fill(&mut output, share(1, 100), &limits), 5);
        assert_eq!(fill(&mut output, share(2, 100), &limits), 2);
        assert_eq!(output.bytes(), 700);
    }

    #[test]
    fn section_4_bounds_room_is_kept_for_control_frames() {
        let limits = limits(2, 1_000);
        let mut output = Output::default();
        output.write_control(NOW);
        assert!(output.has_room(share(1, 10), &limits), "control frames count for nothing");
        output.write_event(share(1, 10), NOW);
        assert!(output.write_echo(NOW));
        assert!(!output.write_echo(NOW), "of echoes one waits at most");
        output.write_control(NOW);
        assert_eq!(output.events(), 1);
    }

    #[test]
    fn what_is_taken_leaves_in_order_and_gives_its_room_back() {
        let mut output = Output::default();
        output.write_control(NOW);
        output.write_event(share(1, 10), NOW);
        output.write_echo(NOW);
        assert_eq!(output.take(NOW), Some(Written::Control));
        assert_eq!(output.take(NOW), Some(Written::Event(share(1, 10))));
        assert_eq!((output.events(), output.bytes()), (0, 0));
        assert_eq!(output.take(NOW), Some(Written::Echo));
        assert!(output.write_echo(NOW));
        assert_eq!(output.take(NOW), Some(Written::Echo));
        assert_eq!(output.take(NOW), None);
        assert_eq!(output, Output::default());
    }

    #[test]
    fn section_4_ends_an_output_is_stuck_from_when_the_transport_last_took_something() {
        let mut output = Output::default();
        output.write_control(Millis(10));
        output.write_control(Millis(20));
        assert_eq!(output.stuck_since(), Some(Millis(10)));
        output.take(Millis(30));
        assert_eq!(output.stuck_since(), Some(Millis(30)));
        output.take(Millis(40));
        assert_eq!(output.stuck_since(), None);
    }
}
