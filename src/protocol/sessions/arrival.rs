//! Arrival at a session: rules 1 to 5 of section 4, and the waiting line in front of rules 3 to 5.

use super::action::{Bound, Dropped, Effect, Ended, Note, ReplyLost, ServerAction, WhyNothing};
use super::session::Session;
use super::{ServerStep, SessionTable};
use crate::protocol::event::{EventKind, Rejection};
use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::limits::{Share, longest_changed_frame};
use crate::protocol::line::{Reply, Sender, Waiting};
use crate::protocol::policy::App;
use crate::protocol::routing::{intercept, is_seen, may_reach_in};
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventData, Frame};

/// Where a crEvent goes from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Into the recipient's line.
    Line,
    /// Into the output of the recipient's session.
    Output,
    /// No further: rule 3 blocks it.
    Blocked(Rejection),
    /// No further: a `reject` does not wait for a session.
    Nowhere,
}

impl SessionTable {
    /// Rule 1: any well-formed msgEvent is a sign of life of the session it reaches, also while that settles.
    pub(super) fn arrive(&mut self, recipient: ClientId, step: &ServerStep<'_>) {
        if let Some(session) = self.session_mut(recipient) {
            session.last_arrival = step.now;
        }
    }

    /// Something of the session's own client arrived.
    pub(super) fn arrive_own(
        &mut self,
        client_id: ClientId,
        pid: Pid,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let session = self.session_mut(client_id).filter(|session| session.pid == pid);
        if session.is_some_and(|session| session.own_arrival(step.now)) {
            actions.push(ServerAction::Note(Note::Defended { client_id, pid }));
        }
    }

