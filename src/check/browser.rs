//! An existing (1.13) browser client, as the simulation plays it (section 9): what was observed, and nothing of what
//! later clients do better.
//!
//! It takes and asks for the same as a [`WiredSocket`](crate::protocol::wired::WiredSocket), and shares with it only
//! what is the same: the facts, and the functions that say which state follows from them.

use std::collections::{BTreeMap, VecDeque};

use crate::protocol::action::{Notice, RequestNo, StreamNo};
use crate::protocol::event::{CrEvent, EventKind, Rejection};
use crate::protocol::ids::{Assigned, ClientId, Pid, Role};
use crate::protocol::receiver::{self, WhyClosed};
use crate::protocol::sender;
use crate::protocol::socket::{self, ClientFacts, State, WhyPassive};
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wired::{Effect, Input};

mod sending;
mod stream;
#[cfg(test)]
mod tests;

use sending::Letter;
use stream::Source;

/// How long these clients take to settle: crEvents that come so soon after a `hello` or a change of partner may be
/// lost, and ordinary crEvents leave so much further apart than they must.
const SETTLING: Millis = Millis(100);

/// A 1.13 browser client.
///
/// crEvents that arrive while it settles are lost with probability one half, by [`Step::random`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Browser {
    role: Role,
    client: ClientFacts,
    /// What the receiver says of itself: open also while its EventSource comes back by itself.
    receiver: receiver::State,
    /// The EventSource; none while closed or aborted.
    source: Option<Source>,
    last_stream: StreamNo,
    /// The pid of the last `hello`: `alive` and `close` go on with it while the EventSource comes back.
    pid: Option<Pid>,
    sender: sender::Facts,
    /// What waits for its turn, pings in their order too.
    queue: VecDeque<Letter>,
    /// What is kept while offline.
    kept: VecDeque<Letter>,
    /// Before this moment nothing ordinary leaves.
    spaced_until: Millis,
    last_request: RequestNo,
    heard: Option<Heard>,
    settling_since: Millis,
    state: State,
    /// The timers that are armed, and when they are due.
    timers: BTreeMap<TimerKind, Millis>,
}

/// The last event of the partner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Heard {
    from: ClientId,
    at: Millis,
    /// It was neither `inactive` nor `reject`.
    active: bool,
}

/// One call of [`Browser::handle`].
struct Turn<'a> {
    step: &'a Step<'a>,
    calendar: Option<i64>,
    effects: &'a mut Vec<Effect>,
}

impl Browser {
    /// A client that has been given nothing yet: passive, not visible, not online.
    pub fn new(role: Role) -> Browser {
        Browser {
            role,
            client: ClientFacts::default(),
            receiver: receiver::State::Closed(WhyClosed::ClientNotActive),
            source: None,
            last_stream: StreamNo(0),
            pid: None,
            sender: sender::Facts::default(),
            queue: VecDeque::new(),
            kept: VecDeque::new(),
            spaced_until: Millis::MIN,
            last_request: RequestNo(0),
            heard: None,
            settling_since: Millis::MIN,
            state: State::Passive(WhyPassive::NoClientId),
            timers: BTreeMap::new(),
        }
    }

    /// Its role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The state of its crSocket.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The clientId it assigned, or was given by the server.
    pub fn client_id(&self) -> Option<ClientId> {
        self.client.client_id.valid().copied()
    }

    /// The partner, if a valid one is assigned.
    pub fn partner(&self) -> Option<ClientId> {
        self.sender.partner.valid().copied()
    }

    /// Whether the partner rejected it: such a client is not willing (section 10).
    pub fn is_rejected(&self) -> bool {
        self.sender.rejection.is_some()
    }

    /// Takes one input and asks the world for what follows from it.
    ///
    /// `calendar` is the calendar time in milliseconds since 1970: what events are stamped with.
    pub fn handle(
        &mut self,
        input: Input,
        step: &Step<'_>,
        calendar: Option<i64>,
        effects: &mut Vec<Effect>,
    ) {
        let mut turn = Turn { step, calendar, effects };
        match input {
            Input::Socket(input) => self.page_says(input, &mut turn),
            Input::Receiver(input) => self.stream_says(input, &mut turn),
            // Beacons: nobody looks at the answer.
            Input::SendLine(_) => {}
            Input::Timer(timer) => self.timer_fired(timer, &mut turn),
        }
        self.ask_for_client_id(&mut turn);
        self.pump(&mut turn);
    }

