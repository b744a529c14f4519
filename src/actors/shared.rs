//! What the crSockets of one host share: settings, clock, calendar, randomness, board, recent happenings.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use super::board::Board;
use super::client_ids::ClientIds;
use super::clock::Clock;
use super::feed::Feed;
use super::recent::Recent;
use super::sender::Letter;
use crate::metrics::Counters;
use crate::protocol::action::{Fate, ReceiverAction, SendLineAction, SenderAction, SocketAction, Ticket};
use crate::protocol::time::{Millis, Step, Timing};

/// What all crSockets of a host share, whatever thread they live on.
#[derive(Debug)]
pub(super) struct HostWide {
    /// The timings of the rules.
    pub(super) timing: Timing,
    /// Where randomness (jitter) comes from; [`fastrand`] unless a test needs to know the numbers.
    pub(super) random: fn() -> u64,
    /// Calendar time, in milliseconds since 1970: what events are stamped with.
    pub(super) calendar: fn() -> Option<i64>,
    /// What each crSocket publishes of itself.
    pub(super) board: Arc<Board>,
    /// What happened last.
    pub(super) recent: Arc<Recent>,
    /// Who watches what happens.
    pub(super) feed: Arc<Feed>,
    /// Where everything is counted.
    pub(super) counters: Arc<Counters>,
    /// Who gives out the clientIds of this process's server.
    pub(super) client_ids: Arc<ClientIds>,
    /// How many of its crSockets live.
    pub(super) live: Arc<AtomicUsize>,
    /// How late the latest timer was since this was asked last, in milliseconds.
    pub(super) latest_timer: AtomicI64,
    /// The same, since the beginning.
    pub(super) latest_timer_ever: AtomicI64,
}

/// What the crSockets of one host on one thread share.
pub(super) struct Shared {
    pub(super) host: Arc<HostWide>,
    clock: Clock,
    /// Room for actions, used again and again.
    pub(super) room: Room,
}

/// Empty between steps; kept for its memory.
#[derive(Default)]
pub(super) struct Room {
    pub(super) socket: Cell<Vec<SocketAction>>,
    pub(super) receiver: Cell<Vec<ReceiverAction>>,
    pub(super) sender: Cell<Vec<SenderAction>>,
    pub(super) line: Cell<Vec<SendLineAction>>,
    pub(super) fates: Cell<Vec<(Ticket, Fate)>>,
    pub(super) letters: Cell<Vec<Letter>>,
}

impl Shared {
    pub(super) fn new(host: Arc<HostWide>) -> Shared {
        Shared { host, clock: Clock::default(), room: Room::default() }
    }

    /// What a machine may know in a step that is taken now.
    pub(super) fn step(&self) -> Step<'_> {
        Step { now: self.clock.now(), random: (self.host.random)(), timing: &self.host.timing }
    }

    /// Now, on the clock of the rules.
    pub(super) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A timer that was due then fires now.
    pub(super) fn note_late(&self, due: Millis, now: Millis) {
        let late = (now - due).0;
        if late > self.host.latest_timer.load(Ordering::Relaxed) {
            self.host.latest_timer.fetch_max(late, Ordering::Relaxed);
            self.host.latest_timer_ever.fetch_max(late, Ordering::Relaxed);
        }
    }

    /// Calendar time.
    pub(super) fn calendar(&self) -> Option<i64> {
        (self.host.calendar)()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("clock", &self.clock).finish_non_exhaustive()
    }
}
