//! One session, and what a clientId has: a session, a reservation, a line, a rate.

use super::action::Ended;
use crate::protocol::ids::{AccessToken, AppId, Pid, Role, User};
use crate::protocol::limits::Limits;
use crate::protocol::line::Line;
use crate::protocol::output::Output;
use crate::protocol::rate::RateState;
use crate::protocol::routing::Party;
use crate::protocol::time::{Millis, Timing};

/// How long a clientId stays reserved whose session ended contested (section 4): its owner did not show up, but may be
/// about to reopen.
const CONTESTED_RESERVATION: Millis = Millis(5_000);

/// How often a clientId that nobody has any more is looked at, until its rate is earned back and it can be forgotten.
pub(super) const FORGET_DT: Millis = Millis(1_000);

/// How often a line is looked at that waits for room in all outputs together.
const BLOCKED_DT: Millis = Millis(200);

/// A live session (section 4).
///
/// (Recovery, Last-Event-ID, will keep the last frames of a session here, and beside its reservation.)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    pub(super) app: AppId,
    pub(super) role: Role,
    pub(super) token: AccessToken,
    pub(super) user: User,
    pub(super) pid: Pid,
    pub(super) opened: Millis,
    pub(super) last_arrival: Millis,
    pub(super) last_own_arrival: Millis,
    pub(super) contest: Contest,
    pub(super) output: Output,
}

/// Whether another user wants the clientId of a session.
///
/// ```text
///  Quiet --knock--> Contested --something of its own--> Defended
///                       |                                  |
///            for maxPrevAliveDt: ends               knock: clientIdInUse
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contest {
    /// Nobody does.
    Quiet,
    /// Somebody does, and the session has not shown yet that it lives.
    Contested {
        /// Since when.
        since: Millis,
    },
    /// Somebody did, and the session lives.
    Defended,
}

impl Session {
    /// The app it belongs to.
    pub fn app(&self) -> &AppId {
        &self.app
    }

    /// The role of its client.
    pub fn role(&self) -> Role {
        self.role
    }

    /// On whose behalf it was opened.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Its stream.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// When it was opened.
    pub fn opened(&self) -> Millis {
        self.opened
    }

    /// When the last msgEvent arrived, or it was opened.
    pub fn last_arrival(&self) -> Millis {
        self.last_arrival
    }

    /// When the last one of its client's own arrived, or it was opened.
    pub fn last_own_arrival(&self) -> Millis {
        self.last_own_arrival
    }

    /// Whether another user wants its clientId.
    pub fn contest(&self) -> Contest {
        self.contest
    }

    /// What was written to its stream and not yet taken.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The session as policies see it.
    pub fn party(&self) -> Party<'_> {
        Party { app: &self.app, role: self.role, user: &self.user }
    }

    /// Whether its `hello` is too fresh for crEvents.
    pub(super) fn settles(&self, now: Millis, timing: &Timing) -> bool {
        now < self.settled_at(timing)
    }

    pub(super) fn settled_at(&self, timing: &Timing) -> Millis {
        self.opened + timing.hello_settle_dt
    }

    pub(super) fn is_contested(&self) -> bool {
        match self.contest {
            Contest::Contested { .. } => true,
            Contest::Quiet | Contest::Defended => false,
        }
    }

    /// Something of its client's own arrived. Returns whether that defended it.
    pub(super) fn own_arrival(&mut self, now: Millis) -> bool {
        self.last_arrival = now;
        self.last_own_arrival = now;
        let defended = self.is_contested();
        if defended {
            self.contest = Contest::Defended;
        }
        defended
    }

    /// When and why it ends if nothing happens until then.
    pub(super) fn end(&self, timing: &Timing) -> (Millis, Ended) {
        let longest = timing.max_prev_alive_dt;
        let contested = match self.contest {
            Contest::Contested { since } => since + longest,
            Contest::Quiet | Contest::Defended => Millis::MAX,
        };
        let stalled = self.output.stuck_since().map_or(Millis::MAX, |since| since + longest);
        let mut first = (self.last_arrival + longest, Ended::Silent);
        for (at, why) in [
            (self.last_own_arrival + longest.times(2), Ended::Ghost),
            (contested, Ended::Contested),
            (stalled, Ended::Stalled),
        ] {
            // Of those due together the last one counts: who reads nothing cannot be told anything.
            if at <= first.0 {
                first = (at, why);
            }
        }
        first
    }

    /// How long its clientId stays reserved behind it (section 4).
    pub(super) fn reservation(&self, timing: &Timing) -> Millis {
        if self.is_contested() { CONTESTED_RESERVATION } else { timing.max_prev_alive_dt.times(2) }
    }
}