    fn page_says(&mut self, input: socket::Input, turn: &mut Turn<'_>) {
        match input {
            socket::Input::Visible(visible) => self.change(turn, |browser| browser.client.visible = visible),
            socket::Input::Online(online) => self.change(turn, |browser| browser.client.online = online),
            socket::Input::Paused(paused) => self.change(turn, |browser| browser.client.paused = paused),
            socket::Input::Unloading(unloading) => {
                self.change(turn, |browser| browser.client.unloading = unloading);
            }
            socket::Input::ClientId(id) => self.set_client_id(id, turn),
            socket::Input::AccessToken(token) => {
                self.change(turn, |browser| browser.client.access_token = token);
            }
            socket::Input::Partner(partner) => self.set_partner(partner, turn),
            socket::Input::Send { ticket, event } => self.accept(ticket, event, turn),
            socket::Input::ClientIdAnswer(answer) => {
                if let (Some(id), Assigned::Nothing) = (answer, &self.client.client_id) {
                    turn.effects.push(Effect::Notify(Notice::ClientId(id)));
                    self.change(turn, |browser| browser.client.client_id = Assigned::Valid(id));
                }
            }
            // What the three machines of a crSocket tell each other: this is one machine.
            socket::Input::ReceiverReport { .. }
            | socket::Input::Received { .. }
            | socket::Input::PingLeft { .. }
            | socket::Input::Woke
            | socket::Input::Timer(_) => {}
        }
    }

    fn timer_fired(&mut self, timer: TimerKind, turn: &mut Turn<'_>) {
        if self.timers.get(&timer).is_none_or(|due| turn.step.now < *due) {
            return;
        }
        self.timers.remove(&timer);
        match timer {
            TimerKind::Reopen => self.connect(true, turn),
            TimerKind::Alive => self.say_alive(turn),
            TimerKind::Close => self.closing_is_over(true, turn),
            TimerKind::Ping => self.enqueue_ping(turn.step),
            TimerKind::Partner => self.change(turn, |_| {}),
            // What these two were armed for happens at the end of every call; the others are never armed.
            TimerKind::Pace
            | TimerKind::ClientId
            | TimerKind::Hello
            | TimerKind::Unassign
            | TimerKind::Answer
            | TimerKind::Release => {}
        }
    }

    /// With the old id a controller unassigns its partner, and a paired responder lets go, in silence.
    fn set_client_id(&mut self, id: Assigned<ClientId>, turn: &mut Turn<'_>) {
        if self.client.client_id == id {
            return;
        }
        if self.client_id().is_some() {
            if self.role == Role::Controller || self.state.is_paired() {
                self.set_partner(Assigned::Nothing, turn);
            }
            self.heard = None;
        }
        self.change(turn, |browser| browser.client.client_id = id);
    }

    /// Another partner takes two steps: unassigned first, then assigned. The same one again changes nothing.
    fn set_partner(&mut self, partner: Assigned<ClientId>, turn: &mut Turn<'_>) {
        if self.sender.partner == partner {
            return;
        }
        if let Some(old) = self.partner() {
            if self.role == Role::Controller && self.state.is_paired() {
                self.say(self.sender.credentials(), old, CrEvent::unassign(), turn);
                self.heard.take_if(|heard| heard.from == old);
            }
            self.assign(Assigned::Nothing, turn);
            self.change(turn, |_| {});
        }
        self.assign(partner, turn);
        self.change(turn, |_| {});
    }

    /// Assigns, without any effect on the state yet.
    fn assign(&mut self, partner: Assigned<ClientId>, turn: &mut Turn<'_>) {
        let before = self.partner();
        self.sender.assign_partner(partner);
        if self.partner() != before {
            self.settling_since = turn.step.now;
            turn.effects.push(Effect::Notify(Notice::Partner(self.partner())));
        }
    }

    /// One change: the facts, the goodbye, the receiver, the state, the effects, the report, in this order.
    fn change(&mut self, turn: &mut Turn<'_>, change: impl FnOnce(&mut Browser)) {
        let before = self.sender.clone();
        change(self);
        let facts = self.facts();
        if self.state.is_paired()
            && !self.stays_connected(&facts)
            && let Some(partner) = before.partner.valid()
        {
            self.say(before.credentials(), *partner, CrEvent::inactive(), turn);
        }
        self.tell_sender(&facts);
        self.steer(&facts, self.sender != before, turn);
        let now = socket::state(
            &self.client,
            self.sender.client_id,
            &self.receiver,
            &self.sender.state(),
            self.is_partner_active(turn.step),
        );
        let from = std::mem::replace(&mut self.state, now);
        self.schedule_pings(&from, turn);
        self.watch_partner(turn);
        if from != self.state {
            turn.effects.push(Effect::Notify(Notice::State { from, to: self.state.clone() }));
        }
    }

