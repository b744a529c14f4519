//! What must be true of a client at every moment: its state, its children, its queues, its connections, its timers.

use super::invariant::{Broken, Invariant};
use crate::check::client::Client;
use crate::protocol::ids::ClientId;
use crate::protocol::receiver;
use crate::protocol::send_line::MAX_WAITING;
use crate::protocol::sender::{self, MAX_QUEUED};
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wired::WiredSocket;

/// The published states in words of their own, not by the function under test.
pub(super) fn check_state(
    ours: &WiredSocket,
    heard: Option<(ClientId, Millis, bool)>,
    disturbed_until: Option<Millis>,
    step: &Step<'_>,
) -> Result<(), Broken> {
    let client = ours.socket.client();
    let is_active = client.visible
        && client.online
        && !(client.paused || client.unloading)
        && client.client_id.valid().is_some()
        && ours.sender.facts().client_id.is_some();
    let receiver = ours.receiver.state();
    let state = ours.socket.state();
    let is_connected = is_active && receiver == receiver::State::Open;
    let holds = match state {
        State::Passive(_) => !is_active,
        State::Connecting => is_active && receiver == receiver::State::Opening,
        State::ReadyToConnect(_) => {
            is_active && !matches!(receiver, receiver::State::Opening | receiver::State::Open)
        }
        State::ReadyToPair(_) => is_connected && !is_ready(ours.sender.facts()),
        State::Searching | State::Interacting => is_connected && is_ready(ours.sender.facts()),
    };
    if !holds {
        let seen = format!("{state:?}: {client:?}, {receiver:?}, {:?}", ours.sender.facts());
        return Err((Invariant::StateFollowsFacts, seen));
    }
    if *state != State::Interacting {
        return Ok(());
    }
    let limit = step.timing.partner_active_max_event_in_dt;
    let partner_is_active = heard.is_some_and(|(from, at, active)| {
        // At the very moment, the timer may be the next to fire.
        Some(from) == ours.socket.partner() && active && step.now - at <= limit
    });
    // Timers of a device that slept are late; the state follows when they fire.
    let disturbed = disturbed_until.is_some_and(|until| step.now < until);
    if !partner_is_active && !disturbed {
        let seen = format!("interacting with {:?}, last heard {:?}", ours.socket.partner(), heard);
        return Err((Invariant::StateFollowsFacts, seen));
    }
    Ok(())
}

/// Section 6: all assigned, not rejected.
fn is_ready(facts: &sender::Facts) -> bool {
    facts.client_id.is_some()
        && facts.access_token.valid().is_some()
        && facts.partner.valid().is_some()
        && facts.rejection.is_none()
}

pub(super) fn check_children(ours: &WiredSocket) -> Result<(), Broken> {
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

pub(super) fn check_bounds(ours: &WiredSocket) -> Result<(), Broken> {
    let (queued, kept) = ours.sender.queued();
    let waiting = ours.line.waiting();
    if queued > MAX_QUEUED + 1 || kept > MAX_QUEUED + 1 || waiting > MAX_WAITING {
        return Err((Invariant::Bounds, format!("{queued} queued, {kept} kept, {waiting} waiting")));
    }
    Ok(())
}

/// At most one connection; and while it has other credentials than assigned, those count as missing.
pub(super) fn check_connections(page: &Client) -> Result<(), Broken> {
    let mut connections = page.connections.iter();
    let Some((stream, held)) = connections.next() else { return Ok(()) };
    if let Some((other, _)) = connections.next() {
        return Err((Invariant::OneStream, format!("{stream:?} and {other:?} stand side by side")));
    }
    let Some(ours) = page.machines.as_ours() else { return Ok(()) };
    let facts = ours.sender.facts();
    let id_fits = facts.client_id.is_none_or(|id| id == held.client_id);
    let token_fits = facts.access_token.valid().is_none_or(|token| *token == held.access_token);
    if id_fits && token_fits {
        return Ok(());
    }
    let seen = format!("{facts:?} while the stream of {} stands", held.client_id);
    Err((Invariant::OldStreamFirst, seen))
}

/// Whether a state has a use for a timer.
pub(super) fn has_use_for(ours: &WiredSocket, timer: TimerKind) -> bool {
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
