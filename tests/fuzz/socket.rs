//! Sequences of inputs to a crSocket (section 7), its children played by what they may report.

use crsocket::protocol::action::{Notice, SocketAction, Ticket};
use crsocket::protocol::ids::{Assigned, ClientId, Role};
use crsocket::protocol::receiver::{self, View, WhyAborted, WhyClosed};
use crsocket::protocol::sender;
use crsocket::protocol::socket::{ClientFacts, Input, Socket, State};
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wire::AbortReason;

use crate::bytes::Bytes;
use crate::people::{self, Timers};

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let role = people::role(&mut bytes);
    let mut shell = Shell {
        socket: Socket::new(role),
        timing: people::timing(&mut bytes),
        now: Millis::ZERO,
        random: 0,
        timers: Timers::default(),
        sender: sender::Facts::default(),
        receiver: receiver::Facts::default(),
        revision: 0,
        told: Socket::new(role).state().clone(),
        partner: None,
        heard: Heard::default(),
    };
    while !bytes.is_empty() {
        shell.next(&mut bytes);
        shell.check();
    }
}

struct Shell {
    socket: Socket,
    timing: Timing,
    now: Millis,
    random: u64,
    timers: Timers,
    /// What the sender holds after all it was told.
    sender: sender::Facts,
    /// What the receiver was given last, and its number.
    receiver: receiver::Facts,
    revision: u32,
    /// The state and the partner that the enclosing client was told.
    told: State,
    partner: Option<ClientId>,
    heard: Heard,
}

impl Shell {
    fn next(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() % 12 {
            0..=3 => {
                let input = set_by_client(bytes);
                self.take(input);
            }
            4 | 5 => {
                let is_late = bytes.rarely(16);
                let revision = self.revision.wrapping_sub(u32::from(is_late));
                let known = self.socket.receiver().clone();
                self.take(Input::ReceiverReport { view: view(bytes), revision });
                assert!(!is_late || *self.socket.receiver() == known, "a late report undid a newer input");
            }
            6..=8 => {
                let mut event = people::received(bytes);
                event.sender = if bytes.flag() { self.socket.partner() } else { event.sender };
                let stale = bytes.rarely(8);
                self.heard.note(event.sender, &event, stale, self.now);
                self.take(Input::Received { event, credentials: people::credentials(bytes), stale });
            }
            9 => {
                let late = u32::from(bytes.rarely(8));
                let clearings = self.socket.sender().clearings.wrapping_sub(late);
                if late == 0 {
                    self.sender.note_ping_left();
                }
                self.take(Input::PingLeft { clearings });
            }
            10 => {
                let input = Input::Timer(bytes.pick(&TimerKind::ALL));
                self.take(if bytes.rarely(16) { Input::Woke } else { input });
            }
            _ => {
                self.now = self.timers.wait(self.now, bytes);
                self.random = bytes.number();
                while let Some(timer) = self.timers.take_due(self.now) {
                    self.take(Input::Timer(timer));
                }
            }
        }
    }

    fn take(&mut self, input: Input) {
        let mut actions = Vec::new();
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        let before = self.socket.partner();
        self.socket.handle(input, &step, &mut actions);
        for action in actions {
            match action {
                SocketAction::Receiver(receiver::Input::Set { facts, revision }) => {
                    assert_eq!(revision, self.revision.wrapping_add(1));
                    (self.receiver, self.revision) = (facts, revision);
                }
                SocketAction::Receiver(receiver::Input::Woke) | SocketAction::SendLine(_) => {}
                SocketAction::Receiver(other) => panic!("a crSocket does not say {other:?}"),
                SocketAction::Sender(input) => self.tell_sender(input),
                SocketAction::RequestClientId => {
                    assert_eq!(self.socket.client().client_id, Assigned::Nothing);
                }
                SocketAction::Notify(notice) => self.notice(notice, before),
                SocketAction::SetTimer { timer, after } => self.timers.set(timer, after, self.now),
                SocketAction::CancelTimer(timer) => self.timers.cancel(timer),
            }
        }
    }

    fn tell_sender(&mut self, input: sender::Input) {
        match input {
            sender::Input::Set { client_active, client_id, access_token } => {
                self.sender.set_client(client_active, client_id, access_token);
            }
            sender::Input::Partner(partner) => self.sender.assign_partner(partner),
            sender::Input::Rejected(rejection) => self.sender.reject(rejection),
            sender::Input::Unassign => {
                assert_eq!(self.socket.role(), Role::Controller, "responders let go in silence");
                assert!(self.sender.partner.valid().is_some());
            }
            sender::Input::Inactive => assert!(self.sender.state().is_ready()),
            sender::Input::Online(_)
            | sender::Input::Ping
            | sender::Input::CancelPing
            | sender::Input::Reject { .. }
            | sender::Input::Send { .. } => {}
            sender::Input::PingLeft { .. } | sender::Input::Outcome { .. } | sender::Input::Timer(_) => {
                panic!("a crSocket does not say {input:?}")
            }
        }
    }

    fn notice(&mut self, notice: Notice, before: Option<ClientId>) {
        match notice {
            Notice::State { from, to } => {
                assert!(from == self.told && from != to, "{from:?} to {to:?} after {:?}", self.told);
                self.told = to;
            }
            Notice::Partner(partner) => {
                assert_ne!(partner, self.partner);
                self.partner = partner;
            }
            Notice::CrEvent(event) => {
                assert!(
                    event.sender.is_some()
                        && (event.sender == before || event.sender == self.socket.partner())
                );
            }
            Notice::ClientId(id) => assert_eq!(self.socket.client().client_id, Assigned::Valid(id)),
            Notice::Fate { .. } => panic!("only a sender says {notice:?}"),
        }
    }

