//! What must hold in every situation and at every step, each with the sentence it comes from.

use crsocket::protocol::action::{Message, Notice, Post};
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{ClientId, Pid, User};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::Pairing;
use crsocket::protocol::sessions::SessionTable;
use crsocket::protocol::socket::State;
use crsocket::protocol::time::{Millis, TimerKind};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{receiver, send_line};

use crate::setup::{Client, Setup};
use crate::situation::{Page, Situation, UnderWay, What};

/// Something that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// 7: the state is a function of the facts.
    StateFollowsFacts,
    /// 7: a change is one step.
    ChildrenAgree,
    /// Page: crSockets will only forward crEvents from their currently assigned partnerClient.
    OnlyThePartner,
    /// 5: never two streams at a time.
    OneStream,
    /// 6: ordinary crEvents leave in order; goodbyes are not overtaken.
    OrderAtTheLink,
    /// 6: one sendevent at a time.
    OneAtATime,
    /// 4: accepted events from one sender to one recipient are delivered in the order of acceptance, each at most once.
    OrderOfDelivery,
    /// 4: bounds; 6: bounded queues.
    Bounds,
    /// 7: events that say goodbye carry the credentials and the partner that held before.
    GoodbyeCredentials,
    /// 7: stop the timers.
    NoTimerLeak,
    /// Page: events with mismatching appIds and clientRoles will always be blocked by the server. 4: so will those of
    /// other users, where the policy says so.
    NoCrossing,
    /// 4: a sender whose clientId has a live session must show that session's app, role and user.
    NoImpersonation,
    /// 1: a clientId is unique in the whole server; its session is its client's.
    SessionsAreTheirOwners,
}

/// The most sendevents that wait in a client's line: an `inactive`, an `unassign`, an `alive`, a `close`, and a crEvent
/// or a ping, of which one waits for its answer.
const LONGEST_LINE: usize = 5;

/// What did not hold when a client took an input. The page remembers what it must for later steps.
pub fn check_step(before: &Page, page: &mut Page, effects: &[Effect]) -> Option<Rule> {
    let keeps_order = page.outbox.took_step(&before.machines, &page.machines, effects);
    let broken = check_goodbyes(page, effects)
        .or_else(|| check_heard(before, page, effects))
        .or_else(|| (!keeps_order).then_some(Rule::OrderAtTheLink))
        .or_else(|| check_queues(page));
    remember_held(page);
    broken
        .or_else(|| check_state(page))
        .or_else(|| check_children(&page.machines))
        .or_else(|| check_timers(page))
}

/// Whether a client opens a stream while it has one.
pub fn check_streams(effects: &[Effect], now: &Situation, client: usize) -> Option<Rule> {
    let is_open = |what: &What| matches!(what, What::Open { wanted: true, .. });
    let mut has_stream = now.streams[client].is_some()
        || now.under_way.iter().any(|one| one.client == client && is_open(&one.what));
    for effect in effects {
        match effect {
            Effect::Drop { .. } => has_stream = false,
            Effect::Open { .. } if std::mem::replace(&mut has_stream, true) => return Some(Rule::OneStream),
            Effect::Open { .. }
            | Effect::Send { .. }
            | Effect::Notify(_)
            | Effect::RequestClientId
            | Effect::SetTimer { .. }
            | Effect::CancelTimer(_) => {}
        }
    }
    None
}

/// Whether a client sends something while it waits for the answer to what it sent before.
pub fn check_turns(effects: &[Effect], input: &Input, now: &Situation, client: usize) -> Option<Rule> {
    let is_time_up = matches!(input, Input::Timer(TimerKind::Answer));
    let is_answer = matches!(input, Input::SendLine(send_line::Input::Answer { .. }));
    let is_awaited = |one: &UnderWay| match one.what {
        What::Send { awaited, .. } => awaited,
        What::Answer(_) => true,
        What::Open { .. } | What::Gone { .. } => false,
    };
    let waits = now.under_way.iter().any(|one| one.client == client && is_awaited(one));
    let sends = effects.iter().filter(|effect| matches!(effect, Effect::Send { .. })).count();
    let may_send = if waits && !is_time_up && !is_answer { 0 } else { 1 };
    (sends > may_send).then_some(Rule::OneAtATime)
}

/// The enclosing client's crEvents are the only ones in the queues, and of the others few wait in the line.
fn check_queues(page: &Page) -> Option<Rule> {
    let (waiting, kept) = page.machines.sender.queued();
    let fits =
        waiting + kept <= usize::from(page.outbox.sent) && page.machines.line.waiting() <= LONGEST_LINE;
    (!fits).then_some(Rule::Bounds)
}

fn check_goodbyes(page: &Page, effects: &[Effect]) -> Option<Rule> {
    let is_goodbye = |post: &Post| match &post.message {
        Message::CrEvent(event) => matches!(event.kind(), EventKind::Inactive | EventKind::Unassign),
        Message::Alive(_) | Message::Close(_) => false,
    };
    let held = |post: &Post| page.held.contains(&(post.credentials.clone(), post.recipient));
    let wrong = effects.iter().any(|effect| match effect {
        Effect::Send { post, .. } => is_goodbye(post) && !held(post),
        _ => false,
    });
    wrong.then_some(Rule::GoodbyeCredentials)
}

