//! States as small numbers that know their published names.

use std::fmt;

use crate::protocol::socket::State;

/// What stands for a peer's own word.
const OTHER: &str = "other";

/// The published names of states and subStates; their places are the numbers.
const NAMES: [(&str, &str); 32] = [
    ("passive", "noClientId"),
    ("passive", "invalidClientId"),
    ("passive", "notVisible"),
    ("passive", "notOnline"),
    ("passive", "paused"),
    ("passive", "unloading"),
    ("readyToConnect", "clientNotActive"),
    ("readyToConnect", "noClientId"),
    ("readyToConnect", "noAccessToken"),
    ("readyToConnect", "invalidAccessToken"),
    ("readyToConnect", "invalidRole"),
    ("readyToConnect", "invalidClientId"),
    ("readyToConnect", "notAuthorized"),
    ("readyToConnect", "releasedByOther"),
    ("readyToConnect", "clientNotAlive"),
    ("readyToConnect", "clientIdInUse"),
    ("readyToConnect", "error"),
    ("readyToConnect", OTHER),
    ("connecting", ""),
    ("readyToPair", "noClientId"),
    ("readyToPair", "noAccessToken"),
    ("readyToPair", "invalidAccessToken"),
    ("readyToPair", "noPartnerClientId"),
    ("readyToPair", "invalidPartnerClientId"),
    ("readyToPair", "assignedToOther"),
    ("readyToPair", "notPaired"),
    ("readyToPair", "appIdMismatch"),
    ("readyToPair", "invalidPartnerRole"),
    ("readyToPair", "accessTokenMismatch"),
    ("readyToPair", "blocked"),
    ("readyToPair", OTHER),
    ("searching", "partnerInactive"),
];

/// The number behind the table.
const INTERACTING: u8 = 32;

/// A state and its subState, as small as can be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateName(u8);

impl StateName {
    /// Of a crSocket that was given nothing yet: passive, without a clientId.
    pub const FIRST: StateName = StateName(0);

    /// How many there are.
    pub(super) const ALL: usize = NAMES.len() + 1;

    /// All of them, in the order of their numbers.
    pub(super) fn all() -> impl Iterator<Item = StateName> {
        (0..=INTERACTING).map(StateName)
    }

    /// The published name of the state.
    pub fn state(self) -> &'static str {
        self.names().0
    }

    /// The published name of the subState; empty where there is none, `other` where it is a peer's own word.
    pub fn sub_state(self) -> &'static str {
        self.names().1
    }

    /// Whether it is interacting.
    pub fn is_interacting(self) -> bool {
        self.0 == INTERACTING
    }

    /// The published names of the metastates that hold: `active`, `connected`, `paired`.
    pub fn metastates(self) -> Vec<&'static str> {
        let holding: &[&str] = match self.state() {
            "passive" => &[],
            "readyToConnect" | "connecting" => &["active"],
            "readyToPair" => &["active", "connected"],
            _ => &["active", "connected", "paired"],
        };
        holding.to_vec()
    }

    /// The names of a state.
    pub fn of(state: &State) -> StateName {
        if *state == State::Interacting {
            return StateName(INTERACTING);
        }
        let place = |sub_state: &str| NAMES.iter().position(|names| *names == (state.as_str(), sub_state));
        let found = place(state.sub_state()).or_else(|| place(OTHER));
        StateName(found.and_then(|place| u8::try_from(place).ok()).unwrap_or(INTERACTING))
    }

    pub(super) fn number(self) -> u8 {
        self.0
    }

    pub(super) fn from_number(number: u8) -> StateName {
        StateName(number)
    }

    fn names(self) -> (&'static str, &'static str) {
        NAMES.get(usize::from(self.0)).copied().unwrap_or(("interacting", ""))
    }
}

impl fmt::Debug for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names() {
            (state, "") => f.write_str(state),
            (state, sub_state) => write!(f, "{state}/{sub_state}"),
        }
    }
}