    fn check(&self) {
        let state = self.socket.state();
        assert_eq!((&self.told, self.partner), (state, self.socket.partner()));
        assert_eq!(&self.sender, self.socket.sender(), "parent and child differ");
        let counted = (self.sender.client_active, self.sender.client_id, &self.sender.access_token);
        let given = (self.receiver.client_active, self.receiver.client_id, &self.receiver.access_token);
        assert_eq!(counted, given, "the children differ");
        follows_from_facts(
            state,
            self.socket.client(),
            self.sender.client_id,
            &self.socket.receiver().state,
            &self.sender,
        );
        none_but_the_streams_credentials_count(&self.socket);
        self.heard.check(&self.socket, self.now, &self.timing);

        assert_eq!(self.timers.due(TimerKind::Ping).is_some(), state.is_paired());
        assert_eq!(self.timers.due(TimerKind::Partner).is_some(), *state == State::Interacting);
        if self.timers.due(TimerKind::ClientId).is_some() {
            assert_eq!(self.socket.client().client_id, Assigned::Nothing);
        }
        let releases = self.timers.due(TimerKind::Release).is_some();
        assert!(!releases || (*state == State::Searching && self.socket.role() == Role::Responder));
    }
}

/// What an enclosing client says.
pub(crate) fn set_by_client(bytes: &mut Bytes<'_>) -> Input {
    match bytes.byte() % 16 {
        0 | 1 => Input::Visible(!bytes.rarely(4)),
        2 | 3 => Input::Online(!bytes.rarely(4)),
        4 => Input::Paused(bytes.rarely(4)),
        5 => Input::Unloading(bytes.rarely(8)),
        6 | 7 => Input::ClientId(people::assigned(bytes, people::client_id)),
        8 | 9 => Input::AccessToken(people::assigned(bytes, people::token)),
        10..=12 => Input::Partner(people::assigned(bytes, people::client_id)),
        13 => Input::ClientIdAnswer((!bytes.rarely(4)).then(|| people::client_id(bytes))),
        _ => {
            let ticket = bytes.number();
            Input::Send { ticket: Ticket(ticket), event: people::sent(bytes, ticket) }
        }
    }
}

/// What a receiver may report.
fn view(bytes: &mut Bytes<'_>) -> View {
    let closed = WhyClosed::NoAccessToken;
    match bytes.byte() % 8 {
        0 => View { state: receiver::State::Closed(closed), stream: None },
        1 => View { state: receiver::State::Closing(closed), stream: Some(people::credentials(bytes)) },
        2 => View { state: receiver::State::Opening, stream: None },
        3 => {
            let why = WhyAborted::Server(AbortReason::ReleasedByOther);
            View { state: receiver::State::Aborted(why), stream: None }
        }
        _ => View { state: receiver::State::Open, stream: Some(people::credentials(bytes)) },
    }
}

/// "The state is a function of the facts", in words of its own.
pub(crate) fn follows_from_facts(
    state: &State,
    client: &ClientFacts,
    counted_id: Option<ClientId>,
    receiver: &receiver::State,
    sender: &sender::Facts,
) {
    let client_active = client.visible && client.online && !client.paused && !client.unloading;
    let active = client_active && client.client_id.valid().is_some() && counted_id.is_some();
    let demanded = match (active, receiver) {
        (false, _) => "passive",
        (true, receiver::State::Opening) => "connecting",
        (true, receiver::State::Open) if !sender.state().is_ready() => "readyToPair",
        (true, receiver::State::Open) => "paired",
        (true, receiver::State::Closed(_) | receiver::State::Closing(_) | receiver::State::Aborted(_)) => {
            "readyToConnect"
        }
    };
    let name = if state.is_paired() { "paired" } else { state.as_str() };
    assert_eq!(name, demanded, "{client:?} {receiver:?} {sender:?}");
    assert_eq!(state.is_active(), active);
}

/// "Another clientId or accessToken counts as missing until the old stream has ended".
pub(crate) fn none_but_the_streams_credentials_count(socket: &Socket) {
    let Some(stream) = &socket.receiver().stream else { return };
    let sender = socket.sender();
    assert!(sender.client_id.is_none_or(|id| id == stream.client_id), "{sender:?} beside {stream:?}");
    let token = sender.access_token.valid();
    assert!(token.is_none_or(|token| *token == stream.access_token), "another accessToken beside {stream:?}");
}

/// What was heard of whom: more than a crSocket remembers.
#[derive(Default)]
pub(crate) struct Heard(Vec<(ClientId, Millis)>);

impl Heard {
    pub(crate) fn note(
        &mut self,
        from: Option<ClientId>,
        event: &crsocket::protocol::event::CrEvent,
        stale: bool,
        now: Millis,
    ) {
        use crsocket::protocol::event::EventKind;
        let Some(from) = from else { return };
        match event.kind() {
            EventKind::Ping | EventKind::Ordinary if stale => {}
            EventKind::Ping | EventKind::Ordinary => self.0.push((from, now)),
            EventKind::Inactive | EventKind::Unassign | EventKind::Reject => {}
        }
    }

    /// Interacting: the partner said something active less than partnerActiveMaxEventInDt ago.
    pub(crate) fn check(&self, socket: &Socket, now: Millis, timing: &Timing) {
        if *socket.state() == State::Interacting {
            let last =
                self.0.iter().rev().find(|(from, _)| Some(*from) == socket.partner()).map(|(_, at)| *at);
            let is_fresh = last.is_some_and(|at| now - at < timing.partner_active_max_event_in_dt);
            assert!(is_fresh, "interacting with {:?}, last heard at {last:?}", socket.partner());
        }
    }
}
