//! A crSocket and its partner: assigned, heard of, let go; and what arrives from strangers (section 7).

use super::{Cause, Socket, State};
use crate::protocol::action::{Notice, SocketAction};
use crate::protocol::event::{CrEvent, EventKind, Rejection};
use crate::protocol::ids::{Assigned, ClientId, Credentials, Role};
use crate::protocol::sender;
use crate::protocol::time::{Millis, Step, TimerKind};

/// The last event of the current partner. One is remembered, with its sender, so that the same partner assigned again
/// in time is active at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Heard {
    pub(super) from: ClientId,
    pub(super) at: Millis,
    /// It was neither `inactive`, `reject` nor `unassign`.
    pub(super) active: bool,
}

impl Socket {
    /// Whether the partner's last event was an active one, and came less than partnerActiveMaxEventInDt ago.
    pub(super) fn is_partner_active(&self, step: &Step<'_>) -> bool {
        self.heard.as_ref().is_some_and(|heard| {
            heard.active
                && self.partner() == Some(heard.from)
                && step.now - heard.at < step.timing.partner_active_max_event_in_dt
        })
    }

    /// The enclosing client assigns a partner. Another one takes two steps: unassigned first, then assigned.
    pub(super) fn set_partner(
        &mut self,
        partner: Assigned<ClientId>,
        step: &Step<'_>,
        actions: &mut Vec<SocketAction>,
    ) {
        if self.sender.partner != partner {
            self.let_go(step, actions);
        }
        self.assigned_by_ping = false;
        self.assign(partner, actions);
        self.change(Cause::Other, step, actions, |_| {});
    }

    /// The partner, if there is one, is the partner no more. A controller says so, in every state; a responder lets go
    /// in silence.
    fn let_go(&mut self, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        let Some(old) = self.partner() else { return };
        if self.role == Role::Controller {
            let credentials = self.sender.credentials().or_else(|| self.receiver.stream.clone());
            actions.push(SocketAction::Sender(sender::Input::Unassign(credentials)));
            if self.heard.as_ref().is_some_and(|heard| heard.from == old) {
                self.heard = None;
            }
        }
        self.assign(Assigned::Nothing, actions);
        self.change(Cause::Other, step, actions, |_| {});
    }

    /// Assigns without any effect yet: both ends of the sender's facts, and the notice.
    fn assign(&mut self, partner: Assigned<ClientId>, actions: &mut Vec<SocketAction>) {
        let before = self.partner();
        actions.push(SocketAction::Sender(sender::Input::Partner(partner.clone())));
        self.sender.assign_partner(partner);
        if self.partner() != before {
            actions.push(SocketAction::Notify(Notice::Partner(self.partner())));
        }
    }

    /// A responder's partner that was assigned by a ping has not been heard of for releaseDt.
    pub(super) fn release(&mut self, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        if self.state == State::Searching && self.assigned_by_ping && self.role == Role::Responder {
            self.set_partner(Assigned::Nothing, step, actions);
        }
    }

    /// The release timer runs while a responder is searching for a partner that a ping assigned.
    pub(super) fn set_release_timer(&self, from: &State, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        let after = step.timing.release_dt;
        if self.role != Role::Responder || after == Millis::ZERO || *from == self.state {
            return;
        }
        if self.state == State::Searching && self.assigned_by_ping {
            actions.push(SocketAction::SetTimer { timer: TimerKind::Release, after });
        } else if *from == State::Searching {
            actions.push(SocketAction::CancelTimer(TimerKind::Release));
        }
    }

    /// A crEvent arrived, in any state in which frames arrive.
    pub(super) fn received(
        &mut self,
        event: CrEvent,
        credentials: Credentials,
        stale: bool,
        step: &Step<'_>,
        actions: &mut Vec<SocketAction>,
    ) {
        let Some(from) = event.sender else { return };
        let is_ping = event.kind() == EventKind::Ping;
        let ready_to_pair = matches!(self.state, State::ReadyToPair(_));
        let may_assign = self.role == Role::Responder && ready_to_pair && is_ping;
        if self.partner() == Some(from) || may_assign {
            if is_ping && ready_to_pair {
                self.assign_by_ping(from, step, actions);
            }
            self.received_from_partner(from, event, stale, step, actions);
        } else if is_ping {
            self.answer_stranger(from, credentials, actions);
        }
    }

    /// A ping in readyToPair assigns its sender, which lifts a rejection. Of a responder only: one whose partner
    /// rejected it counts as free.
    fn assign_by_ping(&mut self, from: ClientId, step: &Step<'_>, actions: &mut Vec<SocketAction>) {
        if self.partner() != Some(from) {
            self.let_go(step, actions);
            self.assigned_by_ping = true;
        }
        self.assign(Assigned::Valid(from), actions);
    }

    fn received_from_partner(
        &mut self,
        from: ClientId,
        event: CrEvent,
        stale: bool,
        step: &Step<'_>,
        actions: &mut Vec<SocketAction>,
    ) {
        let kind = event.kind();
        match kind {
            EventKind::Unassign if self.role == Role::Responder => self.assign(Assigned::Nothing, actions),
            EventKind::Reject => {
                let rejection = Rejection::from_sub_type(&event.sub_type);
                actions.push(SocketAction::Sender(sender::Input::Rejected(rejection.clone())));
                self.sender.reject(rejection);
            }
            EventKind::Unassign | EventKind::Ping | EventKind::Inactive | EventKind::Ordinary => {}
        }
        self.hear(from, kind, stale, step);
        self.change(Cause::Other, step, actions, |_| {});
        actions.push(SocketAction::Notify(Notice::CrEvent(event)));
    }

    fn hear(&mut self, from: ClientId, kind: EventKind, stale: bool, step: &Step<'_>) {
        let active = match kind {
            EventKind::Ping | EventKind::Ordinary => true,
            EventKind::Inactive | EventKind::Unassign | EventKind::Reject => false,
        };
        if !(active && stale) {
            self.heard = Some(Heard { from, at: step.now, active });
        }
    }

    /// Of strangers only pings are answered, and only by who has a partner, or is a controller.
    fn answer_stranger(&self, to: ClientId, credentials: Credentials, actions: &mut Vec<SocketAction>) {
        let rejection = match (self.role, self.partner()) {
            (Role::Controller, None) => Rejection::NotPaired,
            (Role::Controller, Some(_)) => Rejection::AssignedToOther,
            (Role::Responder, Some(_)) if self.sender.rejection.is_none() => Rejection::AssignedToOther,
            (Role::Responder, _) => return,
        };
        actions.push(SocketAction::Sender(sender::Input::Reject { to, rejection, credentials }));
    }
}
