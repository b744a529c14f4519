//! What the server says and does, seen from its streams: who has which clientId, what was accepted and what is
//! delivered, how much waits. It knows what was asked and what was written, and never looks into the session table.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use super::dropped::blocks;
use super::invariant::{Broken, Invariant};
use super::text::{head_of, sender_of};
use crate::protocol::event::Rejection;
use crate::protocol::ids::{AppId, ClientId, Pid, Role, User};
use crate::protocol::limits::Limits;
use crate::protocol::policy::Pairing;
use crate::protocol::sessions::{Effect, Ended, Note, ServerAction};
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::{AbortReason, Frame};

/// How long the clientId of a session that ended contested stays its owner's (section 4).
const CONTESTED_RESERVATION: Millis = Millis(5_000);
/// How many accepted events from one clientId to another are remembered.
pub(super) const REMEMBERED: usize = 4_000;

/// Who made a request: what is true of it, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) app: AppId,
    pub(crate) role: Role,
    pub(crate) user: User,
}

/// What is in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) timing: &'a Timing,
    pub(crate) limits: &'a Limits,
    pub(crate) now: Millis,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Who asked for the stream that says `hello` next.
    asked: Option<(Pid, Rc<Party>, Pairing)>,
    pub(super) standings: BTreeMap<ClientId, Standing>,
    orders: BTreeMap<(ClientId, ClientId), VecDeque<Accepted>>,
    /// Who waits in whose line.
    pub(super) lines: BTreeMap<ClientId, Vec<Waiting>>,
    /// What the readers of streams have not taken, also of streams that have ended; control frames are nobody's.
    pub(super) unread: BTreeMap<Pid, VecDeque<Option<Held>>>,
    /// How many bytes that is.
    pub(super) unread_bytes: usize,
    /// The last crEvent that was written is an answer of the server.
    pub(super) last_is_answer: bool,
    /// When there was last little room in all outputs together.
    pub(super) tight_at: Millis,
    /// Whether the server is stopping.
    pub(super) stopping: bool,
}

/// What somebody holds of an output by one crEvent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) by: ClientId,
    pub(super) bytes: usize,
}

/// To whom a clientId belongs.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) pid: Pid,
    pub(super) began: Millis,
    pub(super) party: Rc<Party>,
    pub(super) pairing: Pairing,
    state: StandingState,
    pub(super) contested: bool,
    /// Whose recipients blocked a `ping` of its client, and why: each is answered once by the server.
    pub(super) owed: VecDeque<(ClientId, Rejection)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StandingState {
    Live,
    /// A newer stream of its clientId comes next.
    Released,
    /// It belongs to the user of its last session until then.
    Reserved {
        until: Millis,
    },
}

/// An event that was accepted. Its text is known again by where it lies: it is never copied on its way.
#[derive(Debug)]
struct Accepted {
    text: Arc<str>,
    origin: Rc<Party>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) sender: ClientId,
    pub(super) origin: Rc<Party>,
    pub(super) text: Arc<str>,
    /// When it was accepted.
    pub(super) since: Millis,
}

/// A crEvent that the server has accepted.
#[derive(Debug)]
pub(crate) struct Acceptance<'a> {
    pub(crate) sender: ClientId,
    pub(crate) recipient: ClientId,
    pub(crate) text: &'a Arc<str>,
    pub(crate) origin: &'a Rc<Party>,
    /// Where it went.
    pub(crate) effect: &'a Effect,
}

impl Standing {
    pub(super) fn is_live(&self) -> bool {
        self.state == StandingState::Live
    }
}

impl Streams {
    /// The stream that says `hello` next was asked for by this client.
    pub(super) fn asked(&mut self, pid: Pid, party: Rc<Party>, pairing: Pairing) {
        self.asked = Some((pid, party, pairing));
    }

    /// To whom a clientId belongs now, if to anybody.
    pub(super) fn owner(&self, client_id: ClientId, now: Millis) -> Option<&User> {
        let standing = self.standings.get(&client_id)?;
        let belongs = match standing.state {
            StandingState::Live | StandingState::Released => true,
            StandingState::Reserved { until } => now < until,
        };
        belongs.then_some(&standing.party.user)
    }

    /// A new server knows nothing of what the old one had accepted, or whose anything was.
    pub(super) fn server_restarted(&mut self) {
        *self = Streams::default();
    }

    /// A server that stops has ended every stream with `shutdown`, and nothing waits any more.
    pub(super) fn check_stopped(&self) -> Result<(), Broken> {
        let live = self.standings.iter().find(|(_, standing)| standing.state == StandingState::Live);
        if let Some((client_id, standing)) = live {
            return Err((
                Invariant::GracefulStop,
                format!("the stream {} of {client_id} goes on", standing.pid),
            ));
        }
        if let Some(recipient) = self.lines.keys().next() {
            return Err((Invariant::GracefulStop, format!("something still waits for {recipient}")));
        }
        Ok(())
    }

