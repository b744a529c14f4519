//! What must hold, checked after every step: each invariant with the sentence it comes from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::client::Client;
use crate::protocol::action::{Fate, Message, Notice, Post};
use crate::protocol::event::{CrEvent, EventKind};
use crate::protocol::ids::{AppId, ClientId, Credentials, Pid, Role, User};
use crate::protocol::limits::Limits;
use crate::protocol::policy::Pairing;
use crate::protocol::receiver;
use crate::protocol::send_line::MAX_WAITING;
use crate::protocol::sender::{self, MAX_QUEUED};
use crate::protocol::sessions::SessionTable;
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wire::Frame;
use crate::protocol::wired::{Effect, WiredSocket};

/// Something that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// The state is the one that the facts demand.
    StateFollowsFacts,
    /// Parent and children agree about what both hold.
    ChildrenAgree,
    /// Only the partner's events reach the enclosing client.
    OnlyThePartner,
    /// Accepted events are delivered in the order of acceptance, each at most once.
    OrderOfDelivery,
    /// A crSocket's events reach the link in the order in which it sent them.
    OrderAtTheLink,
    /// Nobody receives across apps, roles or, where the policy says so, users.
    NoCrossing,
    /// Nobody speaks for another user's clientId.
    NoImpersonation,
    /// At most one stream a receiver.
    OneStream,
    /// No timer is armed that the state has no use for.
    NoTimerLeak,
    /// Queues stay within their bounds.
    Bounds,
    /// A goodbye carries credentials and a recipient that held together.
    GoodbyeCredentials,
    /// Nobody says interacting whose partner has been gone for too long.
    NoGhostPartner,
    /// After the faults, every willing pair is interacting again in time.
    WillingPairsInteract,
    /// A pair that is left in peace stays interacting.
    PairsStay,
}

impl Invariant {
    /// The sentence it comes from.
    pub fn sentence(self) -> &'static str {
        match self {
            Invariant::StateFollowsFacts => "7: the state is a function of the facts",
            Invariant::ChildrenAgree => "7: a change is one step",
            Invariant::OnlyThePartner => {
                "page: crSockets will only forward crEvents from their currently assigned partnerClient"
            }
            Invariant::OrderOfDelivery => {
                "4: accepted events from one sender to one recipient are delivered in the order of acceptance, each at \
                 most once"
            }
            Invariant::OrderAtTheLink => "6: ordinary crEvents leave in order",
            Invariant::NoCrossing => {
                "page: events with mismatching appIds and clientRoles will always be blocked by the server"
            }
            Invariant::NoImpersonation => {
                "4: a sender whose clientId has a live session must show that session's app, role and user"
            }
            Invariant::OneStream => "5: never two streams at a time",
            Invariant::NoTimerLeak => "7: stop the timers",
            Invariant::Bounds => "4: bounds; 6: bounded queues",
            Invariant::GoodbyeCredentials => {
                "7: events that say goodbye carry the credentials and the partner that held before"
            }
            Invariant::NoGhostPartner => {
                "10: nobody says interacting whose partner has been gone for longer than partnerActiveMaxEventInDt + \
                 recipientWaitDt + helloSettleDt + delta"
            }
            Invariant::WillingPairsInteract => "10: every willing pair is interacting again",
            Invariant::PairsStay => "10: no stranger parts or blocks a pair",
        }
    }
}

/// Something that must hold did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What.
    pub invariant: Invariant,
    /// When, in virtual time.
    pub at: Millis,
    /// Of which client, if of one.
    pub client: Option<usize>,
    /// What was seen.
    pub seen: String,
}

/// Watches every step.
#[derive(Debug, Default)]
pub struct Watch {
    clients: Vec<Watched>,
    orders: BTreeMap<(ClientId, ClientId), Order>,
    /// When somebody with the first clientId last said something active to the second.
    last_said: BTreeMap<(ClientId, ClientId), Millis>,
    /// How long a partner may have been gone, at most, while one says interacting.
    pub longest_gone: Option<Millis>,
    violation: Option<Violation>,
}

