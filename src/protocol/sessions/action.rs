//! What the session table asks of its shell, and what it tells it.

use crate::protocol::action::Outcome;
use crate::protocol::event::{EventKind, Rejection};
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::time::Millis;
use crate::protocol::wire::{AbortReason, Frame};

/// What the shell does, in this order.
///
/// (`Commit`, for crEvents that must be on disk before they go on, will be one more.)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerAction {
    /// Writes a frame to a stream's output. Each is reported by `taken` once the transport took it.
    Write {
        /// Whose stream.
        client_id: ClientId,
        /// Which stream.
        pid: Pid,
        /// What.
        frame: Frame,
        /// How long it waited in its recipient's line since it was accepted.
        waited: Millis,
    },
    /// Ends a stream's body behind what was written; it goes on being reported by `taken` or `broken`.
    End {
        /// Whose stream.
        client_id: ClientId,
        /// Which stream.
        pid: Pid,
    },
    /// Drops a stream with all that was written to it: its reader takes nothing. The table has forgotten it.
    Cut {
        /// Whose stream.
        client_id: ClientId,
        /// Which stream.
        pid: Pid,
    },
    /// Something to count, and maybe to log.
    Note(Note),
}

/// What happened that no answer tells. Whatever is refused, dropped or lost is noted once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A session began.
    Began {
        /// Whose.
        client_id: ClientId,
        /// Its stream.
        pid: Pid,
    },
    /// A stream was asked for, and not served.
    NotOpened {
        /// Whose; `None` where it was invalid.
        client_id: Option<ClientId>,
        /// Why not.
        why: NotOpened,
    },
    /// Another user asks for the clientId of this session, which has to show that it lives.
    Contested {
        /// The session's clientId.
        client_id: ClientId,
        /// Its stream.
        pid: Pid,
    },
    /// A contested session showed that it lives.
    Defended {
        /// The session's clientId.
        client_id: ClientId,
        /// Its stream.
        pid: Pid,
    },
    /// A session ended.
    Ended {
        /// Whose.
        client_id: ClientId,
        /// Its stream.
        pid: Pid,
        /// Why.
        why: Ended,
        /// How many crEvents in its output are lost with it.
        lost: usize,
    },
    /// A stream that had ended already was given up with what its reader had not taken.
    LeftUnread {
        /// Whose.
        client_id: ClientId,
        /// Which.
        pid: Pid,
        /// How many crEvents are lost with it.
        lost: usize,
    },
    /// A `sendevent` was refused.
    Refused {
        /// Who sent it.
        sender: ClientId,
        /// To whom.
        recipient: ClientId,
        /// Why.
        why: Refused,
    },
    /// A crEvent that was accepted goes no further.
    Dropped {
        /// Who sent it.
        sender: ClientId,
        /// To whom.
        recipient: ClientId,
        /// What its type means to the protocol.
        kind: EventKind,
        /// Why.
        why: Dropped,
    },
    /// An answer of the server, a `reject` or an interceptor's reply, did not reach whom it was for.
    ReplyLost {
        /// Whom it was for.
        client_id: ClientId,
        /// Why.
        why: ReplyLost,
    },
}

/// Why a stream was not served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NotOpened {
    /// `aborted` with this reason.
    Aborted(AbortReason),
    /// Retry answer: another user's session has the clientId, and must show that it lives.
    Contested,
    /// Retry answer: the clientId is reserved for another user.
    Reserved,
    /// Retry answer: no more streams are served.
    TooManyStreams,
    /// Retry answer: the server stops.
    Stopping,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// Its client closed it.
    Closed,
    /// A newer stream of its clientId took over.
    Released {
        /// The newer stream.
        by: Pid,
    },
    /// Nothing arrived for maxPrevAliveDt.
    Silent,
    /// Nothing of its client's own arrived for twice as long.
    Ghost,
    /// It was contested for maxPrevAliveDt.
    Contested,
    /// The connection is gone.
    Broken,
    /// The transport took nothing for maxPrevAliveDt.
    Stalled,
    /// An administrator had it opened again.
    Recycled,
    /// It was given up for good: by an administrator, or because its accessToken is not admitted any more.
    Aborted(AbortReason),
    /// The server stops.
    Stopped,
}

/// Why a `sendevent` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// `400`: the accessToken does not match the app's pattern.
    InvalidToken,
    /// `403`.
    NotAuthorized,
    /// `429`.
    Full(Bound),
    /// `503`.
    Stopping,
}

/// The bound that left no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// What one clientId may send.
    Rate,
    /// The output of the recipient's stream.
    Output,
    /// All outputs together.
    AllOutputs,
    /// The recipient's waiting line.
    Line,
    /// All waiting lines together.
    AllLines,
}

/// Why a crEvent goes no further.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// Rule 3 blocks it.
    Blocked(Rejection),
    /// An interceptor dropped it.
    Intercepted(Rejection),
    /// A `ping` or `reject` whose sender has no session.
    SenderAbsent,
    /// A `reject` whose recipient has no session.
    RecipientAbsent,
    /// It waited for a session for as long as it may.
    Expired,
    /// A newer `unassign` of its sender waits instead.
    Replaced,
    /// The server stops.
    Stopping,
}

