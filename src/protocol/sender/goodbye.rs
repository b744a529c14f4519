//! What an EventSender says at once, unspaced: `inactive`, `unassign`, `reject`; and what leaves before a goodbye,
//! so that no goodbye is overtaken (section 6).

use std::collections::VecDeque;

use super::queues::{Queued, Unassign};
use super::{Fate, Message, Post, RequestNo, Sender, SenderAction, WhyDropped};
use crate::protocol::event::{CrEvent, Rejection};
use crate::protocol::ids::{ClientId, Credentials};
use crate::protocol::time::{Millis, Step, TimerKind};

impl Sender {
    pub(super) fn say_inactive(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        self.flush(step, actions);
        let Some((credentials, recipient)) =
            self.facts.credentials().zip(self.facts.partner.valid().copied())
        else {
            return;
        };
        if self.online {
            self.mark_followed();
            say(credentials, recipient, CrEvent::inactive(), None, actions);
        }
    }

    pub(super) fn say_unassign(
        &mut self,
        credentials: Option<Credentials>,
        step: &Step<'_>,
        actions: &mut Vec<SenderAction>,
    ) {
        self.ping_waits = false;
        let Some(partner) = self.facts.partner.valid().copied() else { return };
        self.flush_for(partner, step, actions);
        let Some(credentials) = credentials else { return };
        let until = step.now + step.timing.unassign_wait_dt;
        let unassign = Unassign { partner, credentials, until, request: None };
        let is_only_one = self.queues_mut().repeat_unassign(unassign);
        self.post_unassigns(actions);
        if is_only_one {
            set_unassign_timer(step, actions);
        }
    }

    /// Those of which no request is under way are sent again; those nobody answered for unassignWaitDt are given up.
    pub(super) fn repeat_unassigns(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let Some(queues) = &mut self.queues else { return };
        queues.unassigns.retain(|unassign| step.now < unassign.until || unassign.request.is_some());
        if queues.unassigns.is_empty() {
            return;
        }
        self.post_unassigns(actions);
        set_unassign_timer(step, actions);
    }

    pub(super) fn say_reject(
        &mut self,
        to: ClientId,
        rejection: &Rejection,
        credentials: Credentials,
        step: &Step<'_>,
        actions: &mut Vec<SenderAction>,
    ) {
        let spacing = step.timing.min_cr_event_dt;
        if !self.online {
            return;
        }
        if spacing == Millis::ZERO || self.queues_mut().may_reject(to, step.now, spacing) {
            say(credentials, to, CrEvent::reject(rejection), None, actions);
        }
    }

    /// Everything that is held takes its turn now, unspaced, in order. The waiting ping is dropped: behind a goodbye
    /// it would pair the two again.
    pub(super) fn flush(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        self.ping_waits = false;
        let Some(queues) = &mut self.queues else { return };
        if self.online {
            queues.release_kept();
        }
        for event in std::mem::take(&mut queues.queue) {
            self.take_turn(event, step, actions);
        }
    }

    /// What is held for this partner, and buffered or logged, takes its turn now; the rest for it is dropped.
    fn flush_for(&mut self, partner: ClientId, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let Some(queues) = &mut self.queues else { return };
        let mut held: VecDeque<Queued> = VecDeque::new();
        if self.online {
            let (theirs, others) = queues.kept.drain(..).partition(|event| event.recipient == partner);
            queues.kept = others;
            held = theirs;
        }
        let (theirs, others) = queues.queue.drain(..).partition(|event| event.recipient == partner);
        queues.queue = others;
        held.extend::<VecDeque<Queued>>(theirs);
        for event in held {
            if event.event.buffered || event.event.logged {
                self.take_turn(event, step, actions);
            } else {
                let fate = Fate::Dropped(WhyDropped::Unassigned);
                actions.push(SenderAction::Fate { ticket: event.ticket, fate });
            }
        }
    }

    fn post_unassigns(&mut self, actions: &mut Vec<SenderAction>) {
        if !self.online {
            return;
        }
        self.mark_followed();
        let mut last = self.last_request;
        let Some(queues) = &mut self.queues else { return };
        for unassign in queues.unassigns.iter_mut().filter(|unassign| unassign.request.is_none()) {
            last = last.next();
            unassign.request = Some(last);
            say(unassign.credentials.clone(), unassign.partner, CrEvent::unassign(), Some(last), actions);
        }
        self.last_request = last;
    }

    fn mark_followed(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.mark_followed();
        }
    }
}

fn set_unassign_timer(step: &Step<'_>, actions: &mut Vec<SenderAction>) {
    let after = step.timing.send_answer_dt;
    actions.push(SenderAction::SetTimer { timer: TimerKind::Unassign, after });
}

fn say(
    credentials: Credentials,
    recipient: ClientId,
    event: CrEvent,
    request: Option<RequestNo>,
    actions: &mut Vec<SenderAction>,
) {
    let message = Message::CrEvent(event);
    actions.push(SenderAction::Post(Post { credentials, recipient, message, request }));
}