/// What is remembered of one client.
#[derive(Debug, Default)]
struct Watched {
    partner_before: Option<ClientId>,
    /// Credentials and partners that held together, newest last.
    held: VecDeque<(Credentials, ClientId)>,
    /// The last ordinary event that left for each recipient.
    left: Vec<(ClientId, u64)>,
    /// Events that are kept, or were put back after they had left: these may leave once more.
    put_back: BTreeSet<u64>,
    heard: Option<(ClientId, Millis, bool)>,
    /// Its device slept or read slowly: what it hears until then may be old.
    disturbed_until: Option<Millis>,
    /// It is interacting, and nothing happens that could part it.
    must_stay: bool,
}

/// How many pairs of credentials and partner are remembered.
const REMEMBERED: usize = 64;

/// The ordinary events from one clientId to another.
#[derive(Debug, Default)]
struct Order {
    /// Their tags, by the order of acceptance, from whom.
    accepted: VecDeque<(u64, Origin)>,
}

#[derive(Clone, Debug)]
struct Origin {
    app: AppId,
    role: Role,
    user: User,
}

/// Who a stream belongs to, as the server sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipient<'a> {
    pub(super) client_id: ClientId,
    pub(super) app: &'a AppId,
    pub(super) role: Role,
    pub(super) user: &'a User,
    pub(super) pairing: Pairing,
}

impl Watch {
    /// What did not hold, if anything.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Reports that something did not hold; the first report stays.
    pub fn report(&mut self, invariant: Invariant, at: Millis, client: Option<usize>, seen: String) {
        self.violation.get_or_insert(Violation { invariant, at, client, seen });
    }

    /// What this client hears until then may be old: its device slept, or it read slowly.
    pub fn disturb(&mut self, client: usize, until: Millis) {
        if let Some(watched) = self.clients.get_mut(client) {
            watched.disturbed_until = watched.disturbed_until.max(Some(until));
        }
    }

    /// These clients are interacting, and are left in peace from now on, or no longer.
    pub fn must_stay(&mut self, clients: &[usize], must_stay: bool) {
        for client in clients {
            if let Some(watched) = self.clients.get_mut(*client) {
                watched.must_stay = must_stay;
            }
        }
    }

    pub(super) fn add_client(&mut self) {
        self.clients.push(Watched::default());
    }

    pub(super) fn reloaded(&mut self, client: usize) {
        if let Some(watched) = self.clients.get_mut(client) {
            let disturbed_until = watched.disturbed_until;
            // Tags go on growing over reloads.
            let left = std::mem::take(&mut watched.left);
            *watched = Watched { left, disturbed_until, ..Watched::default() };
        }
    }

    /// A new server knows nothing of what the old one had accepted.
    pub(super) fn server_restarted(&mut self) {
        self.orders.clear();
    }

    pub(super) fn before(&mut self, client: usize, page: &Client) {
        if let Some(watched) = self.clients.get_mut(client) {
            watched.partner_before = page.machines.partner();
        }
    }

    /// A client has taken an input, and asks for these effects.
    pub(super) fn after(&mut self, client: usize, page: &Client, effects: &[Effect], step: &Step<'_>) {
        let Some(watched) = self.clients.get_mut(client) else { return };
        let mut seen = None;
        if let Some(ours) = page.machines.as_ours() {
            watched.remember_held(ours.sender.facts());
            seen = watched.check_ours(ours, page, effects, step).err();
        }
        if watched.must_stay && *page.machines.state() != State::Interacting {
            let state = page.machines.state();
            seen = seen.or_else(|| Some((Invariant::PairsStay, format!("{state:?}, left in peace"))));
        }
        for effect in effects {
            if let Effect::Send { post, .. } = effect
                && is_active(post)
            {
                self.last_said.insert((post.credentials.client_id, post.recipient), step.now);
            }
        }
        seen = seen.or_else(|| self.check_partner_is_there(client, page, step).err());
        if let Some((invariant, seen)) = seen {
            self.report(invariant, step.now, Some(client), seen);
        }
    }

