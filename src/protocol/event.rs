//! crEvents: what clients send each other (section 2 of the specification).

use std::fmt;

use thiserror::Error;

use super::ids::ClientId;

/// What a crEvent's type means to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// "I am ready to interact with you as a partner."
    Ping,
    /// "I am not active any more."
    Inactive,
    /// "You are no longer my partner." From controllers.
    Unassign,
    /// "I will not be your partner."
    Reject,
    /// Anything else: the enclosing clients' own.
    Ordinary,
}

impl EventKind {
    /// The kind that an eventType stands for.
    pub fn of(event_type: &str) -> EventKind {
        match event_type {
            "ping" => EventKind::Ping,
            "inactive" => EventKind::Inactive,
            "unassign" => EventKind::Unassign,
            "reject" => EventKind::Reject,
            _ => EventKind::Ordinary,
        }
    }
}

/// Why a partner refuses, or a server blocks: the subType of a `reject` crEvent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The crSocket has another partner.
    AssignedToOther,
    /// The crSocket has no partner, and may not be assigned one by a ping (controllers).
    NotPaired,
    /// Server: sender and recipient belong to different apps.
    AppIdMismatch,
    /// Server: sender and recipient have the same role.
    InvalidPartnerRole,
    /// Server: the app pairs only clients of one user.
    AccessTokenMismatch,
    /// Server: an interceptor dropped the ping without a reason of its own.
    Blocked,
    /// A reason this version does not know, as it came.
    Other(Box<str>),
}

impl Rejection {
    /// Its text on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Rejection::AssignedToOther => "assignedToOther",
            Rejection::NotPaired => "notPaired",
            Rejection::AppIdMismatch => "appIdMismatch",
            Rejection::InvalidPartnerRole => "invalidPartnerRole",
            Rejection::AccessTokenMismatch => "accessTokenMismatch",
            Rejection::Blocked => "blocked",
            Rejection::Other(text) => text,
        }
    }

    /// The reason that a subType stands for.
    pub fn from_sub_type(text: &str) -> Rejection {
        match text {
            "assignedToOther" => Rejection::AssignedToOther,
            "notPaired" => Rejection::NotPaired,
            "appIdMismatch" => Rejection::AppIdMismatch,
            "invalidPartnerRole" => Rejection::InvalidPartnerRole,
            "accessTokenMismatch" => Rejection::AccessTokenMismatch,
            "blocked" => Rejection::Blocked,
            other => Rejection::Other(other.into()),
        }
    }
}

/// Content that no crEvent may have (section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvalidEvent {
    /// The eventType is not `[0-9A-Za-z]+`.
    #[error("an eventType is one or more characters of 0-9, A-Z and a-z")]
    EventType,
    /// The eventSubType is not `[0-9A-Za-z]*`.
    #[error("an eventSubType is characters of 0-9, A-Z and a-z, or empty")]
    SubType,
    /// A param contains the split character.
    #[error("eventParam {index} contains a comma, which separates params")]
    Param {
        /// Which one, from 0.
        index: usize,
    },
}

/// Whether a text can be an eventType, of a crEvent or of a sendevent: `[0-9A-Za-z]+`.
pub fn is_event_type(text: &str) -> bool {
    !text.is_empty() && is_sub_type(text)
}

/// Whether a text can be an eventSubType of our own: `[0-9A-Za-z]*`.
pub fn is_sub_type(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A crEvent. Sender role, accessToken and recipient travel beside it, never inside it.
///
/// Those a client makes itself match the patterns of section 2; those it receives are kept as they came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrEvent {
    /// What it is: `ping`, `inactive`, `unassign`, `reject`, or the enclosing client's own.
    pub event_type: Box<str>,
    /// Explains the type; never steers.
    pub sub_type: Box<str>,
    /// Any number of strings without a comma. No params and one empty param differ.
    pub params: Box<[Box<str>]>,
    /// Kept while offline instead of dropped.
    pub buffered: bool,
    /// Kept by the server.
    pub logged: bool,
    /// Interceptors may see it.
    pub interceptable: bool,
    /// When it left its sender: calendar time in milliseconds since 1970; unknown is `NaN` on the wire.
    pub send_ct: Option<i64>,
    /// When the receiving crSocket got it, likewise.
    pub receive_ct: Option<i64>,
    /// Who sent it; the server writes it. `None` where the text was no clientId.
    pub sender: Option<ClientId>,
}

