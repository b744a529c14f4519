//! How many msgEvents of each kind the server was sent, and what came of them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::event::EventKind;
use crate::protocol::sessions::{Effect, SendAnswer};
use crate::protocol::wire::MsgEvent;

/// What a msgEvent is to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MsgKind {
    /// `ping`.
    Ping,
    /// `inactive`.
    Inactive,
    /// `unassign`.
    Unassign,
    /// `reject`.
    Reject,
    /// `alive`.
    Alive,
    /// `close`.
    Close,
    /// An enclosing client's own, and what this version does not know.
    Other,
}

/// What came of a msgEvent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MsgOutcome {
    /// It was written to its recipient's output.
    Forwarded,
    /// It waits in its recipient's line.
    Waits,
    /// It was echoed.
    Echoed,
    /// It closed its stream.
    Closed,
    /// It had no effect.
    Nothing,
    /// It was refused.
    Refused,
}

/// The counts. They start at zero and only grow.
#[derive(Debug, Default)]
pub struct MsgEvents([[AtomicU64; MsgOutcome::ALL.len()]; MsgKind::ALL.len()]);

impl MsgKind {
    /// All of them.
    pub const ALL: [MsgKind; 7] = [
        MsgKind::Ping,
        MsgKind::Inactive,
        MsgKind::Unassign,
        MsgKind::Reject,
        MsgKind::Alive,
        MsgKind::Close,
        MsgKind::Other,
    ];

    /// Which kind this one is of.
    pub fn of(event: &MsgEvent) -> MsgKind {
        match event {
            MsgEvent::CrEvent(data) => match data.kind() {
                EventKind::Ping => MsgKind::Ping,
                EventKind::Inactive => MsgKind::Inactive,
                EventKind::Unassign => MsgKind::Unassign,
                EventKind::Reject => MsgKind::Reject,
                EventKind::Ordinary => MsgKind::Other,
            },
            MsgEvent::Alive(_) => MsgKind::Alive,
            MsgEvent::Close(_) => MsgKind::Close,
            MsgEvent::Other => MsgKind::Other,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            MsgKind::Ping => "ping",
            MsgKind::Inactive => "inactive",
            MsgKind::Unassign => "unassign",
            MsgKind::Reject => "reject",
            MsgKind::Alive => "alive",
            MsgKind::Close => "close",
            MsgKind::Other => "other",
        }
    }
}

impl MsgOutcome {
    /// All of them.
    pub const ALL: [MsgOutcome; 6] = [
        MsgOutcome::Forwarded,
        MsgOutcome::Waits,
        MsgOutcome::Echoed,
        MsgOutcome::Closed,
        MsgOutcome::Nothing,
        MsgOutcome::Refused,
    ];

    fn of(answer: &SendAnswer) -> MsgOutcome {
        match answer {
            SendAnswer::Accepted(Effect::Forwarded) => MsgOutcome::Forwarded,
            SendAnswer::Accepted(Effect::Waits) => MsgOutcome::Waits,
            SendAnswer::Accepted(Effect::Echoed) => MsgOutcome::Echoed,
            SendAnswer::Accepted(Effect::Closed) => MsgOutcome::Closed,
            SendAnswer::Accepted(Effect::Nothing(_)) => MsgOutcome::Nothing,
            SendAnswer::UnknownApp
            | SendAnswer::InvalidToken
            | SendAnswer::Forbidden
            | SendAnswer::TooMany(_)
            | SendAnswer::Stopping => MsgOutcome::Refused,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            MsgOutcome::Forwarded => "forwarded",
            MsgOutcome::Waits => "waits",
            MsgOutcome::Echoed => "echoed",
            MsgOutcome::Closed => "closed",
            MsgOutcome::Nothing => "none",
            MsgOutcome::Refused => "refused",
        }
    }
}

impl MsgEvents {
    /// One more.
    pub(super) fn count(&self, kind: MsgKind, answer: &SendAnswer) {
        if let Some(count) = self.cell(kind, MsgOutcome::of(answer)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many so far.
    pub fn get(&self, kind: MsgKind, outcome: MsgOutcome) -> u64 {
        self.cell(kind, outcome).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn cell(&self, kind: MsgKind, outcome: MsgOutcome) -> Option<&AtomicU64> {
        self.0.get(kind as usize)?.get(outcome as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::sessions::Bound;

    #[test]
    fn each_kind_and_outcome_counts_for_itself() {
        let events = MsgEvents::default();
        let answers = [
            SendAnswer::Accepted(Effect::Forwarded),
            SendAnswer::Accepted(Effect::Waits),
            SendAnswer::Accepted(Effect::Echoed),
            SendAnswer::Accepted(Effect::Closed),
            SendAnswer::UnknownApp,
            SendAnswer::TooMany(Bound::Rate),
        ];
        for (place, kind) in MsgKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            answers.iter().for_each(|answer| events.count(kind, answer));
        }
        for kind in MsgKind::ALL {
            let seen = MsgOutcome::ALL.map(|outcome| events.get(kind, outcome));
            assert_eq!(seen, [1, 1, 1, 1, 0, 2], "{kind:?}");
        }
    }
}
