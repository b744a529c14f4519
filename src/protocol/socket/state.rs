//! The states of a crSocket, and the one function that says which holds (section 7).

use crate::protocol::event::Rejection;
use crate::protocol::ids::{AccessToken, Assigned, ClientId};
use crate::protocol::receiver::{self, WhyAborted, WhyClosed};
use crate::protocol::sender::{self, WhyNotReady};

/// What the enclosing client says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientFacts {
    /// The page is visible.
    pub visible: bool,
    /// The device is online.
    pub online: bool,
    /// The user paused it.
    pub paused: bool,
    /// It is going away.
    pub unloading: bool,
    /// The clientId it assigned, or was given by the server.
    pub client_id: Assigned<ClientId>,
    /// The accessToken it assigned.
    pub access_token: Assigned<AccessToken>,
}

impl ClientFacts {
    /// Visible, online, not paused and not unloading.
    pub fn is_client_active(&self) -> bool {
        self.visible && self.online && !self.paused && !self.unloading
    }

    /// Why the crSocket is passive, given the clientId that counts: the first reason that applies.
    fn why_passive(&self, counted_id: Option<ClientId>) -> Option<WhyPassive> {
        if self.client_id == Assigned::Invalid {
            Some(WhyPassive::InvalidClientId)
        } else if counted_id.is_none() {
            Some(WhyPassive::NoClientId)
        } else if !self.visible {
            Some(WhyPassive::NotVisible)
        } else if !self.online {
            Some(WhyPassive::NotOnline)
        } else if self.paused {
            Some(WhyPassive::Paused)
        } else if self.unloading {
            Some(WhyPassive::Unloading)
        } else {
            None
        }
    }
}

/// Why a crSocket is passive: its subState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyPassive {
    /// No clientId, or one that does not count yet.
    NoClientId,
    /// The clientId does not match its pattern.
    InvalidClientId,
    /// Not visible.
    NotVisible,
    /// Not online.
    NotOnline,
    /// Paused.
    Paused,
    /// Going away.
    Unloading,
}

impl WhyPassive {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            WhyPassive::NoClientId => "noClientId",
            WhyPassive::InvalidClientId => "invalidClientId",
            WhyPassive::NotVisible => "notVisible",
            WhyPassive::NotOnline => "notOnline",
            WhyPassive::Paused => "paused",
            WhyPassive::Unloading => "unloading",
        }
    }
}

/// Why a crSocket is readyToConnect: its receiver's subState.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyUnconnected {
    /// The receiver is closed, or still closing.
    Closed(WhyClosed),
    /// The receiver is aborted.
    Aborted(WhyAborted),
}

/// Why a crSocket is readyToPair: its sender's subState.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyUnpaired {
    /// The sender is not ready.
    NotReady(WhyNotReady),
    /// The partner rejected this client.
    Rejected(Rejection),
}

/// The state of a crSocket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The enclosing client is not active, or has no valid clientId.
    Passive(WhyPassive),
    /// Active; the receiver is neither opening nor open.
    ReadyToConnect(WhyUnconnected),
    /// Active; the receiver is opening.
    Connecting,
    /// Active and connected; the sender is not ready.
    ReadyToPair(WhyUnpaired),
    /// Active, connected and paired; the partner is not active.
    Searching,
    /// Active, connected and paired; the partner is active.
    Interacting,
}

impl State {
    /// The published names, in the order in which a crSocket comes through them.
    pub const NAMES: [&'static str; 6] =
        ["passive", "readyToConnect", "connecting", "readyToPair", "searching", "interacting"];

    /// The published name.
    pub fn as_str(&self) -> &'static str {
        match self {
            State::Passive(_) => "passive",
            State::ReadyToConnect(_) => "readyToConnect",
            State::Connecting => "connecting",
            State::ReadyToPair(_) => "readyToPair",
            State::Searching => "searching",
            State::Interacting => "interacting",
        }
    }

    /// The subState; empty where there is none.
    pub fn sub_state(&self) -> &str {
        match self {
            State::Passive(why) => why.as_str(),
            State::ReadyToConnect(WhyUnconnected::Closed(why)) => why.as_str(),
            State::ReadyToConnect(WhyUnconnected::Aborted(why)) => why.as_str(),
            State::ReadyToPair(WhyUnpaired::NotReady(why)) => why.as_str(),
            State::ReadyToPair(WhyUnpaired::Rejected(rejection)) => rejection.as_str(),
            State::Searching => "partnerInactive",
            State::Connecting | State::Interacting => "",
        }
    }

    /// Metastate: all but passive.
    pub fn is_active(&self) -> bool {
        match self {
            State::Passive(_) => false,
            State::ReadyToConnect(_)
            | State::Connecting
            | State::ReadyToPair(_)
            | State::Searching
            | State::Interacting => true,
        }
    }

    /// Metastate: readyToPair, searching, interacting.
    pub fn is_connected(&self) -> bool {
        match self {
            State::ReadyToPair(_) | State::Searching | State::Interacting => true,
            State::Passive(_) | State::ReadyToConnect(_) | State::Connecting => false,
        }
    }

    /// Metastate: searching, interacting.
    pub fn is_paired(&self) -> bool {
        match self {
            State::Searching | State::Interacting => true,
            State::Passive(_) | State::ReadyToConnect(_) | State::Connecting | State::ReadyToPair(_) => false,
        }
    }
}

/// Which state holds: total, and a function of nothing else.
///
/// `counted_id` is the clientId that counts: another value does not until the old stream has ended (section 5).
pub fn state(
    client: &ClientFacts,
    counted_id: Option<ClientId>,
    receiver: &receiver::State,
    sender: &sender::State,
    partner_active: bool,
) -> State {
    if let Some(why) = client.why_passive(counted_id) {
        return State::Passive(why);
    }
    match receiver {
        receiver::State::Closed(why) | receiver::State::Closing(why) => {
            State::ReadyToConnect(WhyUnconnected::Closed(*why))
        }
        receiver::State::Aborted(why) => State::ReadyToConnect(WhyUnconnected::Aborted(why.clone())),
        receiver::State::Opening => State::Connecting,
        receiver::State::Open => match sender {
            sender::State::NotReady(why) => State::ReadyToPair(WhyUnpaired::NotReady(*why)),
            sender::State::PartnerRejected(why) => State::ReadyToPair(WhyUnpaired::Rejected(why.clone())),
            sender::State::Ready { .. } if partner_active => State::Interacting,
            sender::State::Ready { .. } => State::Searching,
        },
    }
}
