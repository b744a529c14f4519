//! What an EventSender says at once, unspaced: `inactive`, `unassign`, `reject`; and what leaves before a goodbye,
//! so that no goodbye is overtaken (section 6).

use std::collections::VecDeque;

use super::queues::{Queued, Unassign};
use super::{Fate, Message, Post, RequestNo, Sender, SenderAction, WhyDropped, notice_sleep};
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

    pub(super) fn say_unassign(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        self.ping_waits = false;
        let Some(partner) = self.facts.partner.valid().copied() else { return };
        self.flush_for(partner, step, actions);
        // After a change of credentials, the partner knows this client by the former ones.
        let former = self.former.take().map(|former| *former);
        let Some(credentials) = self.facts.credentials().or(former) else { return };
        let until = step.now + step.timing.unassign_wait_dt;
        let unassign = Unassign { partner, credentials, until, request: None, said_at: Millis::MIN };
        let is_only_one = self.queues_mut().repeat_unassign(unassign);
        self.post_unassigns(Millis::ZERO, step, actions);
        if is_only_one {
            self.set_unassign_timer(step, actions);
        }
    }

    /// Those of which no request is under way are sent again; those nobody answered for unassignWaitDt are given up.
    pub(super) fn unassign_fired(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let Some(queues) = &mut self.queues else { return };
        let Some(due) = queues.unassign_due.take_if(|due| *due <= step.now) else { return };
        notice_sleep(due, step, actions);
        queues.unassigns.retain(|unassign| step.now < unassign.until || unassign.request.is_some());
        if queues.unassigns.is_empty() {
            return;
        }
        self.post_unassigns(Millis::ZERO, step, actions);
        self.set_unassign_timer(step, actions);
    }

    fn set_unassign_timer(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let after = step.timing.send_answer_dt;
        self.queues_mut().unassign_due = Some(step.now + after);
        actions.push(SenderAction::SetTimer { timer: TimerKind::Unassign, after });
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
        let mut held = self.kept_for(partner);
        let Some(queues) = &mut self.queues else { return };
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

    /// What was kept for this partner and may leave now, taken out; nothing while offline.
    fn kept_for(&mut self, partner: ClientId) -> VecDeque<Queued> {
        let Some(queues) = self.queues.as_mut().filter(|_| self.online) else { return VecDeque::new() };
        let (theirs, others) = queues.kept.drain(..).partition(|event| event.recipient == partner);
        queues.kept = others;
        theirs
    }

    /// Says again what nobody answered, if it was last said so long ago.
    pub(super) fn post_unassigns(
        &mut self,
        silence: Millis,
        step: &Step<'_>,
        actions: &mut Vec<SenderAction>,
    ) {
        let is_due =
            |unassign: &Unassign| unassign.request.is_none() && step.now - unassign.said_at >= silence;
        let unassigns = self.queues.iter().filter(|_| self.online).flat_map(|queues| &queues.unassigns);
        let partners: Vec<ClientId> =
            unassigns.filter(|unassign| is_due(unassign)).map(|unassign| unassign.partner).collect();
        for partner in partners {
            // What was kept for that partner while offline is not overtaken either.
            for event in self.kept_for(partner) {
                self.take_turn(event, step, actions);
            }
            self.mark_followed();
            let request = self.next_request();
            let Some(queues) = &mut self.queues else { return };
            let Some(unassign) = queues.unassigns.iter_mut().find(|unassign| unassign.partner == partner)
            else {
                continue;
            };
            unassign.request = Some(request);
            unassign.said_at = step.now;
            say(unassign.credentials.clone(), partner, CrEvent::unassign(), Some(request), actions);
        }
    }

    fn mark_followed(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.mark_followed();
        }
    }
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
