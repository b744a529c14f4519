//! What an EventSender's state follows from. Its crSocket holds the same facts and changes them by the same methods,
//! so that both ends always agree (section 7, "A change is one step").

use crate::protocol::event::Rejection;
use crate::protocol::ids::{AccessToken, Assigned, ClientId, Credentials};

/// What a sender's state follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Visible, online, not paused and not unloading.
    pub client_active: bool,
    /// The clientId that counts, if any.
    pub client_id: Option<ClientId>,
    /// The accessToken that counts.
    pub access_token: Assigned<AccessToken>,
    /// The partner's clientId.
    pub partner: Assigned<ClientId>,
    /// Why the partner rejected this client, if it did.
    pub rejection: Option<Rejection>,
    /// Whether a `ping` left for the partner since the rejection was last cleared: else a `reject` is a late one,
    /// meant for old credentials.
    pub ping_left: bool,
    /// How often the rejection was cleared: tells a late report of a ping from a present one.
    pub clearings: u32,
}

impl Facts {
    /// Whether these are who this client is and whether it is active.
    pub fn has_client(&self, active: bool, id: Option<ClientId>, token: &Assigned<AccessToken>) -> bool {
        self.client_active == active && self.client_id == id && self.access_token == *token
    }

    /// Sets who this client is and whether it is active. A change of any of them clears the rejection.
    pub fn set_client(&mut self, active: bool, id: Option<ClientId>, token: Assigned<AccessToken>) {
        if !self.has_client(active, id, &token) {
            self.clear_rejection();
        }
        self.client_active = active;
        self.client_id = id;
        self.access_token = token;
    }

    /// Assigns a partner. The same one again changes nothing, unless it rejected this client: then it gets another
    /// chance.
    pub fn assign_partner(&mut self, partner: Assigned<ClientId>) {
        let same = self.partner == partner;
        if !same || self.rejection.is_some() {
            self.clear_rejection();
        }
        self.partner = partner;
    }

    /// The partner sent a `reject`. It counts only if a ping left for it since the flag was last cleared.
    pub fn reject(&mut self, rejection: Rejection) {
        if self.ping_left {
            self.rejection = Some(rejection);
        }
    }

    /// A ping left for the partner.
    pub fn note_ping_left(&mut self) {
        self.ping_left = true;
    }

    /// With which credentials events are sent; `None` while some are missing.
    pub fn credentials(&self) -> Option<Credentials> {
        let access_token = self.access_token.valid()?.clone();
        Some(Credentials { client_id: self.client_id?, access_token })
    }

    /// The sender's state.
    pub fn state(&self) -> State {
        if let Some(why) = self.why_not_ready() {
            return State::NotReady(why);
        }
        match &self.rejection {
            Some(rejection) => State::PartnerRejected(rejection.clone()),
            None => State::Ready { client_active: self.client_active },
        }
    }

    fn why_not_ready(&self) -> Option<WhyNotReady> {
        if self.client_id.is_none() {
            return Some(WhyNotReady::NoClientId);
        }
        match (&self.access_token, &self.partner) {
            (Assigned::Nothing, _) => Some(WhyNotReady::NoAccessToken),
            (Assigned::Invalid, _) => Some(WhyNotReady::InvalidAccessToken),
            (Assigned::Valid(_), Assigned::Nothing) => Some(WhyNotReady::NoPartnerClientId),
            (Assigned::Valid(_), Assigned::Invalid) => Some(WhyNotReady::InvalidPartnerClientId),
            (Assigned::Valid(_), Assigned::Valid(_)) => None,
        }
    }

    fn clear_rejection(&mut self) {
        self.rejection = None;
        self.ping_left = false;
        self.clearings = self.clearings.wrapping_add(1);
    }
}

/// Why a sender is not ready: its subState. The first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyNotReady {
    /// No clientId, or one that does not count yet.
    NoClientId,
    /// No accessToken, or one that does not count yet.
    NoAccessToken,
    /// The accessToken does not match its pattern.
    InvalidAccessToken,
    /// No partner is assigned.
    NoPartnerClientId,
    /// The partner's clientId does not match its pattern.
    InvalidPartnerClientId,
}

impl WhyNotReady {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            WhyNotReady::NoClientId => "noClientId",
            WhyNotReady::NoAccessToken => "noAccessToken",
            WhyNotReady::InvalidAccessToken => "invalidAccessToken",
            WhyNotReady::NoPartnerClientId => "noPartnerClientId",
            WhyNotReady::InvalidPartnerClientId => "invalidPartnerClientId",
        }
    }
}

/// The state of an EventSender (section 6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Something is missing.
    NotReady(WhyNotReady),
    /// All is assigned, and the partner rejected this client.
    PartnerRejected(Rejection),
    /// All is assigned, and nobody rejected anybody.
    Ready {
        /// Else the subState is `clientNotActive`: it can still say `inactive`.
        client_active: bool,
    },
}

impl State {
    /// The published name.
    pub fn as_str(&self) -> &'static str {
        match self {
            State::NotReady(_) => "notReady",
            State::PartnerRejected(_) => "partnerRejected",
            State::Ready { .. } => "ready",
        }
    }

    /// The subState; empty where there is none.
    pub fn sub_state(&self) -> &str {
        match self {
            State::NotReady(why) => why.as_str(),
            State::PartnerRejected(rejection) => rejection.as_str(),
            State::Ready { client_active: false } => "clientNotActive",
            State::Ready { client_active: true } => "",
        }
    }

    /// Whether crEvents are accepted.
    pub fn is_ready(&self) -> bool {
        match self {
            State::Ready { .. } => true,
            State::NotReady(_) | State::PartnerRejected(_) => false,
        }
    }
}