    fn check_partner_is_there(&self, client: usize, page: &Client, step: &Step<'_>) -> Result<(), Broken> {
        let Some(longest) = self.longest_gone else { return Ok(()) };
        let disturbed = self.clients.get(client).and_then(|watched| watched.disturbed_until);
        let (Some(own), Some(partner)) = (page.machines.client_id(), page.machines.partner()) else {
            return Ok(());
        };
        if *page.machines.state() != State::Interacting
            || page.machines.as_ours().is_none()
            || disturbed.is_some_and(|until| step.now < until)
        {
            return Ok(());
        }
        let said = self.last_said.get(&(partner, own)).copied().unwrap_or(Millis::MIN);
        if step.now - said > longest {
            let seen = format!("interacting with {partner}, which was last heard to speak at {said}");
            return Err((Invariant::NoGhostPartner, seen));
        }
        Ok(())
    }

    /// The server has accepted a sendevent of a client; the clientId had a session of this user.
    pub(super) fn accepted(
        &mut self,
        client: usize,
        app: &AppId,
        role: Role,
        post: &Post,
        owner: Option<&User>,
        at: Millis,
    ) {
        let Message::CrEvent(event) = &post.message else { return };
        let user = User::Token(post.credentials.access_token.clone());
        if let Some(owner) = owner.filter(|owner| **owner != user) {
            let seen = format!("{event:?} accepted from another user than {owner:?}");
            self.report(Invariant::NoImpersonation, at, Some(client), seen);
        }
        if let Some(tag) = tag_of(event) {
            let order = self.orders.entry((post.credentials.client_id, post.recipient)).or_default();
            order.accepted.push_back((tag, Origin { app: app.clone(), role, user }));
            if order.accepted.len() > 4_000 {
                order.accepted.pop_front();
            }
        }
    }

    /// A crEvent is written to a client's stream.
    pub(super) fn written(
        &mut self,
        client: usize,
        pid: Pid,
        recipient: Recipient<'_>,
        frame: &Frame,
        at: Millis,
    ) {
        let Frame::CrEvent(data) = frame else { return };
        let event = CrEvent::from_event_data(data);
        let (Some(sender), Some(tag)) = (event.sender, tag_of(&event)) else { return };
        let order = self.orders.entry((sender, recipient.client_id)).or_default();
        let Some(place) = order.accepted.iter().position(|(accepted, _)| *accepted == tag) else {
            let seen = format!("event {tag} of {sender} comes to pid {pid} a second time, or too late");
            self.report(Invariant::OrderOfDelivery, at, Some(client), seen);
            return;
        };
        // What was accepted before it can only have been lost: it must not come any more.
        let origin = order.accepted.drain(..=place).next_back().map(|(_, origin)| origin);
        let Some(origin) = origin else { return };
        let crossing = origin.app != *recipient.app
            || origin.role == recipient.role
            || (recipient.pairing == Pairing::SameUser && origin.user != *recipient.user);
        if crossing {
            let seen = format!("event {tag} of {sender} ({origin:?}) was delivered to {recipient:?}");
            self.report(Invariant::NoCrossing, at, Some(client), seen);
        }
    }

    pub(super) fn server(&mut self, server: &SessionTable, limits: &Limits, at: Millis) {
        let (lines, outputs) = (server.line_bytes(), server.output_bytes());
        if lines > limits.all_lines_bytes || outputs > limits.all_outputs_bytes {
            let seen = format!("{lines} bytes in lines, {outputs} bytes in outputs");
            self.report(Invariant::Bounds, at, None, seen);
        }
    }

    /// Checks that a client has no timer armed that its state has no use for.
    pub fn check_timers(&mut self, client: usize, page: &Client, at: Millis) {
        let Some(ours) = page.machines.as_ours() else { return };
        let leaked = page.armed_timers().find(|timer| !has_use_for(ours, *timer));
        if let Some(timer) = leaked {
            let seen =
                format!("{timer:?} is armed while {:?}, {:?}", ours.socket.state(), ours.receiver.state());
            self.report(Invariant::NoTimerLeak, at, Some(client), seen);
        }
    }
}