    /// A server that stops serves no new stream and accepts nothing.
    pub(super) fn check_not_stopping(&self, seen: &str) -> Result<(), Broken> {
        if self.stopping { Err((Invariant::GracefulStop, seen.into())) } else { Ok(()) }
    }

    /// Whether somebody may speak for this clientId, as things stood before the step in which it was let.
    pub(super) fn check_speaker(
        &self,
        sender: ClientId,
        origin: &Party,
        actions: &[ServerAction],
        rules: Rules<'_>,
    ) -> Result<(), Broken> {
        let Some(standing) = self.standings.get(&sender).filter(|_| rules.limits.bind_client_ids) else {
            return Ok(());
        };
        // A session that ended by time in this very step leaves a reservation for its user.
        let ended = |action: &ServerAction| match action {
            ServerAction::Note(Note::Ended { client_id, why, .. }) => {
                *client_id == sender && *why != Ended::Closed
            }
            ServerAction::Note(_)
            | ServerAction::Write { .. }
            | ServerAction::End { .. }
            | ServerAction::Cut { .. } => false,
        };
        let belongs = match standing.state {
            StandingState::Live if actions.iter().any(ended) => standing.party.user == origin.user,
            StandingState::Live | StandingState::Released => *standing.party == *origin,
            StandingState::Reserved { until } => rules.now >= until || standing.party.user == origin.user,
        };
        if belongs {
            return Ok(());
        }
        let seen = format!("{origin:?} spoke for {sender}, which was {standing:?}");
        Err((Invariant::NoImpersonation, seen))
    }

    /// A crEvent was accepted; perhaps it goes on.
    pub(super) fn accepted(&mut self, event: &Acceptance<'_>, now: Millis) {
        let (sender, recipient) = (event.sender, event.recipient);
        let waits = *event.effect == Effect::Waits;
        if !waits && *event.effect != Effect::Forwarded {
            return;
        }
        let order = self.orders.entry((sender, recipient)).or_default();
        order.push_back(Accepted { text: Arc::clone(event.text), origin: Rc::clone(event.origin) });
        if order.len() > REMEMBERED {
            order.pop_front();
        }
        if waits {
            let (origin, text) = (Rc::clone(event.origin), Arc::clone(event.text));
            self.lines.entry(recipient).or_default().push(Waiting { sender, origin, text, since: now });
        }
    }

    /// The server does something.
    pub(super) fn performed(&mut self, action: &ServerAction, rules: Rules<'_>) -> Result<(), Broken> {
        match action {
            ServerAction::Write { client_id, pid, frame, .. } => self.written(*client_id, *pid, frame, rules),
            ServerAction::Cut { client_id, pid } => {
                // Or a stream whose last words nobody read.
                self.connection_gone(*client_id, *pid, rules);
                Ok(())
            }
            ServerAction::Note(note) => self.noted(note, rules),
            ServerAction::End { .. } => Ok(()),
        }
    }

    /// The connection of a stream is gone, and the server knows.
    pub(super) fn connection_gone(&mut self, client_id: ClientId, pid: Pid, rules: Rules<'_>) {
        self.thrown_away(pid);
        if self.live(client_id, pid).is_some() {
            self.ended(client_id, pid, rules);
        }
    }

    pub(super) fn live(&mut self, client_id: ClientId, pid: Pid) -> Option<&mut Standing> {
        let standing = self.standings.get_mut(&client_id)?;
        (standing.pid == pid && standing.state == StandingState::Live).then_some(standing)
    }

    fn written(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        frame: &Frame,
        rules: Rules<'_>,
    ) -> Result<(), Broken> {
        if let Frame::Hello { .. } = frame {
            return self.began(client_id, pid, rules);
        }
        let standing = self.live(client_id, pid);
        let Some(standing) = standing else {
            return Err((
                Invariant::LastWords,
                format!("{} on the stream {pid} of {client_id}", frame.name()),
            ));
        };
        match frame {
            Frame::CrEvent(text) => self.delivered(client_id, text, rules),
            Frame::Aborted { reason: AbortReason::ReleasedByOther, .. } => {
                standing.state = StandingState::Released;
                Ok(())
            }
            Frame::Closed { .. } => {
                self.standings.remove(&client_id);
                Ok(())
            }
            Frame::Shutdown { .. } | Frame::Aborted { .. } => {
                self.ended(client_id, pid, rules);
                Ok(())
            }
            Frame::Hello { .. } | Frame::Alive { .. } => Ok(()),
        }
    }