    /// Another clientId or accessToken counts as missing until the old stream has ended.
    fn tell_sender(&mut self, facts: &receiver::Facts) {
        let (mut id, mut token) = (facts.client_id, facts.access_token.clone());
        if let Some(stream) = self.held_credentials() {
            id = id.filter(|id| *id == stream.client_id);
            if token.valid().is_some_and(|token| *token != stream.access_token) {
                token = Assigned::Nothing;
            }
        }
        self.sender.set_client(facts.client_active, id, token);
    }

    /// A crEvent arrived.
    fn received(&mut self, event: CrEvent, turn: &mut Turn<'_>) {
        let is_settling = turn.step.now - self.settling_since < SETTLING;
        if is_settling && turn.step.random.is_multiple_of(2) {
            return;
        }
        let Some(from) = event.sender else { return };
        let is_ping = event.kind() == EventKind::Ping;
        let may_assign = self.role == Role::Responder || self.partner() == Some(from);
        if is_ping && may_assign && matches!(self.state, State::ReadyToPair(_)) {
            self.assign(Assigned::Valid(from), turn);
        }
        if self.partner() == Some(from) {
            self.received_from_partner(from, event, turn);
        } else if is_ping {
            self.answer_stranger(from, turn);
        }
    }

    fn received_from_partner(&mut self, from: ClientId, mut event: CrEvent, turn: &mut Turn<'_>) {
        let mut active = true;
        match event.kind() {
            EventKind::Unassign if self.role == Role::Responder => self.assign(Assigned::Nothing, turn),
            // Also a late one, for which no ping left.
            EventKind::Reject => {
                self.sender.rejection = Some(Rejection::from_sub_type(&event.sub_type));
                active = false;
            }
            EventKind::Inactive => active = false,
            EventKind::Unassign | EventKind::Ping | EventKind::Ordinary => {}
        }
        self.heard = Some(Heard { from, at: turn.step.now, active });
        self.change(turn, |_| {});
        event.receive_ct = turn.calendar;
        turn.effects.push(Effect::Notify(Notice::CrEvent(event)));
    }

    /// Every ping of a stranger is answered: by a controller, whether it has a partner or not, and by a taken
    /// responder.
    fn answer_stranger(&mut self, to: ClientId, turn: &mut Turn<'_>) {
        let rejection = match (self.role, self.partner()) {
            (Role::Controller, _) => Rejection::NotPaired,
            (Role::Responder, Some(_)) => Rejection::AssignedToOther,
            (Role::Responder, None) => return,
        };
        let credentials = self.held_credentials().cloned();
        self.say(credentials, to, CrEvent::reject(&rejection), turn);
    }

    fn is_partner_active(&self, step: &Step<'_>) -> bool {
        self.heard.as_ref().is_some_and(|heard| {
            heard.active
                && self.partner() == Some(heard.from)
                && step.now - heard.at < step.timing.partner_active_max_event_in_dt
        })
    }

    fn watch_partner(&mut self, turn: &mut Turn<'_>) {
        match (&self.state, &self.heard) {
            (State::Interacting, Some(heard)) => {
                let due = heard.at + turn.step.timing.partner_active_max_event_in_dt;
                self.set_timer(TimerKind::Partner, due - turn.step.now, turn);
            }
            _ => self.cancel_timer(TimerKind::Partner, turn),
        }
    }

    fn ask_for_client_id(&mut self, turn: &mut Turn<'_>) {
        let needed =
            self.client.client_id == Assigned::Nothing && !self.client.unloading && self.source.is_none();
        let asked = self.timers.contains_key(&TimerKind::ClientId);
        if needed && !asked {
            turn.effects.push(Effect::RequestClientId);
            self.set_timer(TimerKind::ClientId, turn.step.timing.invalid_client_id_retry_dt, turn);
        } else if !needed {
            self.cancel_timer(TimerKind::ClientId, turn);
        }
    }

    fn set_timer(&mut self, timer: TimerKind, after: Millis, turn: &mut Turn<'_>) {
        let due = turn.step.now + after;
        if self.timers.insert(timer, due) != Some(due) {
            turn.effects.push(Effect::SetTimer { timer, after });
        }
    }

    fn cancel_timer(&mut self, timer: TimerKind, turn: &mut Turn<'_>) {
        if self.timers.remove(&timer).is_some() {
            turn.effects.push(Effect::CancelTimer(timer));
        }
    }
}