type Broken = (Invariant, String);

impl Watched {
    fn remember_held(&mut self, facts: &sender::Facts) {
        let Some((credentials, partner)) = facts.credentials().zip(facts.partner.valid().copied()) else {
            return;
        };
        let held = (credentials, partner);
        if self.held.back() != Some(&held) {
            self.held.push_back(held);
            if self.held.len() > REMEMBERED {
                self.held.pop_front();
            }
        }
    }

    fn check_ours(
        &mut self,
        ours: &WiredSocket,
        page: &Client,
        effects: &[Effect],
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        self.check_effects(page, effects, step)?;
        check_state(ours, self, step)?;
        check_children(ours)?;
        check_bounds(ours)
    }

    fn check_effects(&mut self, page: &Client, effects: &[Effect], step: &Step<'_>) -> Result<(), Broken> {
        let mut has_stream = page.stream.is_some();
        for effect in effects {
            match effect {
                Effect::Drop { stream } => has_stream &= page.stream != Some(*stream),
                Effect::Open { stream, .. } => {
                    if std::mem::replace(&mut has_stream, true) {
                        return Err((
                            Invariant::OneStream,
                            format!("{stream:?} is opened while another one stands"),
                        ));
                    }
                }
                Effect::Send { post, .. } => self.check_post(post)?,
                Effect::Notify(Notice::CrEvent(event)) => self.check_heard(page, event, step)?,
                Effect::Notify(Notice::Fate { ticket, fate: Fate::Buffered }) => {
                    self.put_back.insert(ticket.0);
                }
                Effect::Notify(_)
                | Effect::RequestClientId
                | Effect::SetTimer { .. }
                | Effect::CancelTimer(_) => {}
            }
        }
        Ok(())
    }

    fn check_post(&mut self, post: &Post) -> Result<(), Broken> {
        let Message::CrEvent(event) = &post.message else { return Ok(()) };
        if matches!(event.kind(), EventKind::Inactive | EventKind::Unassign) {
            let held = (post.credentials.clone(), post.recipient);
            if !self.held.contains(&held) {
                let seen =
                    format!("{} to {} by {}", event.event_type, post.recipient, post.credentials.client_id);
                return Err((Invariant::GoodbyeCredentials, seen));
            }
        }
        let Some(tag) = tag_of(event) else { return Ok(()) };
        let last = match self.left.iter_mut().find(|(recipient, _)| *recipient == post.recipient) {
            Some((_, last)) => last,
            None => {
                self.left.push((post.recipient, 0));
                let Some((_, last)) = self.left.last_mut() else { return Ok(()) };
                last
            }
        };
        let again = self.put_back.remove(&tag) && tag == *last;
        if tag <= *last && !again {
            let seen = format!("event {tag} leaves for {} behind event {last}", post.recipient);
            return Err((Invariant::OrderAtTheLink, seen));
        }
        *last = tag;
        Ok(())
    }

    fn check_heard(&mut self, page: &Client, event: &CrEvent, step: &Step<'_>) -> Result<(), Broken> {
        let Some(sender) = event.sender else {
            return Err((Invariant::OnlyThePartner, "an event of nobody was forwarded".into()));
        };
        if self.partner_before != Some(sender) && page.machines.partner() != Some(sender) {
            let seen = format!("{event:?} while the partner is {:?}", page.machines.partner());
            return Err((Invariant::OnlyThePartner, seen));
        }
        let active = matches!(event.kind(), EventKind::Ping | EventKind::Ordinary);
        self.heard = Some((sender, step.now, active));
        Ok(())
    }
}

/// The tag by which the simulation follows an ordinary event: its first param.
fn tag_of(event: &CrEvent) -> Option<u64> {
    if event.kind() != EventKind::Ordinary {
        return None;
    }
    event.params.first()?.parse().ok()
}