/// To whom a clientId belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// To nobody.
    #[default]
    Free,
    /// To a session.
    Session(Session),
    /// To a user whose session ended without `close`.
    Reserved { user: User, until: Millis },
}

/// Who has a clientId.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A session.
    Session(&'a Session),
    /// The user of its last session.
    Reserved {
        /// Until when.
        until: Millis,
    },
}

/// All that the table knows of one clientId.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) standing: Standing,
    pub(super) line: Line,
    pub(super) held: Held,
    pub(super) rate: RateState,
    /// When this slot is looked at next, at the latest: not later than anything in it is due.
    pub(super) queued: Option<Millis>,
}

/// Bytes that crEvents of one sender hold in the lines and outputs of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Held {
    pub(super) line_bytes: usize,
    pub(super) output_bytes: usize,
}

impl Held {
    pub(super) fn is_nothing(self) -> bool {
        self.line_bytes == 0 && self.output_bytes == 0
    }
}

impl Slot {
    pub(super) fn session(&self) -> Option<&Session> {
        match &self.standing {
            Standing::Session(session) => Some(session),
            Standing::Free | Standing::Reserved { .. } => None,
        }
    }

    pub(super) fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.standing {
            Standing::Session(session) => Some(session),
            Standing::Free | Standing::Reserved { .. } => None,
        }
    }

    pub(super) fn holder(&self) -> Option<Holder<'_>> {
        match &self.standing {
            Standing::Session(session) => Some(Holder::Session(session)),
            Standing::Reserved { until, .. } => Some(Holder::Reserved { until: *until }),
            Standing::Free => None,
        }
    }

    pub(super) fn is_in_use(&self) -> bool {
        match self.standing {
            Standing::Session(_) | Standing::Reserved { .. } => true,
            Standing::Free => false,
        }
    }

    /// Whether it says no more than no slot at all.
    pub(super) fn is_vacant(&self, now: Millis, limits: &Limits) -> bool {
        let is_unused = !self.is_in_use() && self.line.is_empty() && self.held.is_nothing();
        is_unused && self.rate.is_idle(&limits.send_rate, now)
    }

    /// When something in it is due.
    pub(super) fn due(&self, now: Millis, timing: &Timing) -> Option<Millis> {
        match &self.standing {
            Standing::Session(session) => {
                Some(session.end(timing).0.min(self.line_due(session, now, timing)))
            }
            Standing::Reserved { until, .. } => {
                Some(self.line.next_expiry(timing).map_or(*until, |at| at.min(*until)))
            }
            Standing::Free if self.line.is_empty() && self.held.is_nothing() => Some(now + FORGET_DT),
            Standing::Free => self.line.next_expiry(timing),
        }
    }
    /// When the line of a live session can go on.
    fn line_due(&self, session: &Session, now: Millis, timing: &Timing) -> Millis {
        let settled = session.settled_at(timing);
        if self.line.is_empty() {
            Millis::MAX
        } else if now < settled {
            settled
        } else if session.output.events() == 0 {
            now + BLOCKED_DT // others hold the room it needs, and nobody tells when they give it back
        } else {
            Millis::MAX // when its own reader takes something
        }
    }
}
