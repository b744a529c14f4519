//! The crSocket (section 7): holds the facts, knows its two children, says when to ping and when to part.

use super::action::{Notice, SocketAction, Ticket};
use super::event::CrEvent;
use super::ids::{AccessToken, Assigned, ClientId, Credentials, Role};
use super::receiver::{self, ASLEEP, View, WhyClosed};
use super::time::{Millis, Step, TimerKind};
use super::{send_line, sender};

mod aged;
mod partner;
mod state;

pub use state::{ClientFacts, State, WhyPassive, WhyUnconnected, WhyUnpaired, state};

use partner::Heard;

/// What a crSocket is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The enclosing client is visible, or not.
    Visible(bool),
    /// The enclosing client is online, or not.
    Online(bool),
    /// The enclosing client is paused, or not.
    Paused(bool),
    /// The enclosing client is going away, or was brought back. A crSocket that is removed sets this first.
    Unloading(bool),
    /// The enclosing client sets its clientId; nothing asks the server for one.
    ClientId(Assigned<ClientId>),
    /// The enclosing client sets its accessToken.
    AccessToken(Assigned<AccessToken>),
    /// The enclosing client assigns a partner, the same one again, or none.
    Partner(Assigned<ClientId>),
    /// The enclosing client sends a crEvent to the partner.
    Send {
        /// Its number for it.
        ticket: Ticket,
        /// The event.
        event: CrEvent,
    },
    /// The server's answer to [`SocketAction::RequestClientId`]; `None` for anything but a clientId.
    ClientIdAnswer(Option<ClientId>),
    /// The receiver's state changed, or it took an input.
    ReceiverReport {
        /// What it is now.
        view: View,
        /// The last input it has taken.
        revision: u32,
    },
    /// The receiver got a crEvent.
    Received {
        /// The event.
        event: CrEvent,
        /// The credentials of its stream.
        credentials: Credentials,
        /// It may be as old as a sleep that just ended: it does not make the partner active.
        stale: bool,
    },
    /// The sender's ping left.
    PingLeft {
        /// [`sender::Facts::clearings`] at that moment: a report that was overtaken does not count.
        clearings: u32,
    },
    /// The device slept: a timer of the sender was late.
    Woke,
    /// A timer fired.
    Timer(TimerKind),
}

/// The crSocket's machine.
///
/// ```text
///   +--------------------------------- active -----------------------------------+
///   |                               +--------------- connected ----------------+ |
///   |                               |                +------- paired --------+ | |
/// passive <--> readyToConnect <--> connecting --> readyToPair <--> searching <--> interacting
/// ```
///
/// Passive, readyToConnect and connecting lead each to each other; connecting leads to each connected state; these to
/// each other, to readyToConnect, to passive, and, when the stream broke or was recycled, to connecting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    role: Role,
    client: ClientFacts,
    receiver: View,
    /// The number of the last input the receiver was given.
    revision: u32,
    sender: sender::Facts,
    heard: Option<Heard>,
    /// The partner was assigned by a ping, so that releaseDt applies to it.
    assigned_by_ping: bool,
    ping_due: Option<Millis>,
    /// When the armed one of three timers is due, of which never two are: `Partner` (interacting), `Release`
    /// (searching), `ClientId` (a clientId was asked for; there is none).
    armed: Option<(TimerKind, Millis)>,
    state: State,
}

/// Who caused a change, where an effect depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The enclosing client set visible, online, paused, unloading or clientId, perhaps to the same value.
    SetAnew,
    /// The enclosing client set the accessToken.
    SetToken,
    /// Anything else.
    Other,
}

impl Socket {
    /// A crSocket that has been given nothing yet: passive, not visible, not online.
    pub fn new(role: Role) -> Socket {
        Socket {
            role,
            client: ClientFacts::default(),
            receiver: View { state: receiver::State::Closed(WhyClosed::ClientNotActive), stream: None },
            revision: 0,
            sender: sender::Facts::default(),
            heard: None,
            assigned_by_ping: false,
            ping_due: None,
            armed: None,
            state: State::Passive(WhyPassive::NoClientId),
        }
    }

    /// Its state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Its role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What the enclosing client set.
    pub fn client(&self) -> &ClientFacts {
        &self.client
    }

    /// The partner, if a valid one is assigned.
    pub fn partner(&self) -> Option<ClientId> {
        self.sender.partner.valid().copied()
    }

