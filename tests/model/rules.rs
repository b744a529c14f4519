//! What must hold in every situation and at every step, each with the sentence it comes from.

use crsocket::protocol::action::{Message, Notice, Post};
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{Assigned, ClientId, Credentials, Pid, Role, User};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::Pairing;
use crsocket::protocol::sessions::{Session, SessionTable};
use crsocket::protocol::socket::{State, WhyPassive, WhyUnconnected, WhyUnpaired};
use crsocket::protocol::time::{Millis, TimerKind};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{receiver, send_line, sender};

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
    /// 1: a clientId is unique in the whole server; 4: a stranger never takes it over.
    SessionsAreTheirOwners,
}

/// The most sendevents that wait in a client's line: an `inactive`, an `unassign`, an `alive`, a `close`, and a crEvent
/// or a ping, of which one waits for its answer.
const LONGEST_LINE: usize = 5;

/// What did not hold when a client took an input. The page remembers what it must for later steps.
pub fn check_step(before: &Page, page: &mut Page, effects: &[Effect]) -> Option<Rule> {
    let keeps_order = page.outbox.took_step(&before.machines, &page.machines, effects);
    let broken = check_goodbyes(before, page, effects)
        .or_else(|| check_heard(before, page, effects))
        .or_else(|| (!keeps_order).then_some(Rule::OrderAtTheLink))
        .or_else(|| check_queues(page));
    page.held.extend(held_by(&page.machines));
    broken
        .or_else(|| check_children(&page.machines))
        .or_else(|| check_state(page))
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

/// Of what the client hands over in this step to leave now or later.
fn check_goodbyes(before: &Page, page: &Page, effects: &[Effect]) -> Option<Rule> {
    let left = effects.iter().filter_map(|effect| match effect {
        Effect::Send { post, .. } => Some(post),
        _ => None,
    });
    let waited = before.machines.line.waiting();
    let mut handed_over = left.chain(page.machines.line.posts()).skip(waited);
    let holds = |post: &Post| match kind_of(post) {
        Some(EventKind::Inactive) => held_by(&before.machines).is_some_and(|held| held == who(post)),
        // It may be said again when somebody else is the partner.
        Some(EventKind::Unassign) => page.held.get(&post.recipient) == Some(&post.credentials),
        Some(EventKind::Ping | EventKind::Reject | EventKind::Ordinary) | None => true,
    };
    (!handed_over.all(holds)).then_some(Rule::GoodbyeCredentials)
}

fn kind_of(post: &Post) -> Option<EventKind> {
    match &post.message {
        Message::CrEvent(event) => Some(event.kind()),
        Message::Alive(_) | Message::Close(_) => None,
    }
}

/// As whom it goes to whom, the other way round.
fn who(post: &Post) -> (ClientId, Credentials) {
    (post.recipient, post.credentials.clone())
}

/// The partner, and the credentials by which it knows this client.
fn held_by(ours: &WiredSocket) -> Option<(ClientId, Credentials)> {
    let facts = ours.sender.facts();
    facts.partner.valid().copied().zip(facts.credentials())
}

/// What the enclosing client is told, and whom that makes active.
fn check_heard(before: &Page, page: &mut Page, effects: &[Effect]) -> Option<Rule> {
    let (from, to) = (&before.machines.socket, &page.machines.socket);
    let partners = [from.partner(), to.partner()];
    let id = from.client().client_id.clone();
    if id.valid().is_some() && id != to.client().client_id {
        page.heard = None;
    }
    // What still comes for a former clientId is not said to the present one.
    let is_meant = from.receiver().stream.as_ref().map(|stream| stream.client_id) == id.valid().copied();
    for effect in effects {
        let event = match effect {
            Effect::Notify(Notice::CrEvent(event)) => event,
            // A controller forgets whom it let go.
            Effect::Notify(Notice::Partner(None)) if to.role() == Role::Controller => {
                page.heard = None;
                continue;
            }
            _ => continue,
        };
        let Some(sender) = event.sender.filter(|sender| partners.contains(&Some(*sender))) else {
            return Some(Rule::OnlyThePartner);
        };
        let is_active = matches!(event.kind(), EventKind::Ping | EventKind::Ordinary);
        if is_meant || !is_active {
            page.heard = is_active.then_some((sender, Millis::ZERO));
        }
    }
    None
}

/// The state is what the facts amount to, by the tables of section 7, not by the function under test.
fn check_state(page: &Page) -> Option<Rule> {
    let state = page.machines.socket.state();
    // At the moment itself, other timers may come before the one that says so.
    let times_out = page.timer(TimerKind::Partner) == Some(Millis::ZERO);
    let is_excused = times_out && *state == State::Interacting;
    (*state != state_by_facts(page) && !is_excused).then_some(Rule::StateFollowsFacts)
}

fn state_by_facts(page: &Page) -> State {
    let ours = &page.machines;
    let client = ours.socket.client();
    let reasons = [
        (client.client_id == Assigned::Invalid, WhyPassive::InvalidClientId),
        (ours.sender.facts().client_id.is_none(), WhyPassive::NoClientId),
        (!client.visible, WhyPassive::NotVisible),
        (!client.online, WhyPassive::NotOnline),
        (client.paused, WhyPassive::Paused),
        (client.unloading, WhyPassive::Unloading),
    ];
    if let Some((_, why)) = reasons.into_iter().find(|(applies, _)| *applies) {
        return State::Passive(why);
    }
    match (ours.receiver.state(), ours.sender.state()) {
        (receiver::State::Opening, _) => State::Connecting,
        (receiver::State::Closed(why) | receiver::State::Closing(why), _) => {
            State::ReadyToConnect(WhyUnconnected::Closed(why))
        }
        (receiver::State::Aborted(why), _) => State::ReadyToConnect(WhyUnconnected::Aborted(why)),
        (receiver::State::Open, sender::State::NotReady(why)) => {
            State::ReadyToPair(WhyUnpaired::NotReady(why))
        }
        (receiver::State::Open, sender::State::PartnerRejected(why)) => {
            State::ReadyToPair(WhyUnpaired::Rejected(why))
        }
        (receiver::State::Open, sender::State::Ready { .. }) => {
            let is_heard = page.heard.is_some_and(|(from, _)| ours.socket.partner() == Some(from));
            if is_heard { State::Interacting } else { State::Searching }
        }
    }
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

/// Sessions are those of clients that exist, in their roles and by their tokens. No world has both somebody who bears
/// another's clientId and faults that could end the owner's session.
pub fn check_server(setup: &Setup, server: &SessionTable) -> Option<Rule> {
    let mut seen = Vec::new();
    let foreign = server.sessions().any(|(client_id, session)| {
        let owner = setup.owner(client_id);
        let is_owners = owner.is_some_and(|owner| is_own(owner, session));
        let is_second = seen.contains(&session.pid());
        seen.push(session.pid());
        !is_owners || is_second
    });
    foreign.then_some(Rule::SessionsAreTheirOwners).or_else(|| check_bounds(setup, server))
}

/// Whether the session is one of this client, and not of another user with its clientId.
pub fn is_own(client: &Client, session: &Session) -> bool {
    let mut tokens = client.tokens();
    client.app == *session.app()
        && client.role == session.role()
        && tokens.any(|token| *session.user() == User::Token(token.clone()))
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
