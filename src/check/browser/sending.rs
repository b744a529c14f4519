//! The sending side: beacons, spaced and in order; goodbyes and rejections at once (section 9).

use super::{Browser, SETTLING, Turn};
use crate::protocol::action::{Fate, Message, Notice, Post, Refusal, Ticket, WhyDropped};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{ClientId, Credentials, Pid};
use crate::protocol::sender::{self, WhyNotReady};
use crate::protocol::socket::State;
use crate::protocol::time::{Step, TimerKind};
use crate::protocol::wired::Effect;

/// A crEvent that waits, with what it was made with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Letter {
    /// None for a ping.
    ticket: Option<Ticket>,
    event: CrEvent,
    credentials: Credentials,
    recipient: ClientId,
}

impl Browser {
    /// The page sends a crEvent.
    pub(super) fn accept(&mut self, ticket: Ticket, event: CrEvent, turn: &mut Turn<'_>) {
        let fate = match (self.sender.state(), self.recipient()) {
            (sender::State::Ready { .. }, Some(_)) if self.queue.len() >= turn.step.timing.max_queued => {
                Fate::Refused(Refusal::QueueFull { max: turn.step.timing.max_queued })
            }
            (sender::State::Ready { .. }, Some((credentials, recipient))) => {
                self.queue.push_back(Letter { ticket: Some(ticket), event, credentials, recipient });
                Fate::Queued
            }
            (sender::State::PartnerRejected(why), _) => Fate::Refused(Refusal::PartnerRejected(why)),
            (sender::State::NotReady(why), _) => Fate::Refused(Refusal::NotReady(why)),
            (sender::State::Ready { .. }, None) => Fate::Refused(Refusal::NotReady(WhyNotReady::NoClientId)),
        };
        turn.effects.push(Effect::Notify(Notice::Fate { ticket, fate }));
    }

    /// A ping stands in line like any other crEvent, also behind a goodbye.
    pub(super) fn enqueue_ping(&mut self, step: &Step<'_>) {
        if let Some((credentials, recipient)) = self.recipient()
            && self.queue.len() < step.timing.max_queued
        {
            self.queue.push_back(Letter { ticket: None, event: CrEvent::ping(), credentials, recipient });
        }
    }

    fn recipient(&self) -> Option<(Credentials, ClientId)> {
        self.sender.credentials().zip(self.partner())
    }

    /// Lets leave what may: what was kept while offline at once, the rest spaced.
    pub(super) fn pump(&mut self, turn: &mut Turn<'_>) {
        while self.client.online
            && let Some(letter) = self.kept.pop_front()
        {
            self.leave(letter, turn);
        }
        while !self.queue.is_empty() {
            if turn.step.now < self.spaced_until {
                self.set_timer(TimerKind::Pace, self.spaced_until - turn.step.now, turn);
                return;
            }
            let Some(letter) = self.queue.pop_front() else { return };
            if self.client.online {
                self.leave(letter, turn);
            } else {
                self.keep_or_drop(letter, turn);
            }
        }
        self.cancel_timer(TimerKind::Pace, turn);
    }

    fn leave(&mut self, letter: Letter, turn: &mut Turn<'_>) {
        let Letter { ticket, event, credentials, recipient } = letter;
        self.post_event(credentials, recipient, event, turn);
        if let Some(ticket) = ticket {
            turn.effects.push(Effect::Notify(Notice::Fate { ticket, fate: Fate::Sent }));
        }
    }

    fn keep_or_drop(&mut self, letter: Letter, turn: &mut Turn<'_>) {
        // A ping is not kept, and nobody asks for it.
        let Some(ticket) = letter.ticket else { return };
        let fate = if !letter.event.buffered {
            Fate::Dropped(WhyDropped::Offline)
        } else if self.kept.len() >= turn.step.timing.max_queued {
            Fate::Dropped(WhyDropped::BufferFull)
        } else {
            self.kept.push_back(letter);
            Fate::Buffered
        };
        turn.effects.push(Effect::Notify(Notice::Fate { ticket, fate }));
    }

    /// `inactive`, `unassign` and `reject` leave at once, past the queue. Offline they are lost.
    pub(super) fn say(
        &mut self,
        credentials: Option<Credentials>,
        to: ClientId,
        event: CrEvent,
        turn: &mut Turn<'_>,
    ) {
        if let Some(credentials) = credentials
            && self.client.online
        {
            self.post_event(credentials, to, event, turn);
        }
    }

    /// Whatever leaves puts off what is ordinary, and the next ping.
    fn post_event(
        &mut self,
        credentials: Credentials,
        to: ClientId,
        mut event: CrEvent,
        turn: &mut Turn<'_>,
    ) {
        event.send_ct = turn.calendar;
        self.spaced_until = turn.step.now + turn.step.timing.min_cr_event_dt + SETTLING;
        self.put_off_ping(turn);
        self.post(credentials, to, Message::CrEvent(event), turn);
    }

    /// `alive` or `close`, with the pid and the credentials of the stream.
    pub(super) fn post_to_oneself(&mut self, message: impl FnOnce(Pid) -> Message, turn: &mut Turn<'_>) {
        if let (Some(credentials), Some(pid)) = (self.held_credentials().cloned(), self.pid) {
            let to = credentials.client_id;
            self.post(credentials, to, message(pid), turn);
        }
    }

    fn post(&mut self, credentials: Credentials, recipient: ClientId, message: Message, turn: &mut Turn<'_>) {
        self.last_request = self.last_request.next();
        let post = Post { credentials, recipient, message, request: None };
        turn.effects.push(Effect::Send { number: self.last_request, post });
    }

    /// Pings, from the state before to the state now (the table of section 7).
    pub(super) fn schedule_pings(&mut self, from: &State, turn: &mut Turn<'_>) {
        if !self.state.is_paired() {
            self.cancel_timer(TimerKind::Ping, turn);
        } else if *from != self.state {
            if *from != State::Interacting {
                self.enqueue_ping(turn.step);
            }
            self.put_off_ping(turn);
        }
    }

    fn put_off_ping(&mut self, turn: &mut Turn<'_>) {
        let after = match self.state {
            State::Interacting => turn.step.timing.interacting_max_event_out_dt,
            State::Searching => turn.step.timing.searching_max_event_out_dt,
            State::Passive(_) | State::ReadyToConnect(_) | State::Connecting | State::ReadyToPair(_) => {
                return;
            }
        };
        self.set_timer(TimerKind::Ping, after, turn);
    }
}
