//! The enclosing clients of all simulated crSockets of one thread, as one actor: a million of them have no mailboxes of their
//! own.

mod acting;
mod agenda;
mod alarm;
pub(super) mod messages;
mod trouble;

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, MessageResult, Recipient};

use self::acting::Acting;
use self::agenda::{Agenda, Due};
use self::messages::{Collect, Enter, Measure, Newcomer, Reckon, Rest};
use self::trouble::Trouble;
use super::ledger::Missing;
use super::meter::{CONNECTED, INTERACTING, Tally, place_of};
use super::persona::Action;
use super::time::Micros;
use super::world::World;
use crate::actors::board::SocketId;
use crate::actors::host::{CrSocketBuilder, SocketHandle};
use crate::actors::messages::{News, SetFact, SocketEvent};
use crate::protocol::action::Notice;
use crate::protocol::event::EventKind;
use crate::protocol::ids::{Assigned, ClientId, Role};
use crate::protocol::socket::{State, WhyUnconnected, WhyUnpaired};

/// The enclosing clients of one thread.
#[derive(Debug)]
pub(super) struct Crowd {
    number: u32,
    world: Arc<World>,
    /// Two for each pair, its controller first.
    clients: Vec<Option<Client>>,
    pairs: Vec<Pair>,
    by_socket: HashMap<SocketId, usize>,
    observer: Recipient<SocketEvent>,
    agenda: Agenda,
    tally: Tally,
    /// When the states were last counted into the time that was spent in them.
    counted: Micros,
    /// From when to when it is measured.
    measured: Option<(Micros, Option<Micros>)>,
    rests: bool,
    /// Kept for its memory.
    actions: Vec<Action>,
}

/// One client.
#[derive(Debug)]
struct Client {
    /// None while its page is gone.
    socket: Option<SocketHandle>,
    role: Role,
    id: Option<ClientId>,
    /// The place of its state in [`State::NAMES`].
    state: usize,
    began: Micros,
    has_connected: bool,
    /// Which of the tokens it has.
    token: usize,
    /// What it does, if anything.
    acting: Option<Box<Acting>>,
}

/// A pair, or somebody alone.
#[derive(Debug, Default)]
struct Pair {
    /// Since when both were connected for the first time.
    connected: Option<Micros>,
    has_interacted: bool,
    trouble: Option<Box<Trouble>>,
}

impl Crowd {
    pub(super) fn new(number: u32, world: Arc<World>, context: &mut Context<Crowd>) -> Crowd {
        Crowd {
            number,
            world,
            clients: Vec::new(),
            pairs: Vec::new(),
            by_socket: HashMap::new(),
            observer: context.address().recipient(),
            agenda: Agenda::default(),
            tally: Tally::default(),
            counted: Micros::default(),
            measured: None,
            rests: false,
            actions: Vec::new(),
        }
    }

    fn now(&self) -> Micros {
        self.world.clock.now()
    }

    /// Everything that is due by now.
    fn alarm(&mut self, context: &mut Context<Crowd>) {
        self.agenda.rang();
        let now = self.now();
        while let Some((at, due)) = self.agenda.next(now) {
            match due {
                Due::Persona(client) => self.persona_due(client, at, now),
                Due::Incident(pair) => self.incident_due(pair, at, now),
                Due::Return(client) => self.come_back(client, now),
            }
        }
        self.agenda.arm(self.world.clock, context);
    }

    fn enter(&mut self, newcomer: Newcomer, now: Micros) {
        let pair = self.pairs.len();
        let scenario = self.world.plan.scenario();
        let (controls, responds) = (scenario.controller, scenario.responder);
        let (plan, controller, responder) = match newcomer {
            Newcomer::Pair { plan, ids } => {
                let (one, other) = (ids.map(|ids| ids.0), ids.map(|ids| ids.1));
                let controller = Client::new(Role::Controller, one, Acting::new(controls, &plan.controller));
                let responder = Client::new(Role::Responder, other, Acting::new(responds, &plan.responder));
                (plan, Some(controller), Some(responder))
            }
            Newcomer::Single { plan, role: Role::Controller, id } => {
                let acting = Acting::new(controls, &plan.controller);
                (plan, Some(Client::new(Role::Controller, id, acting)), None)
            }
            Newcomer::Single { plan, role: Role::Responder, id } => {
                let acting = Acting::new(responds, &plan.responder);
                (plan, None, Some(Client::new(Role::Responder, id, acting)))
            }
        };
        self.clients.push(controller);
        self.clients.push(responder);
        let trouble = plan.incidents.map(|incidents| Box::new(Trouble::new(incidents)));
        self.pairs.push(Pair { trouble, ..Pair::default() });
        self.open_page(pair * 2, now);
        self.open_page(pair * 2 + 1, now);
        self.expect_incident(pair);
    }