fn is_active(post: &Post) -> bool {
    match &post.message {
        Message::CrEvent(event) => matches!(event.kind(), EventKind::Ping | EventKind::Ordinary),
        Message::Alive(_) | Message::Close(_) => false,
    }
}

/// The published states in words of their own, not by the function under test.
fn check_state(ours: &WiredSocket, watched: &Watched, step: &Step<'_>) -> Result<(), Broken> {
    let client = ours.socket.client();
    let is_active = client.visible
        && client.online
        && !(client.paused || client.unloading)
        && client.client_id.valid().is_some()
        && ours.sender.facts().client_id.is_some();
    let receiver = ours.receiver.state();
    let is_paired = ours.sender.state().is_ready();
    let demanded = match (is_active, &receiver) {
        (false, _) => "passive",
        (true, receiver::State::Opening) => "connecting",
        (true, receiver::State::Open) if !is_paired => "readyToPair",
        (true, receiver::State::Open) => "paired",
        (true, _) => "readyToConnect",
    };
    let state = ours.socket.state();
    let holds = match state {
        State::Searching | State::Interacting => demanded == "paired",
        State::Passive(_) | State::ReadyToConnect(_) | State::Connecting | State::ReadyToPair(_) => {
            demanded == state.as_str()
        }
    };
    if !holds {
        let seen = format!("{state:?}, where the facts demand {demanded}: {client:?}, {receiver:?}");
        return Err((Invariant::StateFollowsFacts, seen));
    }
    let limit = step.timing.partner_active_max_event_in_dt;
    let partner_is_active = watched.heard.is_some_and(|(from, at, active)| {
        // At the very moment, the timer may be the next to fire.
        Some(from) == ours.socket.partner() && active && step.now - at <= limit
    });
    // Timers of a device that slept are late; the state follows when they fire.
    let disturbed = watched.disturbed_until.is_some_and(|until| step.now < until);
    if *state == State::Interacting && !partner_is_active && !disturbed {
        let seen = format!("interacting with {:?}, last heard {:?}", ours.socket.partner(), watched.heard);
        return Err((Invariant::StateFollowsFacts, seen));
    }
    Ok(())
}

fn check_children(ours: &WiredSocket) -> Result<(), Broken> {
    if ours.socket.sender() != ours.sender.facts() {
        let seen = format!("sender: {:?}, its crSocket: {:?}", ours.sender.facts(), ours.socket.sender());
        return Err((Invariant::ChildrenAgree, seen));
    }
    if ours.socket.receiver().state != ours.receiver.state() {
        let seen =
            format!("receiver: {:?}, its crSocket: {:?}", ours.receiver.state(), ours.socket.receiver());
        return Err((Invariant::ChildrenAgree, seen));
    }
    Ok(())
}

fn check_bounds(ours: &WiredSocket) -> Result<(), Broken> {
    let (queued, kept) = ours.sender.queued();
    let waiting = ours.line.waiting();
    if queued > MAX_QUEUED + 1 || kept > MAX_QUEUED + 1 || waiting > MAX_WAITING {
        return Err((Invariant::Bounds, format!("{queued} queued, {kept} kept, {waiting} waiting")));
    }
    Ok(())
}

fn has_use_for(ours: &WiredSocket, timer: TimerKind) -> bool {
    let receiver = ours.receiver.state();
    match timer {
        TimerKind::Hello => receiver == receiver::State::Opening,
        TimerKind::Reopen => matches!(receiver, receiver::State::Opening | receiver::State::Aborted(_)),
        TimerKind::Alive => receiver == receiver::State::Open,
        TimerKind::Close => matches!(receiver, receiver::State::Closing(_)),
        TimerKind::Ping => ours.socket.state().is_paired(),
        TimerKind::Partner => *ours.socket.state() == State::Interacting,
        TimerKind::ClientId => ours.socket.client().client_id.valid().is_none(),
        TimerKind::Release => *ours.socket.state() == State::Searching,
        // Bounded in time by themselves.
        TimerKind::Pace | TimerKind::Unassign | TimerKind::Answer => true,
    }
}