    /// The partner that the enclosing client assigned, if the partner is not one that a ping assigned.
    pub fn partner_that_was_set(&self) -> Assigned<ClientId> {
        if self.assigned_by_ping { Assigned::Nothing } else { self.sender.partner.clone() }
    }

    /// When something of the present partner came last, if anything is remembered.
    pub fn heard_of_partner(&self) -> Option<Millis> {
        self.heard.as_ref().filter(|heard| self.partner() == Some(heard.from)).map(|heard| heard.at)
    }

    /// What it knows of its receiver.
    pub fn receiver(&self) -> &View {
        &self.receiver
    }

    /// What it knows of its sender.
    pub fn sender(&self) -> &sender::Facts {
        &self.sender
    }

    /// Takes one input and asks for what follows from it.
    pub fn handle(&mut self, input: Input, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        match input {
            Input::Visible(visible) => {
                self.change(Cause::SetAnew, step, actions, |socket| socket.client.visible = visible);
            }
            Input::Online(online) => {
                self.change(Cause::SetAnew, step, actions, |socket| socket.client.online = online);
            }
            Input::Paused(paused) => {
                self.change(Cause::SetAnew, step, actions, |socket| socket.client.paused = paused);
            }
            Input::Unloading(unloading) => self.set_unloading(unloading, step, actions),
            Input::ClientId(id) => self.set_client_id(id, step, actions),
            Input::AccessToken(token) => self.set_access_token(token, step, actions),
            Input::Partner(partner) => self.set_partner(partner, step, actions),
            Input::Send { ticket, event } => {
                actions.push(SocketAction::Sender(sender::Input::Send { ticket, event }));
            }
            Input::ClientIdAnswer(answer) => self.client_id_answer(answer, step, actions),
            Input::ReceiverReport { view, revision } => {
                if revision == self.revision {
                    self.change(Cause::Other, step, actions, |socket| socket.receiver = view);
                }
            }
            Input::Received { event, credentials, stale } => {
                self.received(event, credentials, stale, step, actions);
            }
            Input::PingLeft { clearings } => self.ping_left(clearings, step, actions),
            Input::Woke => actions.push(SocketAction::Receiver(receiver::Input::Woke)),
            Input::Timer(timer) => self.timer_fired(timer, step, actions),
        }
        self.ask_for_client_id(step, actions);
    }

    fn set_unloading(&mut self, unloading: bool, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        actions.push(SocketAction::SendLine(send_line::Input::Unloading(unloading)));
        self.change(Cause::SetAnew, step, actions, |socket| socket.client.unloading = unloading);
    }

    /// First the goodbye with the old id, then the old stream closes, then the new id counts.
    fn set_client_id(&mut self, id: Assigned<ClientId>, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        if self.client.client_id.valid().is_some() && self.client.client_id != id {
            let responder_lets_go = self.role == Role::Responder && self.state.is_paired();
            if self.role == Role::Controller {
                self.set_partner(Assigned::Nothing, step, actions);
            }
            self.change(Cause::SetAnew, step, actions, |socket| {
                socket.client.client_id = Assigned::Nothing;
                socket.heard = None;
            });
            if responder_lets_go {
                self.set_partner(Assigned::Nothing, step, actions);
            }
        }
        self.change(Cause::SetAnew, step, actions, |socket| socket.client.client_id = id);
    }

    fn set_access_token(
        &mut self,
        token: Assigned<AccessToken>,
        step: &Step<'_>,
        actions: &mut Vec<SocketAction>,
    ) {
        let old = &self.client.access_token;
        if old.valid().is_some() && token.valid().is_some() && *old != token {
            self.change(Cause::SetToken, step, actions, |socket| {
                socket.client.access_token = Assigned::Nothing;
            });
        }
        self.change(Cause::SetToken, step, actions, |socket| socket.client.access_token = token);
    }

    fn client_id_answer(
        &mut self,
        answer: Option<ClientId>,
        step: &Step<'_>,
        actions: &mut Vec<SocketAction>,
    ) {
        let Some(id) = answer else { return };
        if self.client.client_id == Assigned::Nothing {
            actions.push(SocketAction::Notify(Notice::ClientId(id)));
            self.change(Cause::SetAnew, step, actions, |socket| {
                socket.client.client_id = Assigned::Valid(id);
            });
        }
    }