    fn began(&mut self, client_id: ClientId, pid: Pid, rules: Rules<'_>) -> Result<(), Broken> {
        self.check_not_stopping("a new stream said hello")?;
        let asked = self.asked.take().filter(|(asked, _, _)| *asked == pid);
        let Some((_, party, pairing)) = asked else {
            return Err((Invariant::LastWords, format!("hello on {pid}, for which nobody asked")));
        };
        if let Some(old) = self.standings.get(&client_id) {
            if old.state == StandingState::Live {
                let seen = format!("{client_id} has the streams {} and {pid}", old.pid);
                return Err((Invariant::OneSession, seen));
            }
            let is_free = match old.state {
                StandingState::Reserved { until } => rules.now >= until,
                StandingState::Live | StandingState::Released => false,
            };
            if !is_free && old.party.user != party.user && rules.limits.bind_client_ids {
                let seen = format!("{client_id} was {old:?}, and is given to {party:?}");
                return Err((Invariant::NoTakeover, seen));
            }
        }
        let standing = Standing {
            pid,
            began: rules.now,
            party,
            pairing,
            state: StandingState::Live,
            contested: false,
            owed: VecDeque::new(),
        };
        self.standings.insert(client_id, standing);
        Ok(())
    }

    /// A stream ended otherwise than by `close` or a newer one: its clientId stays its user's for a while.
    fn ended(&mut self, client_id: ClientId, pid: Pid, rules: Rules<'_>) {
        let Some(standing) = self.standings.get_mut(&client_id).filter(|standing| standing.pid == pid) else {
            return;
        };
        let longest = rules.timing.max_prev_alive_dt.times(2);
        let reserved = if standing.contested { CONTESTED_RESERVATION } else { longest };
        standing.state = StandingState::Reserved { until: rules.now + reserved };
    }

    fn delivered(&mut self, recipient: ClientId, text: &Arc<str>, rules: Rules<'_>) -> Result<(), Broken> {
        self.check_settled(recipient, text, rules)?;
        let sender = sender_of(text);
        let order = sender.and_then(|sender| self.orders.get_mut(&(sender, recipient)));
        let place = order
            .as_ref()
            .and_then(|order| order.iter().position(|accepted| Arc::ptr_eq(&accepted.text, text)));
        self.last_is_answer = place.is_none();
        let (Some(order), Some(place)) = (order, place) else {
            return self.answered_by_server(recipient, sender, text);
        };
        // What was accepted before it can only have been lost: it must not come any more.
        let Some(accepted) = order.drain(..=place).next_back() else { return Ok(()) };
        if let Some(line) = self.lines.get_mut(&recipient) {
            line.retain(|waiting| !Arc::ptr_eq(&waiting.text, text));
            if line.is_empty() {
                self.lines.remove(&recipient);
            }
        }
        let Some(standing) = self.standings.get(&recipient) else { return Ok(()) };
        if blocks(&accepted.origin, &standing.party, standing.pairing).is_some() {
            let seen = format!("{} of {:?} was delivered to {standing:?}", head_of(text), accepted.origin);
            return Err((Invariant::NoCrossing, seen));
        }
        Ok(())
    }

    /// A crEvent comes once helloSettleDt is over, or with the last words of a server that stops.
    fn check_settled(&self, recipient: ClientId, text: &str, rules: Rules<'_>) -> Result<(), Broken> {
        let Some(standing) = self.standings.get(&recipient) else { return Ok(()) };
        if self.stopping || rules.now - standing.began >= rules.timing.hello_settle_dt {
            return Ok(());
        }
        let seen = format!("{} to {recipient}, whose hello came at {}", head_of(text), standing.began);
        Err((Invariant::HelloSettles, seen))
    }

    fn noted(&mut self, note: &Note, rules: Rules<'_>) -> Result<(), Broken> {
        match note {
            Note::Contested { client_id, .. } => self.set_contested(*client_id, true),
            Note::Defended { client_id, .. } => self.set_contested(*client_id, false),
            Note::LeftUnread { pid, .. } => self.thrown_away(*pid),
            Note::Dropped { sender, recipient, kind, why } => {
                return self.dropped(*sender, *recipient, *kind, why, rules);
            }
            Note::Began { .. }
            | Note::NotOpened { .. }
            | Note::Ended { .. }
            | Note::Refused { .. }
            | Note::ReplyLost { .. } => {}
        }
        Ok(())
    }

    fn set_contested(&mut self, client_id: ClientId, contested: bool) {
        if let Some(standing) = self.standings.get_mut(&client_id) {
            standing.contested = contested;
        }
    }
}
