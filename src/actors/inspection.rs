//! What the Registry says of its sessions to whoever inspects them, and how they end a session. Never an accessToken.

use std::net::IpAddr;

use actix::Message;

use crate::protocol::event::Rejection;
use crate::protocol::ids::{AppId, ClientId, Pid, Role};
use crate::protocol::sessions::Contest;
use crate::protocol::time::Millis;

/// The reason of `aborted` where an administrator ended a session for good: no published one, since none is meant.
pub const ENDED_BY_ADMIN: &str = "endedByAdmin";

/// Asks for clientIds that are in use, in their order.
#[derive(Clone, Debug, Default, Message)]
#[rtype(result = "SessionList")]
pub struct ListSessions {
    /// Those behind this one.
    pub after: Option<ClientId>,
    /// At most so many.
    pub most: usize,
    /// Where looking goes on, where not all were looked at in one message.
    pub looked: Option<ClientId>,
    /// Which.
    pub wanted: Wanted,
}

/// Which clientIds are asked for: all that match everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// This one alone.
    pub client_id: Option<ClientId>,
    /// Sessions of this app.
    pub app: Option<AppId>,
    /// Sessions of this role.
    pub role: Option<Role>,
    /// With a session, or reserved.
    pub has_session: Option<bool>,
    /// Sessions of crSockets of this process, or of others.
    pub hosted: Option<bool>,
}

/// The answer to [`ListSessions`].
#[derive(Clone, Debug, Default)]
pub struct SessionList {
    /// What was asked for.
    pub found: Vec<InUse>,
    /// How many match in all, wherever the list begins and ends.
    pub total: usize,
    /// Whether there are more behind the last one.
    pub has_more: bool,
    /// Up to which all were looked at, where somebody is left: the Registry has others to serve meanwhile.
    pub looked: Option<ClientId>,
}

/// A clientId that is in use.
#[derive(Clone, Debug)]
pub struct InUse {
    /// Which.
    pub client_id: ClientId,
    /// By whom.
    pub by: UsedBy,
    /// How many crEvents wait for it.
    pub waiting: usize,
}

/// By whom a clientId is used.
#[derive(Clone, Debug)]
pub enum UsedBy {
    /// By a session.
    Session(Box<SessionDetails>),
    /// It is reserved for the user of its last session, for so long.
    Reserved {
        /// How long still.
        left: Millis,
    },
}

/// A live session.
#[derive(Clone, Debug)]
pub struct SessionDetails {
    /// Its app.
    pub app: AppId,
    /// Its role.
    pub role: Role,
    /// Its stream.
    pub pid: Pid,
    /// Whether it is that of a crSocket of this process.
    pub hosted: bool,
    /// How long ago it was opened.
    pub open_for: Millis,
    /// How long ago the last msgEvent arrived.
    pub silent_for: Millis,
    /// How long ago the last one of its client's own arrived.
    pub own_silent_for: Millis,
    /// Whether another user wants its clientId.
    pub contest: Contest,
    /// Frames that its reader has not taken.
    pub queued_frames: usize,
    /// How many of them are crEvents.
    pub queued_events: usize,
    /// The bytes of those, as they go over the wire.
    pub queued_bytes: usize,
    /// What the shell saw of it.
    pub seen: Seen,
}

/// What is seen of a stream beside the rules. Ages are as of the answer.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// From which address it was opened.
    pub remote: Option<IpAddr>,
    /// What its client says it is, or the beginning of that.
    pub user_agent: Option<Box<str>>,
    /// Frames that were written to it.
    pub frames: u64,
    /// Their bytes, as they go over the wire.
    pub bytes: u64,
    /// Whom its client pinged last, and how long ago.
    pub last_pinged: Option<(ClientId, Millis)>,
    /// To whom its client said `inactive` or `unassign` last, and how long ago.
    pub last_goodbye: Option<(ClientId, Millis)>,
    /// The last `reject` that was written to it.
    pub last_reject: Option<Box<RejectSeen>>,
}

/// A `reject` that was written to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectSeen {
    /// In whose name.
    pub by: Option<ClientId>,
    /// Why.
    pub reason: Rejection,
    /// How long ago.
    pub ago: Millis,
}

/// Asks what is known of two clients that should find each other.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Both")]
pub struct GetBoth {
    /// The one.
    pub controller: ClientId,
    /// The other.
    pub responder: ClientId,
}

/// The answer to [`GetBoth`].
#[derive(Clone, Debug)]
pub struct Both {
    /// The controller's clientId, if it is in use.
    pub controller: Option<InUse>,
    /// The responder's.
    pub responder: Option<InUse>,
    /// Where both have sessions: whether the controller's crEvents reach the responder, and the other way round
    /// (section 4, Arrival, rule 3).
    pub reach: Option<[Result<(), Rejection>; 2]>,
}

/// Ends a session. Whether there is one.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "bool")]
pub struct EndSession {
    /// Whose.
    pub client_id: ClientId,
    /// For good (`aborted`); else its client opens it again (`shutdown`).
    pub for_good: bool,
}

impl Wanted {
    /// Whether all match.
    pub(super) fn is_everybody(&self) -> bool {
        let Wanted { client_id, app, role, has_session, hosted } = self;
        client_id.is_none() && app.is_none() && role.is_none() && has_session.is_none() && hosted.is_none()
    }

    /// Whether this one matches; `session` is what it has.
    pub(super) fn matches(&self, client_id: ClientId, session: Option<(&AppId, Role, bool)>) -> bool {
        let of_session = |(app, role, hosted): (&AppId, Role, bool)| {
            self.app.as_ref().is_none_or(|wanted| wanted == app)
                && self.role.is_none_or(|wanted| wanted == role)
                && self.hosted.is_none_or(|wanted| wanted == hosted)
        };
        self.client_id.is_none_or(|wanted| wanted == client_id)
            && self.has_session.is_none_or(|wanted| wanted == session.is_some())
            && match session {
                Some(session) => of_session(session),
                None => self.app.is_none() && self.role.is_none() && self.hosted.is_none(),
            }
    }
}