    /// Asks for a clientId while there is none, once the stream of the old one has ended.
    fn ask_for_client_id(&mut self, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        let needed = self.client.client_id == Assigned::Nothing
            && !self.client.unloading
            && self.receiver.stream.is_none();
        if needed && self.due(TimerKind::ClientId).is_none() {
            actions.push(SocketAction::RequestClientId);
            let after = step.timing.invalid_client_id_retry_dt;
            self.armed = Some((TimerKind::ClientId, step.now + after));
            actions.push(SocketAction::SetTimer { timer: TimerKind::ClientId, after });
        } else if !needed && self.disarm(TimerKind::ClientId) {
            actions.push(SocketAction::CancelTimer(TimerKind::ClientId));
        }
    }

    fn ping_left(&mut self, clearings: u32, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        if clearings != self.sender.clearings {
            return;
        }
        self.sender.note_ping_left();
        if self.state.is_paired() {
            self.set_ping_timer(step, actions);
        }
    }

    fn timer_fired(&mut self, timer: TimerKind, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        match timer {
            TimerKind::Ping => {
                let Some(due) = self.ping_due.take_if(|due| *due <= step.now) else { return };
                notice_sleep(due, step, actions);
                actions.push(SocketAction::Sender(sender::Input::Ping));
                self.set_ping_timer(step, actions);
            }
            TimerKind::Partner => {
                let Some(due) = self.take_due(timer, step) else { return };
                notice_sleep(due, step, actions);
                self.change(Cause::Other, step, actions, |_| {});
            }
            // Asked again at the end of this step, where one is still missing.
            TimerKind::ClientId => {
                let Some(due) = self.take_due(timer, step) else { return };
                notice_sleep(due, step, actions);
            }
            TimerKind::Release => {
                let Some(due) = self.take_due(timer, step) else { return };
                notice_sleep(due, step, actions);
                self.release(step, actions);
            }
            TimerKind::Hello
            | TimerKind::Reopen
            | TimerKind::Alive
            | TimerKind::Close
            | TimerKind::Pace
            | TimerKind::Unassign
            | TimerKind::Answer => {}
        }
    }

    /// One change: the facts, the children's facts, the state, the effects, the report, in this order.
    fn change(
        &mut self,
        cause: Cause,
        step: &Step<'_>,
        actions: &mut Vec<SocketAction>,
        change: impl FnOnce(&mut Socket),
    ) {
        let was_online = self.client.online;
        let was_ready = self.sender.state().is_ready();
        change(self);
        if self.client.online != was_online {
            actions.push(SocketAction::Sender(sender::Input::Online(self.client.online)));
        }
        let facts = self.counted_facts();
        let tell_sender = !self.sender.has_client(facts.client_active, facts.client_id, &facts.access_token);
        let tell_receiver = tell_sender || cause != Cause::Other;
        if tell_sender {
            self.sender.set_client(facts.client_active, facts.client_id, facts.access_token.clone());
        }
        if tell_receiver {
            self.revision = self.revision.wrapping_add(1);
            let known = self.receiver.clone();
            self.receiver = known.given(&facts);
        }
        let from = std::mem::replace(&mut self.state, State::Connecting);
        self.state = self.derive_state(step);

        if was_ready && self.parts_with_inactive(&from, cause) {
            actions.push(SocketAction::Sender(sender::Input::Inactive));
        }
        self.tell_children(facts, tell_sender, tell_receiver, actions);
        self.perform_effects(&from, step, actions);
        if from != self.state {
            actions.push(SocketAction::Notify(Notice::State { from, to: self.state.clone() }));
        }
    }

    /// What counts now: while another clientId's or accessToken's stream has not ended, the new one is missing.
    fn counted_facts(&self) -> receiver::Facts {
        let mut client_id = self.client.client_id.valid().copied();
        let mut access_token = self.client.access_token.clone();
        if let Some(stream) = &self.receiver.stream {
            client_id = client_id.filter(|id| *id == stream.client_id);
            if access_token.valid().is_some_and(|token| *token != stream.access_token) {
                access_token = Assigned::Nothing;
            }
        }
        receiver::Facts { client_active: self.client.is_client_active(), client_id, access_token }
    }

    fn derive_state(&self, step: &Step<'_>) -> State {
        state(
            &self.client,
            self.sender.client_id,
            &self.receiver.state,
            &self.sender.state(),
            self.is_partner_active(step),
        )
    }

