//! What the server does by itself: it recycles a stream, it dies or stops gracefully and another one is there afterwards.

use super::{Happening, World};
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::receiver::StreamEnd;
use crate::protocol::sessions::{PidSequence, SessionTable};
use crate::protocol::time::Millis;

/// Calendar time at the zero of virtual time: 2026-11-18, in milliseconds since 1970.
pub(super) const CALENDAR_ZERO: i64 = 1_795_000_000_000;

impl World {
    /// The server recycles a client's stream (`shutdown`).
    pub fn recycle(&mut self, client: usize) {
        if let Some(client_id) = self.client_id(client) {
            self.serve(|server, step, actions| {
                server.recycle(client_id, step, actions);
            });
        }
    }

    /// The server stops without a word, and a new one is there after this time.
    pub fn restart_server(&mut self, down_for: Millis) {
        let up_again = self.now + down_for;
        self.server = new_server(up_again, self.random.next());
        self.down_until = Some(up_again);
        self.exits_at = None;
        self.sweep_at = None;
        self.watch.server_restarted();
        let streams = std::mem::take(&mut self.streams);
        for served in streams.into_values().filter(|served| !served.dead) {
            let delay = self.way(served.client);
            self.stream_ends(served.client, served.stream, delay, StreamEnd::Broken);
        }
    }

    /// The server stops gracefully: it goes on answering for a while, then exits, and a new one is there after some more
    /// time. Nothing happens while it is down or stopping already.
    pub fn stop_server(&mut self, serves_for: Millis, down_for: Millis) {
        if self.is_server_down() || self.exits_at.is_some() {
            return;
        }
        self.exits_at = Some(self.now + serves_for);
        self.watch.server_stops();
        self.serve(SessionTable::stop);
        self.watch.server_stopped(self.now);
        self.schedule(serves_for, Happening::ServerExits { down_for });
    }

    pub(super) fn is_server_down(&self) -> bool {
        self.down_until.is_some_and(|until| self.now < until)
    }
}

/// A server that starts at this time.
pub(super) fn new_server(at: Millis, seed: u64) -> SessionTable {
    let unix_seconds = (CALENDAR_ZERO + at.0).unsigned_abs().div_ceil(1000);
    let client_ids = ClientIdSequence::new(u128::from(seed).to_le_bytes(), 0, u64::MAX);
    SessionTable::new(PidSequence::starting_at(unix_seconds), client_ids)
}