    /// Rule 2, `alive`: echoed at once.
    pub(super) fn alive(
        &mut self,
        sender: &Sender,
        recipient: ClientId,
        shown: Option<Pid>,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Effect {
        self.arrive(recipient, step);
        let pid = match self.own_pid(sender, recipient, shown) {
            Ok(pid) => pid,
            Err(why) => return Effect::Nothing(why),
        };
        self.arrive_own(recipient, pid, step, actions);
        if self.session_mut(recipient).is_some_and(|session| session.output.write_echo(step.now)) {
            let frame = Frame::Alive { pid };
            let waited = Millis::ZERO;
            actions.push(ServerAction::Write { client_id: recipient, pid, frame, waited });
        }
        Effect::Echoed
    }

    /// Rule 2, `close`: ends the stream at once.
    pub(super) fn close(
        &mut self,
        sender: &Sender,
        recipient: ClientId,
        shown: Option<Pid>,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Effect {
        self.arrive(recipient, step);
        if let Err(why) = self.own_pid(sender, recipient, shown) {
            return Effect::Nothing(why);
        }
        self.end_session(recipient, Ended::Closed, step, actions);
        Effect::Closed
    }

    /// The session's pid, if the sender is its own client and shows that pid.
    fn own_pid(&self, sender: &Sender, recipient: ClientId, shown: Option<Pid>) -> Result<Pid, WhyNothing> {
        let session = self.session(recipient).ok_or(WhyNothing::NoSession)?;
        let is_own = sender.client_id == recipient && sender.app == session.app;
        if is_own && shown == Some(session.pid) { Ok(session.pid) } else { Err(WhyNothing::NotOwn) }
    }

    /// Where a crEvent goes. What is in front of it in a line goes first.
    pub(super) fn way(
        &self,
        sender: &Sender,
        recipient: ClientId,
        kind: EventKind,
        step: &ServerStep<'_>,
    ) -> Way {
        let Some(slot) = self.slots.get(recipient) else { return way_without_session(kind) };
        match slot.session() {
            None => way_without_session(kind),
            Some(session) if session.settles(step.now, step.timing) || slot.line.first().is_some() => {
                Way::Line
            }
            Some(session) => match rule_3(sender, session, step) {
                Ok(()) => Way::Output,
                Err(rejection) => Way::Blocked(rejection),
            },
        }
    }

    /// Whether there is room on that way.
    pub(super) fn room(
        &self,
        way: &Way,
        waiting: &Waiting,
        recipient: ClientId,
        step: &ServerStep<'_>,
    ) -> Result<(), Bound> {
        match way {
            Way::Line => self.line_room(recipient, waiting.kind, waiting.share(), step),
            Way::Output => self.output_room(recipient, output_share(waiting, step), step),
            Way::Blocked(_) | Way::Nowhere => Ok(()),
        }
    }

    /// Lets a crEvent go its way; whether there is room was asked before.
    pub(super) fn go(
        &mut self,
        way: Way,
        waiting: Waiting,
        recipient: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Effect {
        match way {
            Way::Line => {
                self.enqueue(recipient, waiting, step, actions);
                Effect::Waits
            }
            Way::Output => self.pass_interceptors(waiting, recipient, step, actions),
            Way::Blocked(rejection) => {
                self.block(&waiting, recipient, Dropped::Blocked(rejection), step, actions)
            }
            Way::Nowhere => self.block(&waiting, recipient, Dropped::RecipientAbsent, step, actions),
        }
    }

    /// Lets the line of a session that has settled go on, as far as its output has room: replies, then crEvents in the
    /// order of acceptance.
    pub(super) fn drain(
        &mut self,
        client_id: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let Some(slot) = self.slots.get(client_id) else { return };
        if slot.session().is_some_and(|session| !session.settles(step.now, step.timing)) {
            self.empty_line(client_id, step, actions);
        }
    }

    /// The same, whether the session has settled or not.
    pub(super) fn empty_line(
        &mut self,
        client_id: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        while let Some(reply) = self.slots.get_mut(client_id).and_then(|slot| slot.line.pop_reply()) {
            self.release_line(reply.share(client_id), step.now);
            self.write_reply(client_id, &reply.event, step, actions);
        }
        while let Some(way) = self.way_of_first(client_id, step) {
            let Some(waiting) = self.slots.get_mut(client_id).and_then(|slot| slot.line.pop()) else { break };
            self.release_line(waiting.share(), step.now);
            self.go(way, waiting, client_id, step, actions);
        }
    }

    /// The way of the first in the line, if it can leave now.
    fn way_of_first(&self, client_id: ClientId, step: &ServerStep<'_>) -> Option<Way> {
        let slot = self.slots.get(client_id)?;
        let first = slot.line.first()?;
        let way = match rule_3(&first.sender, slot.session()?, step) {
            Ok(()) => Way::Output,
            Err(rejection) => Way::Blocked(rejection),
        };
        self.room(&way, first, client_id, step).ok()?;
        Some(way)
    }

    /// Rules 4 and 5.
    fn pass_interceptors(
        &mut self,
        mut waiting: Waiting,
        recipient: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Effect {
        let app = step.apps.get(&waiting.sender.app);
        let interceptors = app.map_or(&[][..], |app| &app.recipient_interceptors);
        if !is_seen(&waiting.event, waiting.kind, interceptors) {
            return self.forward(&waiting, recipient, step, actions);
        }
        let seen = waiting.event.clone();
        let result = intercept(interceptors, seen, &waiting.sender, recipient, step.timing);
        let effect = match result.event {
            Ok(event) => {
                waiting.event = event;
                self.forward(&waiting, recipient, step, actions)
            }
            Err(why) => self.block(&waiting, recipient, Dropped::Intercepted(why), step, actions),
        };
        // Replies come behind what they answer: the room that was found for it is not theirs.
        self.reply_all(&waiting.sender, result.replies, step, actions);
        effect
    }

    /// Rule 5.
    fn forward(
        &mut self,
        waiting: &Waiting,
        recipient: ClientId,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Effect {
        let held = (waiting.sender.client_id, step.now - waiting.accepted);
        self.write_event(recipient, &waiting.event, held, step, actions);
        Effect::Forwarded
    }

    /// A crEvent goes no further. A `ping` is answered by a `reject` that says why. Not so where a policy blocked it and
    /// the recipient's session is contested: it may be a ghost that stands where the sender's partner will be.
    pub(super) fn block(
        &mut self,
        waiting: &Waiting,
        recipient: ClientId,
        why: Dropped,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Effect {
        actions.push(super::ledger::dropped(waiting, recipient, why.clone()));
        let by_policy = matches!(why, Dropped::Blocked(_));
        let is_withheld = by_policy && self.session(recipient).is_some_and(Session::is_contested);
        let answered = waiting.kind == EventKind::Ping && !is_withheld;
        if let Some(rejection) = rejection_of(&why).filter(|_| answered) {
            self.reply(&waiting.sender, EventData::reject(rejection, recipient), step, actions);
        }
        Effect::Nothing(WhyNothing::Dropped(why))
    }

    /// The replies of interceptors; `None` stands for one that could be no crEvent.
    pub(super) fn reply_all(
        &mut self,
        to: &Sender,
        replies: Vec<Option<EventData>>,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        for reply in replies {
            match reply {
                Some(event) => self.reply(to, event, step, actions),
                None => actions.push(reply_lost(to.client_id, ReplyLost::Malformed)),
            }
        }
    }

    /// A crEvent of the server to a sender: to the very session it sent from, past rules 3 and 4, and it waits for
    /// nothing but the end of helloSettleDt.
    fn reply(
        &mut self,
        to: &Sender,
        event: EventData,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let client_id = to.client_id;
        let session = to.pid.and_then(|pid| self.session_with(client_id, pid));
        let Some(session) = session else {
            actions.push(reply_lost(client_id, ReplyLost::SessionGone));
            return;
        };
        if !session.settles(step.now, step.timing) {
            return self.write_reply(client_id, &event, step, actions);
        }
        let reply = Reply { to: session.pid, event };
        match self.line_room(client_id, EventKind::Reject, reply.share(client_id), step) {
            Ok(()) => self.enqueue_reply(client_id, reply, step),
            Err(bound) => actions.push(reply_lost(client_id, ReplyLost::Full(bound))),
        }
    }

    /// Writes a reply if it fits. It counts as held by the client whose event it answers.
    fn write_reply(
        &mut self,
        client_id: ClientId,
        event: &EventData,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) {
        let share = Share { holder: client_id, bytes: event.frame_len() };
        match self.output_room(client_id, share, step) {
            Ok(()) => self.write_event(client_id, event, (client_id, Millis::ZERO), step, actions),
            Err(bound) => actions.push(reply_lost(client_id, ReplyLost::Full(bound))),
        }
    }
}

fn way_without_session(kind: EventKind) -> Way {
    match kind {
        EventKind::Reject => Way::Nowhere,
        EventKind::Ping | EventKind::Inactive | EventKind::Unassign | EventKind::Ordinary => Way::Line,
    }
}

fn rule_3(sender: &Sender, session: &Session, step: &ServerStep<'_>) -> Result<(), Rejection> {
    may_reach_in(step.apps.get(&session.app), sender.party(), session.party())
}

/// The room that a crEvent needs in an output: interceptors may make it longer.
fn output_share(waiting: &Waiting, step: &ServerStep<'_>) -> Share {
    let interceptors = |app: &App| is_seen(&waiting.event, waiting.kind, &app.recipient_interceptors);
    let own = waiting.event.frame_len();
    let bytes = match step.apps.get(&waiting.sender.app) {
        Some(app) if interceptors(app) => own.max(longest_changed_frame(step.timing)),
        Some(_) | None => own,
    };
    Share { holder: waiting.sender.client_id, bytes }
}

/// What a sender is told of a `ping` that goes no further.
fn rejection_of(why: &Dropped) -> Option<&Rejection> {
    match why {
        Dropped::Blocked(rejection) | Dropped::Intercepted(rejection) => Some(rejection),
        Dropped::SenderAbsent
        | Dropped::RecipientAbsent
        | Dropped::Expired
        | Dropped::Replaced
        | Dropped::Stopping => None,
    }
}

fn reply_lost(client_id: ClientId, why: ReplyLost) -> ServerAction {
    ServerAction::Note(Note::ReplyLost { client_id, why })
}
