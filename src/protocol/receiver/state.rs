//! What an EventReceiver's state follows from, and what its crSocket knows of it.

use super::{AbortReason, AccessToken, Assigned, ClientId, Credentials};

/// What a receiver's crSocket gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Visible, online, not paused and not unloading.
    pub client_active: bool,
    /// The clientId that counts, if any.
    pub client_id: Option<ClientId>,
    /// The accessToken that counts.
    pub access_token: Assigned<AccessToken>,
}

impl Facts {
    /// Why no stream can be opened with these facts; `None` if one can. The first reason that applies.
    pub fn why_not_openable(&self) -> Option<WhyClosed> {
        self.why_not(|_| true, |_| true)
    }

    /// Why a stream with these credentials must not stay open. Another value counts as none until it has ended.
    pub fn why_not_this(&self, stream: &Credentials) -> Option<WhyClosed> {
        self.why_not(|id| id == stream.client_id, |token| *token == stream.access_token)
    }

    /// The first reason that applies, where only certain clientIds and accessTokens count.
    fn why_not(
        &self,
        id_counts: impl FnOnce(ClientId) -> bool,
        token_counts: impl FnOnce(&AccessToken) -> bool,
    ) -> Option<WhyClosed> {
        if !self.client_active {
            return Some(WhyClosed::ClientNotActive);
        }
        if !self.client_id.is_some_and(id_counts) {
            return Some(WhyClosed::NoClientId);
        }
        match &self.access_token {
            Assigned::Invalid => Some(WhyClosed::InvalidAccessToken),
            Assigned::Valid(token) if token_counts(token) => None,
            Assigned::Nothing | Assigned::Valid(_) => Some(WhyClosed::NoAccessToken),
        }
    }

    /// With which credentials a stream is opened; `None` where none can be.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        match (self.client_active, self.client_id, self.access_token.valid()) {
            (true, Some(client_id), Some(access_token)) => {
                Some(Credentials { client_id, access_token: access_token.clone() })
            }
            _ => None,
        }
    }
}

/// Why a receiver is closed or closing: its subState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyClosed {
    /// Invisible, offline, paused or unloading.
    ClientNotActive,
    /// No clientId, or one that does not count yet.
    NoClientId,
    /// No accessToken, or one that does not count yet.
    NoAccessToken,
    /// The accessToken does not match its pattern.
    InvalidAccessToken,
}

impl WhyClosed {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            WhyClosed::ClientNotActive => "clientNotActive",
            WhyClosed::NoClientId => "noClientId",
            WhyClosed::NoAccessToken => "noAccessToken",
            WhyClosed::InvalidAccessToken => "invalidAccessToken",
        }
    }
}

/// Why a receiver is aborted: its subState.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyAborted {
    /// The server said so.
    Server(AbortReason),
    /// The server answered with something that is not an event stream.
    Error,
}

impl WhyAborted {
    /// The published name, or the server's word.
    pub fn as_str(&self) -> &str {
        match self {
            WhyAborted::Server(reason) => reason.as_str(),
            WhyAborted::Error => "error",
        }
    }
}

/// The state of an EventReceiver (section 5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Not openable, nothing open.
    Closed(WhyClosed),
    /// Openable, no `hello` yet.
    Opening,
    /// Openable, `hello` received.
    Open,
    /// No longer openable, or not with this stream's credentials: waiting for `closed`.
    Closing(WhyClosed),
    /// Openable, and the server gave the stream up.
    Aborted(WhyAborted),
}

impl State {
    /// The published name.
    pub fn as_str(&self) -> &'static str {
        match self {
            State::Closed(_) => "closed",
            State::Opening => "opening",
            State::Open => "open",
            State::Closing(_) => "closing",
            State::Aborted(_) => "aborted",
        }
    }

    /// The subState; empty where there is none.
    pub fn sub_state(&self) -> &str {
        match self {
            State::Closed(why) | State::Closing(why) => why.as_str(),
            State::Opening | State::Open => "",
            State::Aborted(why) => why.as_str(),
        }
    }
}

/// What a crSocket knows of its receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Its state.
    pub state: State,
    /// The credentials of the stream that is open or closing: other values count as missing until it has ended.
    pub stream: Option<Credentials>,
}

impl View {
    /// What a receiver is from the moment when it is given these facts (section 7, "A change is one step"): what it
    /// will report, known before it has handled the input.
    #[must_use]
    pub fn given(self, facts: &Facts) -> View {
        let not_openable = facts.why_not_openable();
        let state = match (&self.stream, self.state) {
            (Some(_), State::Closing(last)) => State::Closing(not_openable.unwrap_or(last)),
            (Some(stream), state) => facts.why_not_this(stream).map_or(state, State::Closing),
            (None, _) => not_openable.map_or(State::Opening, State::Closed),
        };
        View { state, stream: self.stream }
    }
}
