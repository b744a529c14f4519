//! What must be true of a client at every moment: its state, its children, its queues, its connections, its timers.

use super::goodbyes::Goodbyes;
use super::invariant::{Broken, Invariant};
use super::told::Told;
use crate::check::client::Client;
use crate::protocol::ids::{Assigned, Role};
use crate::protocol::receiver::WhyAborted;
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wire::AbortReason;
use crate::protocol::wired::WiredSocket;

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

/// How long something may be away from the time at which it is due, where clocks run at different rates.
const MARGIN: Millis = Millis(1_000);
/// The longest wait before a stream is opened again, and before something is sent again: 15 s and a jitter of 25 %.
const LONGEST_BACKOFF: Millis = Millis(18_750);
/// The longest wait before another try after an abort that heals (section 5).
const LONGEST_HEALING: Millis = Millis(60_000);

/// The timers that are armed are those for which the facts have a use, and none waits longer than it may.
pub(super) fn check_timers(
    told: &Told,
    goodbyes: &Goodbyes,
    waits: usize,
    page: &Client,
    step: &Step<'_>,
) -> Result<(), Broken> {
    let is_wrong = |(timer, wanted, longest): &(TimerKind, Use, Millis)| match page.due(*timer) {
        None => *wanted == Use::Needed,
        Some(due) => *wanted == Use::None || due - step.now > *longest + MARGIN,
    };
    let uses = uses(told, goodbyes, waits, page, step);
    let Some((timer, wanted, _)) = uses.into_iter().find(is_wrong) else { return Ok(()) };
    let due = page.due(timer);
    let (invariant, what) = match (wanted, due) {
        (Use::None, _) => (Invariant::NoTimerLeak, "is armed"),
        (_, None) => (Invariant::TimersRun, "is not armed"),
        (_, Some(_)) => (Invariant::TimersRun, "is armed for longer than it may be"),
    };
    let state = page.machines.state();
    Err((invariant, format!("{timer:?} {what} ({due:?}): {state:?}, {told:?}, {goodbyes:?}")))
}

/// What the facts say of a timer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    None,
    Allowed,
    Needed,
}

impl Use {
    fn needed_if(needed: bool) -> Use {
        if needed { Use::Needed } else { Use::None }
    }
}

/// Whether the facts have a use for each timer, and how long it may take at most. `waits` events wait for their turn.
fn uses(
    told: &Told,
    goodbyes: &Goodbyes,
    waits: usize,
    page: &Client,
    step: &Step<'_>,
) -> [(TimerKind, Use, Millis); TimerKind::ALL.len()] {
    let (timing, state) = (step.timing, page.machines.state());
    let (requested, open, closing) = match &told.stream {
        None => (false, false, false),
        Some(stream) => {
            (stream.pid.is_none(), stream.pid.is_some() && stream.closing.is_none(), stream.closing.is_some())
        }
    };
    let (reopens, reopens_within) = reopening(told, state);
    let (is_searching, is_interacting) =
        (matches!(state, State::Searching), matches!(state, State::Interacting));
    let ping_within =
        if is_interacting { timing.interacting_max_event_out_dt } else { timing.searching_max_event_out_dt };
    let id_is_missing =
        told.client.client_id == Assigned::Nothing && !told.client.unloading && told.stream.is_none();
    let lets_go = is_searching
        && told.assigned_by_ping
        && page.machines.role() == Role::Responder
        && timing.release_dt > Millis::ZERO;
    // It may have been armed for something that left with a goodbye.
    let paces = if waits > 0 && !goodbyes.awaits_answer() { Use::Needed } else { Use::Allowed };
    let repeats = match goodbyes.repeats(step.now) {
        None => Use::None,
        Some(false) => Use::Allowed,
        Some(true) => Use::Needed,
    };
    let needed = Use::needed_if;
    [
        (TimerKind::Hello, needed(requested), timing.hello_max_dt),
        (TimerKind::Reopen, reopens, reopens_within),
        (TimerKind::Alive, needed(open), timing.event_source_send_alive_dt),
        (TimerKind::Close, needed(closing), timing.server_interaction_complete_dt),
        (TimerKind::Pace, paces, timing.min_cr_event_dt.max(LONGEST_BACKOFF)),
        (TimerKind::Unassign, repeats, timing.send_answer_dt),
        (TimerKind::Answer, needed(goodbyes.awaits_answer()), timing.send_answer_dt),
        (TimerKind::Ping, needed(is_searching || is_interacting), ping_within),
        (TimerKind::Partner, needed(is_interacting), timing.partner_active_max_event_in_dt),
        (TimerKind::ClientId, needed(id_is_missing), timing.invalid_client_id_retry_dt),
        (TimerKind::Release, needed(lets_go), timing.release_dt),
    ]
}

/// A stream is opened again after a while: one that broke, or one that the server gave up for a reason that heals.
fn reopening(told: &Told, state: &State) -> (Use, Millis) {
    match (state, &told.aborted) {
        (State::Connecting, _) if told.stream.is_none() => (Use::Needed, LONGEST_BACKOFF),
        (State::ReadyToConnect(_), Some(why)) if told.stream.is_none() => {
            let wanted = match why {
                WhyAborted::Error
                | WhyAborted::Server(AbortReason::ClientNotAlive | AbortReason::ClientIdInUse) => Use::Needed,
                // Right behind one's own `hello`, and not too often.
                WhyAborted::Server(AbortReason::ReleasedByOther) => Use::Allowed,
                WhyAborted::Server(_) => Use::None,
            };
            (wanted, LONGEST_HEALING)
        }
        _ => (Use::None, Millis::MAX),
    }
}
