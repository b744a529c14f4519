//! One client of the simulation: its machines, its timers, its network, and what it was told.

use std::rc::Rc;

use super::browser::Browser;
use super::network::Network;
use super::watch::Party;
use crate::protocol::action::StreamNo;
use crate::protocol::ids::{AccessToken, AppId, ClientId, Credentials, Role};
use crate::protocol::socket::{State, WhyPassive};
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wired::{Effect, Input, Scratch, WiredSocket};

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Which app it is a page of.
    pub app: AppId,
    /// Its crSocket.
    pub machines: Machines,
    /// What lies between it and the server.
    pub network: Network,
    /// How far its calendar is off.
    pub calendar_offset: i64,
    /// How its clock runs.
    pub clock: Clock,
    /// Until when its device sleeps.
    pub(super) asleep_until: Option<Millis>,
    /// Which life of the page this is: what is meant for an earlier one is lost.
    pub(super) epoch: u32,
    pub(super) timers: [Timer; TimerKind::ALL.len()],
    /// The stream it has requested or holds.
    pub(super) stream: Option<StreamNo>,
    /// Its connections to event streams, as they stand: opened, and neither dropped nor ended.
    pub(super) connections: Vec<(StreamNo, Credentials)>,
    /// When the last frame that is under way arrives: streams are ordered.
    pub(super) last_frame: Millis,
    /// The accessToken of its last request to the server, and who it made that.
    pub(super) party: Option<(AccessToken, Rc<Party>)>,
    /// The longest that anything took from one end of its network to the other, since the last calm.
    pub(super) longest_way: Millis,
}

/// A client's clock, by which its machines and its timers go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// How much too fast it is, in parts of 2^20: about millionths.
    pub rate: i64,
}

impl Clock {
    /// What it says.
    pub(super) fn at(self, now: Millis) -> Millis {
        Millis(now.0 + ((now.0 * self.rate) >> PARTS))
    }

    /// When it will say so.
    pub(super) fn when(self, said: Millis) -> Millis {
        if self.rate == 0 {
            return said;
        }
        let mut at = Millis((said.0 << PARTS) / ((1 << PARTS) + self.rate));
        while self.at(at) < said {
            at += Millis(1);
        }
        // The first of these moments.
        at
    }
}

/// 2 to the power of this is about a million.
const PARTS: u32 = 20;

/// A timer of a client: when it is due by the client's clock, if it is armed; and the alarm that is set for it, which may
/// ring too early, since timers are put off far more often than they fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timer {
    pub(super) due: Option<Millis>,
    pub(super) alarm: Option<Alarm>,
}

/// When an alarm rings, and its place in the order of happenings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alarm {
    pub(super) at: Millis,
    pub(super) order: u64,
}

/// What a client's page runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Machines {
    /// This project's crSocket.
    Ours(Box<WiredSocket>),
    /// An existing browser client.
    Browser(Box<Browser>),
    /// No crSocket at all: somebody who makes requests.
    Nobody(Role),
}

/// The state where there is no crSocket.
const NO_STATE: &State = &State::Passive(WhyPassive::NoClientId);

impl Machines {
    /// This project's crSocket, given nothing yet.
    pub fn ours(role: Role) -> Machines {
        Machines::Ours(Box::new(WiredSocket::new(role)))
    }

    /// An existing browser client, given nothing yet.
    pub fn browser(role: Role) -> Machines {
        Machines::Browser(Box::new(Browser::new(role)))
    }

    /// This project's machines, where they are what runs.
    pub fn as_ours(&self) -> Option<&WiredSocket> {
        match self {
            Machines::Ours(socket) => Some(socket),
            Machines::Browser(_) | Machines::Nobody(_) => None,
        }
    }

    /// Takes one input.
    pub fn handle(
        &mut self,
        scratch: &mut Scratch,
        input: Input,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        match self {
            Machines::Ours(socket) => socket.handle_with(scratch, input, step, calendar, effects),
            Machines::Browser(browser) => browser.handle(input, step, calendar, effects),
            Machines::Nobody(_) => {}
        }
    }

    /// Its role.
    pub fn role(&self) -> Role {
        match self {
            Machines::Ours(socket) => socket.socket.role(),
            Machines::Browser(browser) => browser.role(),
            Machines::Nobody(role) => *role,
        }
    }

    /// The state of its crSocket.
    pub fn state(&self) -> &State {
        match self {
            Machines::Ours(socket) => socket.socket.state(),
            Machines::Browser(browser) => browser.state(),
            Machines::Nobody(_) => NO_STATE,
        }
    }

    /// Its clientId, if it has a valid one.
    pub fn client_id(&self) -> Option<ClientId> {
        match self {
            Machines::Ours(socket) => socket.socket.client().client_id.valid().copied(),
            Machines::Browser(browser) => browser.client_id(),
            Machines::Nobody(_) => None,
        }
    }

    /// Its partner, if a valid one is assigned.
    pub fn partner(&self) -> Option<ClientId> {
        match self {
            Machines::Ours(socket) => socket.socket.partner(),
            Machines::Browser(browser) => browser.partner(),
            Machines::Nobody(_) => None,
        }
    }

    /// Its partner rejected it.
    pub fn is_rejected(&self) -> bool {
        match self {
            Machines::Ours(socket) => socket.socket.sender().rejection.is_some(),
            Machines::Browser(browser) => browser.is_rejected(),
            Machines::Nobody(_) => false,
        }
    }
}

impl Client {
    pub(super) fn new(app: AppId, machines: Machines) -> Client {
        Client {
            app,
            machines,
            network: Network::default(),
            calendar_offset: 0,
            clock: Clock::default(),
            asleep_until: None,
            epoch: 0,
            timers: Default::default(),
            stream: None,
            connections: Vec::new(),
            last_frame: Millis::MIN,
            party: None,
            longest_way: Millis::ZERO,
        }
    }

    pub(super) fn has_connection(&self, stream: StreamNo) -> bool {
        self.connections.iter().any(|(standing, _)| *standing == stream)
    }

    /// A connection was dropped, or ended.
    pub(super) fn disconnected(&mut self, stream: StreamNo) {
        self.connections.retain(|(standing, _)| *standing != stream);
        self.stream.take_if(|current| *current == stream);
    }

    /// When a timer is due by the client's clock, if it is armed.
    pub(super) fn due(&self, timer: TimerKind) -> Option<Millis> {
        self.timers.get(timer as usize)?.due
    }

    pub(super) fn timer_mut(&mut self, timer: TimerKind) -> Option<&mut Timer> {
        self.timers.get_mut(timer as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_a_moment_first_when_it_is_said_to() {
        for rate in [0, 20, -20, 1_000, -1_000, 10_000, -10_000] {
            let clock = Clock { rate };
            for said in [0, 1, 999, 25_000, 3_600_000, 40_000_000].map(Millis) {
                let at = clock.when(said);
                assert!(clock.at(at) >= said, "{rate}: {said} is not said at {at}");
                assert!(
                    at == Millis::ZERO || clock.at(at - Millis(1)) < said,
                    "{rate}: {said} is said before {at}"
                );
            }
        }
        let fast = Clock { rate: 10_000 };
        assert_eq!(fast.at(Millis(3_600_000)), Millis(3_634_332), "about one percent fast");
    }
}