    /// Gives a client a crSocket.
    fn open_page(&mut self, at: usize, now: Micros) {
        let partner =
            self.clients.get(partner_of(at)).and_then(Option::as_ref).and_then(|partner| partner.id);
        let Some(Some(client)) = self.clients.get_mut(at) else { return };
        let World { host, app, tokens, .. } = &*self.world;
        let mut builder = CrSocketBuilder::new(app.clone(), client.role)
            .on_thread(usize::try_from(self.number).unwrap_or(0))
            .observer(self.observer.clone())
            .without_pings();
        if let Some(token) = tokens.get(client.token % tokens.len().max(1)) {
            builder = builder.access_token(token.clone());
        }
        if let Some(id) = client.id {
            builder = builder.client_id(id);
        }
        if let (Role::Controller, Some(partner)) = (client.role, partner) {
            builder = builder.partner(partner);
        }
        let socket = host.spawn(builder);
        client.began = now;
        client.state = 0;
        self.by_socket.insert(socket.id(), at);
        client.socket = Some(socket);
        self.count_time(now);
        self.tally.states[0] += 1;
    }

    /// The states as they were until now.
    fn count_time(&mut self, now: Micros) {
        let seconds = now.since(self.counted).as_secs_f64();
        for (time, count) in self.tally.time_in_state.iter_mut().zip(self.tally.states) {
            #[allow(clippy::cast_precision_loss, reason = "at most a million")]
            let count = count as f64;
            *time += seconds * count;
        }
        self.counted = now;
    }

    fn noticed(&mut self, at: usize, notice: Notice, now: Micros) {
        match notice {
            Notice::State { to, .. } => self.changed(at, &to, now),
            Notice::CrEvent(event) if event.kind() == EventKind::Ordinary => self.heard(at, &event, now),
            Notice::Fate { ticket, fate } => self.fate(at, ticket, &fate),
            Notice::ClientId(id) => self.was_named(at, id),
            Notice::CrEvent(_) | Notice::Partner(_) => {}
        }
    }

    /// The server gave it a clientId.
    fn was_named(&mut self, at: usize, id: ClientId) {
        let Some(Some(client)) = self.clients.get_mut(at) else { return };
        client.id = Some(id);
        let role = client.role;
        match (self.clients.get(partner_of(at)), role) {
            (Some(Some(Client { socket: Some(controller), .. })), Role::Responder) => {
                controller.set(SetFact::Partner(Assigned::Valid(id)));
            }
            (Some(Some(_)), _) => {}
            (Some(None) | None, _) => self.tell_name(role, id),
        }
    }

    fn tell_name(&self, role: Role, id: ClientId) {
        if let Some(named) = &self.world.named {
            // Whoever wanted to know may have gone.
            let _ = named.send((role, id));
        }
    }

    fn changed(&mut self, at: usize, to: &State, now: Micros) {
        self.count_time(now);
        let Some(Some(client)) = self.clients.get_mut(at) else { return };
        let (from, place) = (client.state, place_of(to));
        client.state = place;
        if let Some(count) = self.tally.states.get_mut(from) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.tally.states.get_mut(place) {
            *count += 1;
        }
        if place >= CONNECTED && !client.has_connected {
            client.has_connected = true;
            self.tally.durations.connect.record(now.since(client.began));
        }
        self.note_trouble_with(to);
        if from != INTERACTING && place == INTERACTING {
            if self.is_paired(at) {
                self.world.gathering.comes(now);
            }
            self.set_interacting(at, true, now);
        } else if from == INTERACTING && place != INTERACTING {
            if self.is_paired(at) {
                self.world.gathering.goes();
            }
            if !self.is_disturbed(at / 2) && !self.rests {
                self.tally.counts.left_interacting += 1;
            }
            self.set_interacting(at, false, now);
        }
        self.pair_changed(at / 2, now);
    }

    /// Whether it has a partner here; if not, it waits for somebody else's.
    fn is_paired(&self, at: usize) -> bool {
        self.clients.get(partner_of(at)).is_some_and(Option::is_some)
    }

    /// States that say that something is wrong.
    fn note_trouble_with(&mut self, state: &State) {
        match state {
            State::ReadyToConnect(WhyUnconnected::Aborted(_)) => {
                self.tally.counts.error("aborted", state.sub_state());
            }
            State::ReadyToPair(WhyUnpaired::Rejected(_)) => {
                self.tally.counts.error("rejected", state.sub_state());
            }
            State::Passive(_)
            | State::ReadyToConnect(WhyUnconnected::Closed(_))
            | State::Connecting
            | State::ReadyToPair(WhyUnpaired::NotReady(_))
            | State::Searching
            | State::Interacting => {}
        }
    }