fn remember_held(page: &mut Page) {
    let facts = page.machines.sender.facts();
    if let Some(held) = facts.credentials().zip(facts.partner.valid().copied()) {
        page.held.insert(held);
    }
}

fn check_heard(before: &Page, page: &mut Page, effects: &[Effect]) -> Option<Rule> {
    let partners = [before.machines.socket.partner(), page.machines.socket.partner()];
    for effect in effects {
        let Effect::Notify(Notice::CrEvent(event)) = effect else { continue };
        let Some(sender) = event.sender.filter(|sender| partners.contains(&Some(*sender))) else {
            return Some(Rule::OnlyThePartner);
        };
        let is_active = matches!(event.kind(), EventKind::Ping | EventKind::Ordinary);
        page.heard = is_active.then_some((sender, Millis::ZERO));
    }
    None
}

/// The published states in words of their own, not by the function under test.
fn check_state(page: &Page) -> Option<Rule> {
    let ours = &page.machines;
    let client = ours.socket.client();
    let is_active = client.visible
        && client.online
        && !(client.paused || client.unloading)
        && client.client_id.valid().is_some()
        && ours.sender.facts().client_id.is_some();
    let state = ours.socket.state();
    let holds = match (is_active, ours.receiver.state()) {
        (false, _) => matches!(state, State::Passive(_)),
        (true, receiver::State::Opening) => *state == State::Connecting,
        (true, receiver::State::Open) if ours.sender.state().is_ready() => state.is_paired(),
        (true, receiver::State::Open) => matches!(state, State::ReadyToPair(_)),
        (true, _) => matches!(state, State::ReadyToConnect(_)),
    };
    let heard = page.heard.map(|(from, _)| from);
    // At the moment itself, other timers may come before the one that says so.
    let times_out = page.timer(TimerKind::Partner) == Some(Millis::ZERO);
    let interacts_alone = *state == State::Interacting && heard != ours.socket.partner() && !times_out;
    (!holds || interacts_alone).then_some(Rule::StateFollowsFacts)
}

fn check_children(ours: &WiredSocket) -> Option<Rule> {
    let agree =
        ours.socket.sender() == ours.sender.facts() && ours.socket.receiver().state == ours.receiver.state();
    (!agree).then_some(Rule::ChildrenAgree)
}

fn check_timers(page: &Page) -> Option<Rule> {
    let leaked = TimerKind::ALL
        .into_iter()
        .any(|timer| page.timer(timer).is_some() && !has_use_for(&page.machines, timer));
    leaked.then_some(Rule::NoTimerLeak)
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

/// What did not hold when the server wrote a frame.
pub fn check_delivery(
    setup: &Setup,
    server: &SessionTable,
    client_id: ClientId,
    pid: Pid,
    frame: &Frame,
) -> Option<Rule> {
    let Frame::CrEvent(data) = frame else { return None };
    let event = CrEvent::from_event_data(data);
    let is_of_server = event.kind() == EventKind::Reject
        && matches!(&*event.sub_type, "appIdMismatch" | "invalidPartnerRole" | "accessTokenMismatch");
    let session = server.session(client_id).filter(|session| session.pid() == pid);
    let crossing = match (event.sender.and_then(|sender| setup.owner(sender)), session) {
        (Some(sender), Some(session)) => {
            let is_other_user = setup.pairing == Pairing::SameUser
                && !sender.tokens().any(|token| *session.user() == User::Token(token.clone()));
            sender.app != *session.app() || sender.role == session.role() || is_other_user
        }
        (None, _) | (_, None) => true,
    };
    (crossing && !is_of_server).then_some(Rule::NoCrossing)
}

/// Sessions are those of clients that exist, in their roles.
pub fn check_server(setup: &Setup, server: &SessionTable) -> Option<Rule> {
    let mut seen = Vec::new();
    let foreign = server.sessions().any(|(client_id, session)| {
        let owner = setup.owner(client_id);
        let is_owners =
            owner.is_some_and(|owner| owner.app == *session.app() && owner.role == session.role());
        let is_second = seen.contains(&session.pid());
        seen.push(session.pid());
        !is_owners || is_second
    });
    foreign.then_some(Rule::SessionsAreTheirOwners).or_else(|| check_bounds(setup, server))
}

/// Lines are within their bounds, and outputs are empty: every transport takes what is written at once.
fn check_bounds(setup: &Setup, server: &SessionTable) -> Option<Rule> {
    let limits = Limits::default();
    let ids = setup.clients.iter().flat_map(Client::ids);
    let fits = ids.map(|id| server.waiting_for(id)).all(|waiting| waiting <= setup.line_events)
        && server.line_bytes() <= limits.all_lines_bytes
        && server.output_bytes() == 0;
    (!fits).then_some(Rule::Bounds)
}