/// Why an answer of the server was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplyLost {
    /// The session it was for has ended.
    SessionGone,
    /// There was no room for it.
    Full(Bound),
    /// An interceptor's reply that could be no crEvent.
    Malformed,
}

/// The answer to a request for an event stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Opened {
    /// The stream is served: `retry` first, then what the actions write.
    Stream {
        /// Whose it is.
        client_id: ClientId,
        /// The stream.
        pid: Pid,
        /// How long its client waits before it tries again, should the stream break.
        retry: Millis,
    },
    /// One `aborted` without a `hello`, then the end.
    Aborted {
        /// The pid of this stream that never was.
        pid: Pid,
        /// Why.
        reason: AbortReason,
    },
    /// The retry answer: `retry`, and the end.
    Retry {
        /// How long its client waits before it tries again.
        retry: Millis,
    },
    /// `404`.
    UnknownApp,
}

/// The answer to a `sendevent`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SendAnswer {
    /// `204`, and what came of it.
    Accepted(Effect),
    /// `404`.
    UnknownApp,
    /// `400`: the accessToken does not match the app's pattern.
    InvalidToken,
    /// `403`: not admitted, or not whom the clientId belongs to.
    Forbidden,
    /// `429`.
    TooMany(Bound),
    /// `503`.
    Stopping,
}

/// What came of a `sendevent` that was understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A crEvent was written to its recipient's output.
    Forwarded,
    /// A crEvent waits in its recipient's line.
    Waits,
    /// An `alive` was echoed, or an echo that waits answers it too.
    Echoed,
    /// A `close` ended the stream.
    Closed,
    /// None.
    Nothing(WhyNothing),
}

/// Why a `sendevent` had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WhyNothing {
    /// An eventType this version does not know.
    UnknownType,
    /// An `alive` or `close` to a client without a session.
    NoSession,
    /// An `alive` or `close` that is not one's own, or does not show the session's pid.
    NotOwn,
    /// A crEvent that was dropped at once.
    Dropped(Dropped),
}

/// Why no clientId is given (section 3): `503`, with Retry-After.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoClientIdNow {
    /// All million have a session or are reserved.
    AllInUse {
        /// When to ask again.
        retry_after: Millis,
    },
    /// More were asked for than are given.
    TooMany {
        /// When to ask again.
        retry_after: Millis,
    },
    /// The positions reserved on disk are used up; the shell reserves more with `reserve_client_ids`.
    NotReserved {
        /// The least bound with which an id would have been given.
        needed: u64,
    },
}

impl NoClientIdNow {
    /// When to ask again; none where it depends on how soon more can be reserved.
    pub fn retry_after(self) -> Option<Millis> {
        match self {
            NoClientIdNow::AllInUse { retry_after } | NoClientIdNow::TooMany { retry_after } => {
                Some(retry_after)
            }
            NoClientIdNow::NotReserved { .. } => None,
        }
    }

    /// Why, in words.
    pub fn detail(self) -> &'static str {
        match self {
            NoClientIdNow::AllInUse { .. } => "all clientIds are in use",
            NoClientIdNow::TooMany { .. } => "more clientIds are asked for than are given",
            NoClientIdNow::NotReserved { .. } => "clientIds are being reserved",
        }
    }
}

impl SendAnswer {
    /// The status of the answer (section 3).
    pub fn status(&self) -> u16 {
        match self {
            SendAnswer::Accepted(_) => 204,
            SendAnswer::InvalidToken => 400,
            SendAnswer::Forbidden => 403,
            SendAnswer::UnknownApp => 404,
            SendAnswer::TooMany(_) => 429,
            SendAnswer::Stopping => 503,
        }
    }

    /// What its client makes of it (section 6).
    pub fn outcome(&self) -> Outcome {
        match self.status() {
            204 => Outcome::Understood,
            status => Outcome::Refused { status, detail: self.detail().into() },
        }
    }

    /// What the answer says in words.
    pub fn detail(&self) -> &'static str {
        match self {
            SendAnswer::Accepted(_) => "the event was accepted",
            SendAnswer::InvalidToken => "accessToken does not match the pattern of this app's tokens",
            SendAnswer::Forbidden => {
                "the accessToken may not take part in this app and role, or the clientId belongs to another client"
            }
            SendAnswer::UnknownApp => "this server has no such app",
            SendAnswer::TooMany(bound) => bound.detail(),
            SendAnswer::Stopping => "the server stops",
        }
    }
}

impl Bound {
    /// What was refused for lack of room, in words.
    pub fn detail(self) -> &'static str {
        match self {
            Bound::Rate => "this clientId sends more than it may",
            Bound::Output => {
                "the recipient does not take what is sent to it; its output has no more room for this sender"
            }
            Bound::AllOutputs => "the outputs of all recipients together have no more room for this sender",
            Bound::Line => "too much waits for this recipient already",
            Bound::AllLines => "too much waits for absent recipients already",
        }
    }
}
