//! The server's session table: who has which clientId, what waits for whom, and the rules of section 4.
//!
//! ```text
//!   open ──────► opening ──┐                       ┌──► Write, End, Cut   the shell performs them in order
//!   send ──────► sending ──┼─► arrival ─► ledger ──┤
//!   taken, broken ─────────┤      ▲                └──► Note              the shell counts and logs them
//!   sweep at next_due ─► due ─────┴─► ending
//!   stop, recycle, abort, recheck_access ─┘
//! ```
//!
//! Reading order: [`SessionTable`] and its inputs here; `session` (what is known of a clientId); `opening`; `sending`
//! (refusals, acceptance); `arrival` (rules 1 to 5, the line); `ending`; `due` (what time does); `ledger` (who holds how
//! much of what); `action` (everything that comes out).

mod action;
mod aged;
mod arrival;
mod client_ids;
mod due;
mod ending;
mod ledger;
mod opening;
mod pids;
mod sending;
mod session;

use std::collections::{BTreeMap, BTreeSet};

pub use action::{
    Bound, Dropped, Effect, Ended, NoClientIdNow, NotOpened, Note, Opened, Refused, ReplyLost, SendAnswer,
    ServerAction, WhyNothing,
};
pub use pids::PidSequence;
pub use session::{Contest, Holder, Session};

use self::due::Due;
use self::ending::Ending;
use self::session::{Slot, Standing};
use super::client_id::ClientIdSequence;
use super::id_table::IdTable;
use super::ids::{ClientId, Pid};
use super::limits::Limits;
use super::policy::Apps;
use super::rate::RateState;
use super::time::{Millis, Timing, random_between};

/// What the table may know in one step besides its input.
#[derive(Clone, Copy, Debug)]
pub struct ServerStep<'a> {
    /// Now, on a monotonic clock.
    pub now: Millis,
    /// A fresh, uniformly random number.
    pub random: u64,
    /// The timings in force.
    pub timing: &'a Timing,
    /// The bounds in force.
    pub limits: &'a Limits,
    /// The apps this server knows.
    pub apps: &'a Apps,
}

impl ServerStep<'_> {
    /// How long a client waits before it tries again: 0.5 to 2 s, under overload 2 to 5 s, so that clients come back
    /// soon but not all together (section 3).
    fn retry(&self, overload: bool) -> Millis {
        let (from, to) = if overload { (2_000, 5_000) } else { (500, 2_000) };
        random_between(self.random, Millis(from), Millis(to))
    }
}

/// The server's sessions, by clientId: plain data, a function of its inputs and their times.
///
/// Inputs: [`open`](SessionTable::open), [`send`](SessionTable::send), [`taken`](SessionTable::taken),
/// [`broken`](SessionTable::broken), [`sweep`](SessionTable::sweep), [`stop`](SessionTable::stop),
/// [`recycle`](SessionTable::recycle), [`abort`](SessionTable::abort),
/// [`recheck_access`](SessionTable::recheck_access), [`give_client_id`](SessionTable::give_client_id). Each appends its
/// [`ServerAction`]s, which the shell performs in order. Afterwards [`next_due`](SessionTable::next_due) says when
/// `sweep` is to be called; called late, a session ends late, and its reservation
/// counts from then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionTable {
    slots: IdTable<Slot>,
    /// Streams that have ended, while their readers have not taken everything.
    endings: BTreeMap<Pid, Ending>,
    /// When which slot or ending is looked at next: one entry each, never later than what is due there. Most sessions
    /// are older than their entry says by the time it comes up, and get a new one then; so arrivals cost nothing.
    due: BTreeSet<(Millis, Due)>,
    pids: PidSequence,
    client_ids: ClientIdSequence,
    client_id_rate: RateState,
    sessions: usize,
    reservations: usize,
    /// Bytes in all waiting lines.
    line_bytes: usize,
    /// CrEvents in all waiting lines.
    line_events: usize,
    /// Bytes of crEvents in all outputs, those of endings too.
    output_bytes: usize,
    stopping: bool,
}

impl SessionTable {
    /// An empty table.
    pub fn new(pids: PidSequence, client_ids: ClientIdSequence) -> SessionTable {
        SessionTable {
            slots: IdTable::new(),
            endings: BTreeMap::new(),
            due: BTreeSet::new(),
            pids,
            client_ids,
            client_id_rate: RateState::UNUSED,
            sessions: 0,
            reservations: 0,
            line_bytes: 0,
            line_events: 0,
            output_bytes: 0,
            stopping: false,
        }
    }

    /// The live session of this clientId.
    pub fn session(&self, client_id: ClientId) -> Option<&Session> {
        self.slots.get(client_id)?.session()
    }

    /// All live sessions, in the order of clientIds.
    pub fn sessions(&self) -> impl Iterator<Item = (ClientId, &Session)> {
        self.slots.iter().filter_map(|(client_id, slot)| Some((client_id, slot.session()?)))
    }

    /// Who has this clientId, if anybody.
    pub fn holder(&self, client_id: ClientId) -> Option<Holder<'_>> {
        self.slots.get(client_id)?.holder()
    }

    /// The clientIds behind this one that somebody has, in their order.
    pub fn holders_behind(&self, id: Option<ClientId>) -> impl Iterator<Item = (ClientId, Holder<'_>)> {
        self.slots.iter_behind(id).filter_map(|(client_id, slot)| Some((client_id, slot.holder()?)))
    }

    /// How many sessions live.
    pub fn session_count(&self) -> usize {
        self.sessions
    }

    /// How many clientIds are reserved.
    pub fn reservation_count(&self) -> usize {
        self.reservations
    }

    /// How many streams have ended whose readers have not taken everything.
    pub fn ending_count(&self) -> usize {
        self.endings.len()
    }

    /// Until when this clientId is reserved for the user of its last session.
    pub fn reserved_until(&self, client_id: ClientId) -> Option<Millis> {
        match self.slots.get(client_id)?.standing {
            Standing::Reserved { until, .. } => Some(until),
            Standing::Free | Standing::Session(_) => None,
        }
    }

    /// How many crEvents wait for this client.
    pub fn waiting_for(&self, client_id: ClientId) -> usize {
        self.slots.get(client_id).map_or(0, |slot| slot.line.len())
    }

    /// Bytes in all waiting lines.
    pub fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    /// How many crEvents wait in all lines together.
    pub fn line_events(&self) -> usize {
        self.line_events
    }

    /// Bytes of crEvents in all outputs.
    pub fn output_bytes(&self) -> usize {
        self.output_bytes
    }

    /// Whether [`stop`](SessionTable::stop) was called.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    fn session_mut(&mut self, client_id: ClientId) -> Option<&mut Session> {
        self.slots.get_mut(client_id)?.session_mut()
    }

    /// The session of this clientId, if it is this one.
    fn session_with(&self, client_id: ClientId, pid: Pid) -> Option<&Session> {
        self.session(client_id).filter(|session| session.pid == pid)
    }

    fn ids_of_sessions(&self) -> Vec<ClientId> {
        self.sessions().map(|(client_id, _)| client_id).collect()
    }
}

#[cfg(test)]
mod tests;