    /// Whether `inactive` is due, if the sender was ready before (the table of section 7).
    fn parts_with_inactive(&self, from: &State, cause: Cause) -> bool {
        match &self.state {
            State::Passive(_) => from.is_paired() || *from == State::Connecting,
            State::ReadyToConnect(_) | State::Connecting => from.is_paired() && cause == Cause::SetToken,
            State::ReadyToPair(_) | State::Searching | State::Interacting => false,
        }
    }

    fn tell_children(
        &self,
        facts: receiver::Facts,
        tell_sender: bool,
        tell_receiver: bool,
        actions: &mut Vec<SocketAction>,
    ) {
        if tell_sender {
            let receiver::Facts { client_active, client_id, access_token } = facts.clone();
            let set = sender::Input::Set { client_active, client_id, access_token };
            actions.push(SocketAction::Sender(set));
        }
        if tell_receiver {
            let set = receiver::Input::Set { facts, revision: self.revision };
            actions.push(SocketAction::Receiver(set));
        }
    }

    /// Timers and pings, from the state before to the state now (the table of section 7).
    fn perform_effects(&mut self, from: &State, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        let is_interacting = self.state == State::Interacting;
        let was_interacting = *from == State::Interacting;
        if self.state.is_paired() {
            let pings = !from.is_paired() || (is_interacting && !was_interacting);
            if pings {
                actions.push(SocketAction::Sender(sender::Input::Ping));
            }
            if pings || is_interacting != was_interacting {
                self.set_ping_timer(step, actions);
            }
        } else if from.is_paired() {
            actions.push(SocketAction::Sender(sender::Input::CancelPing));
            if self.ping_due.take().is_some() {
                actions.push(SocketAction::CancelTimer(TimerKind::Ping));
            }
        }
        self.set_partner_timer(step, actions);
        self.set_release_timer(from, step, actions);
    }

    fn set_ping_timer(&mut self, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        let after = match self.state {
            State::Interacting => step.timing.interacting_max_event_out_dt,
            State::Searching => step.timing.searching_max_event_out_dt,
            State::Passive(_) | State::ReadyToConnect(_) | State::Connecting | State::ReadyToPair(_) => {
                return;
            }
        };
        let due = step.now + after;
        if self.ping_due != Some(due) {
            self.ping_due = Some(due);
            actions.push(SocketAction::SetTimer { timer: TimerKind::Ping, after });
        }
    }

    /// The partner timer runs only while interacting, to the moment when the partner stops being active.
    fn set_partner_timer(&mut self, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        let due = match (&self.state, &self.heard) {
            (State::Interacting, Some(heard)) => Some(heard.at + step.timing.partner_active_max_event_in_dt),
            _ => None,
        };
        if self.due(TimerKind::Partner) == due {
            return;
        }
        self.armed = due.map(|due| (TimerKind::Partner, due));
        actions.push(match due {
            Some(due) => SocketAction::SetTimer { timer: TimerKind::Partner, after: due - step.now },
            None => SocketAction::CancelTimer(TimerKind::Partner),
        });
    }

    /// A timer that should have fired long ago means that the device slept, also if the event came before the timer.
    fn is_a_timer_overdue(&self, step: &Step<'_>) -> bool {
        let armed = self.armed.map(|(_, due)| due);
        self.ping_due.into_iter().chain(armed).any(|due| step.now - due > ASLEEP)
    }

    /// When this timer is due, if it is the armed one of the three.
    fn due(&self, timer: TimerKind) -> Option<Millis> {
        self.armed.filter(|(armed, _)| *armed == timer).map(|(_, due)| due)
    }

    /// The same, of a timer that fired; it is armed no more then. Nothing of one that fired early.
    fn take_due(&mut self, timer: TimerKind, step: &Step<'_>) -> Option<Millis> {
        let fired = self.armed.take_if(|(armed, due)| *armed == timer && *due <= step.now);
        fired.map(|(_, due)| due)
    }

    /// Says whether it was armed.
    fn disarm(&mut self, timer: TimerKind) -> bool {
        self.armed.take_if(|(armed, _)| *armed == timer).is_some()
    }
}

/// A timer this late means that the device slept: what arrives now may be old (section 5, "Waking").
fn notice_sleep(due: Millis, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
    if step.now - due > ASLEEP {
        actions.push(SocketAction::Receiver(receiver::Input::Woke));
    }
}