impl CrEvent {
    /// An event of the enclosing client, without params, with the default flags.
    ///
    /// # Errors
    /// [`InvalidEvent`] where type or subType do not match their patterns.
    pub fn new(event_type: &str, sub_type: &str) -> Result<CrEvent, InvalidEvent> {
        if !is_event_type(event_type) {
            return Err(InvalidEvent::EventType);
        }
        if !is_sub_type(sub_type) {
            return Err(InvalidEvent::SubType);
        }
        Ok(CrEvent::unchecked(event_type, sub_type))
    }

    /// The same event with these params.
    ///
    /// # Errors
    /// [`InvalidEvent::Param`] for the first that contains a comma.
    pub fn with_params<S: AsRef<str>>(
        mut self,
        params: impl IntoIterator<Item = S>,
    ) -> Result<CrEvent, InvalidEvent> {
        self.params = params.into_iter().map(|param| param.as_ref().into()).collect();
        match self.params.iter().position(|param| param.contains(',')) {
            Some(index) => Err(InvalidEvent::Param { index }),
            None => Ok(self),
        }
    }

    /// The same event, flagged `buffered`: kept while offline.
    #[must_use]
    pub fn buffered(mut self) -> CrEvent {
        self.buffered = true;
        self
    }

    /// The same event, flagged `logged`: kept by the server.
    #[must_use]
    pub fn logged(mut self) -> CrEvent {
        self.logged = true;
        self
    }

    /// The same event, which no interceptor sees.
    #[must_use]
    pub fn not_interceptable(mut self) -> CrEvent {
        self.interceptable = false;
        self
    }

    /// A `ping`.
    pub fn ping() -> CrEvent {
        CrEvent::unchecked("ping", "")
    }

    /// An `inactive`.
    pub fn inactive() -> CrEvent {
        CrEvent::unchecked("inactive", "")
    }

    /// An `unassign`, subType `notPaired` (section 7).
    pub fn unassign() -> CrEvent {
        CrEvent::unchecked("unassign", Rejection::NotPaired.as_str())
    }

    /// A `reject` with its reason.
    pub fn reject(reason: &Rejection) -> CrEvent {
        CrEvent::unchecked("reject", reason.as_str())
    }

    /// What its type means to the protocol.
    pub fn kind(&self) -> EventKind {
        EventKind::of(&self.event_type)
    }

    /// Whether an enclosing client may send it: type, subType and params match their patterns.
    ///
    /// # Errors
    /// The first pattern that does not match.
    pub fn check(&self) -> Result<(), InvalidEvent> {
        if !is_event_type(&self.event_type) {
            return Err(InvalidEvent::EventType);
        }
        if !is_sub_type(&self.sub_type) {
            return Err(InvalidEvent::SubType);
        }
        match self.params.iter().position(|param| param.contains(',')) {
            Some(index) => Err(InvalidEvent::Param { index }),
            None => Ok(()),
        }
    }

    pub(crate) fn unchecked(event_type: &str, sub_type: &str) -> CrEvent {
        CrEvent {
            event_type: event_type.into(),
            sub_type: sub_type.into(),
            params: Box::default(),
            buffered: false,
            logged: false,
            interceptable: true,
            send_ct: None,
            receive_ct: None,
            sender: None,
        }
    }
}

impl fmt::Debug for CrEvent {
    // Params stay out: they are the participants' data, and whatever is printed ends in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.event_type)?;
        if !self.sub_type.is_empty() {
            write!(f, "/{}", self.sub_type)?;
        }
        for (flag, name) in [(self.buffered, "buffered"), (self.logged, "logged")] {
            if flag {
                write!(f, " {name}")?;
            }
        }
        if let Some(sender) = self.sender {
            write!(f, " from {sender}")?;
        }
        write!(f, " ({} params)", self.params.len())
    }
}