    fn pair_changed(&mut self, pair: usize, now: Micros) {
        let (Some(one), Some(other)) = (self.state_of(pair * 2), self.state_of(pair * 2 + 1)) else { return };
        let Some(known) = self.pairs.get_mut(pair) else { return };
        if one.min(other) >= CONNECTED && known.connected.is_none() {
            known.connected = Some(now);
        }
        let are_interacting = one == INTERACTING && other == INTERACTING;
        if are_interacting && !known.has_interacted {
            known.has_interacted = true;
            self.world.gathering.meets();
            self.tally.durations.pairing.record(now.since(known.connected.unwrap_or(now)));
        }
        self.found_or_parted(pair, are_interacting, now);
    }

    fn are_interacting(&self, pair: usize) -> bool {
        [pair * 2, pair * 2 + 1].iter().all(|at| self.state_of(*at) == Some(INTERACTING))
    }

    fn state_of(&self, at: usize) -> Option<usize> {
        self.clients.get(at).and_then(Option::as_ref).map(|client| client.state)
    }

    /// The page of a client is gone.
    fn page_closed(&mut self, socket: SocketId, at: usize, as_told: bool, now: Micros) {
        self.by_socket.remove(&socket);
        self.count_time(now);
        let Some(Some(client)) = self.clients.get_mut(at) else { return };
        client.socket = None;
        let state = client.state;
        if let Some(count) = self.tally.states.get_mut(state) {
            *count = count.saturating_sub(1);
        }
        if state == INTERACTING {
            if self.is_paired(at) {
                self.world.gathering.goes();
            }
            self.set_interacting(at, false, now);
        }
        if let Some(Some(client)) = self.clients.get_mut(at) {
            client.state = 0;
        }
        self.pair_changed(at / 2, now);
        if !as_told {
            self.tally.counts.error("crSocket died", "");
        }
        self.page_is_gone(at, now);
    }
}

impl Client {
    fn new(role: Role, id: Option<ClientId>, acting: Option<Box<Acting>>) -> Client {
        Client {
            socket: None,
            role,
            id,
            state: 0,
            began: Micros::default(),
            has_connected: false,
            token: 0,
            acting,
        }
    }
}

/// The other one of a pair.
fn partner_of(at: usize) -> usize {
    at ^ 1
}

impl Actor for Crowd {
    type Context = Context<Crowd>;
}

impl Handler<Enter> for Crowd {
    type Result = ();

    fn handle(&mut self, Enter(newcomers): Enter, context: &mut Context<Crowd>) {
        let now = self.now();
        for newcomer in newcomers {
            if let Newcomer::Single { role, id: Some(id), .. } = &newcomer {
                self.tell_name(*role, *id);
            }
            self.enter(newcomer, now);
        }
        self.agenda.arm(self.world.clock, context);
    }
}

impl Handler<SocketEvent> for Crowd {
    type Result = ();

    fn handle(&mut self, SocketEvent { socket, news }: SocketEvent, context: &mut Context<Crowd>) {
        let Some(at) = self.by_socket.get(&socket).copied() else { return };
        let now = self.now();
        match news {
            News::Notice(notice) => self.noticed(at, notice, now),
            News::Reset => self.tally.counts.error("crSocket reset", ""),
            News::Removed { as_told } => self.page_closed(socket, at, as_told, now),
        }
        self.agenda.arm(self.world.clock, context);
    }
}

impl Handler<Collect> for Crowd {
    type Result = MessageResult<Collect>;

    fn handle(&mut self, Collect { on_their_way }: Collect, _: &mut Context<Crowd>) -> Self::Result {
        self.count_time(self.now());
        let states = self.tally.states;
        let mut tally = std::mem::take(&mut self.tally);
        self.tally.states = states;
        if on_their_way {
            let acting = self.clients.iter().flatten().filter_map(|client| client.acting.as_ref());
            tally.on_their_way = acting.map(|acting| acting.ledger.on_their_way()).sum();
        }
        MessageResult(tally)
    }
}

impl Handler<Measure> for Crowd {
    type Result = ();

    fn handle(&mut self, Measure(begins): Measure, _: &mut Context<Crowd>) {
        let now = self.now();
        self.measured = match (begins, self.measured) {
            (true, _) => Some((now, None)),
            (false, Some((from, None))) => Some((from, Some(now))),
            (false, ended) => ended,
        };
    }
}

impl Handler<Rest> for Crowd {
    type Result = ();

    fn handle(&mut self, _: Rest, _: &mut Context<Crowd>) {
        self.rests = true;
    }
}

impl Handler<Reckon> for Crowd {
    type Result = MessageResult<Reckon>;

    fn handle(&mut self, _: Reckon, _: &mut Context<Crowd>) -> Self::Result {
        let mut all = Missing::default();
        for client in self.clients.iter().flatten() {
            all.never_connected += u64::from(!client.has_connected && client.socket.is_some());
            if let Some(acting) = &client.acting {
                all.add(acting.ledger.missing());
            }
        }
        MessageResult(all)
    }
}
