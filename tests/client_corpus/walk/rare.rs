//! Beginnings of walks that seldom come about by themselves.

use crsocket::protocol::action::{Outcome, Ticket};
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::Assigned;
use crsocket::protocol::socket;
use crsocket::protocol::time::{Millis, TimerKind, Timing};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::Input;

use super::values::{BUSY, own_id, partner_id, token};
use super::{Walk, events};

impl Walk {
    /// Many strangers knock, to whom a `reject` goes each, while no answer comes: the line of sendevents fills.
    pub(super) fn crowd(&mut self) {
        let max_queued = 1 + self.random.below(2);
        self.recorder.timing = Timing { min_cr_event_dt: Millis::ZERO, max_queued, ..Timing::default() };
        self.connect();
        for _ in 0..62 + self.random.below(12) {
            let stranger = partner_id(2 + self.random.below(10)).to_string();
            self.receive(self.last_stream, Frame::CR_EVENT, &events::ping(&stranger));
        }
        self.send();
        self.partner();
        self.client();
    }

    /// What was kept while offline leaves, more is sent, and the device is offline again: as much as may be is kept, of
    /// which some was kept before, and some may come back.
    pub(super) fn keep(&mut self) {
        self.habits = BUSY;
        let max_queued = 2 + self.random.below(3);
        self.recorder.timing = Timing { max_queued, ..Timing::default() };
        self.connect();
        self.receive(self.last_stream, Frame::CR_EVENT, &events::ping(&partner_id(0).to_string()));
        self.answer_all();
        self.tell(socket::Input::Online(false));
        self.send_buffered(max_queued);
        self.answer_all();
        self.tell(socket::Input::Online(true));
        self.hello();
        // Behind the ping leaves what was kept.
        self.answer_all();
        let more = self.random.below(3);
        self.send_buffered(more);
        if self.random.chance(300) {
            // Then nothing is said in parting: each takes its turn, not all at once.
            self.tell(socket::Input::Partner(Assigned::Invalid));
        }
        self.tell(socket::Input::Online(false));
        if self.random.chance(500) {
            self.send_buffered(1);
        }
    }

    /// More strangers knock than are remembered, and then the first ones again.
    pub(super) fn knock(&mut self) {
        self.connect();
        let first = self.random.below(3);
        for number in (2..11 + first).chain(2..4) {
            self.receive(self.last_stream, Frame::CR_EVENT, &events::ping(&partner_id(number).to_string()));
            self.now += i64::try_from(self.random.below(90)).unwrap();
        }
        self.answer_all();
    }

    /// The server takes nothing for a while, and then it does: waits grow, and begin anew.
    pub(super) fn try_again(&mut self) {
        self.connect();
        self.receive(self.last_stream, Frame::CR_EVENT, &events::ping(&partner_id(0).to_string()));
        self.answer_all();
        self.send_buffered(3);
        for _ in 0..10 + self.random.below(15) {
            if let Some(number) = self.awaited.pop() {
                let outcome = match self.random.below(4) {
                    0 => Outcome::Understood,
                    1 => Outcome::NoConnection,
                    _ => Outcome::Refused { status: 503, detail: "stopping".into() },
                };
                self.give_answer(number, outcome);
            } else if let Some(due) = self.recorder.timers.get(&TimerKind::Pace) {
                self.now = self.now.max(*due);
                self.give(&Input::Timer(TimerKind::Pace));
            } else {
                self.send_buffered(2);
            }
        }
    }

    /// A goodbye follows an event of which nobody knows yet what became; it turns out that the server did not take it.
    pub(super) fn part(&mut self) {
        self.connect();
        self.receive(self.last_stream, Frame::CR_EVENT, &events::ping(&partner_id(0).to_string()));
        self.answer_all();
        self.now += 1_000;
        let more = self.random.below(2);
        self.send_buffered(1 + more);
        let goodbye = match self.random.below(4) {
            0 => socket::Input::Visible(false),
            1 => socket::Input::Unloading(true),
            2 => socket::Input::Partner(Assigned::Nothing),
            _ => socket::Input::AccessToken(Assigned::Nothing),
        };
        self.tell(goodbye);
        while !self.awaited.is_empty() {
            let number = self.awaited.remove(0);
            let status = if self.random.chance(500) { 503 } else { 429 };
            self.give_answer(number, Outcome::Refused { status, detail: "".into() });
        }
    }

    /// Without an accessToken or clientId, partners come and go: who knew this client is told by the former ones.
    pub(super) fn change(&mut self) {
        self.connect();
        self.receive(self.last_stream, Frame::CR_EVENT, &events::ping(&partner_id(0).to_string()));
        self.answer_all();
        let change = match self.random.below(3) {
            0 => socket::Input::ClientId(Assigned::Invalid),
            1 => socket::Input::AccessToken(Assigned::Invalid),
            _ => socket::Input::AccessToken(Assigned::Nothing),
        };
        self.tell(change);
        for _ in 0..2 + self.random.below(3) {
            self.partner();
        }
    }

    /// With a clientId, an accessToken and a partner; the stream is open.
    fn connect(&mut self) {
        self.tell(socket::Input::ClientId(Assigned::Valid(own_id(0))));
        self.tell(socket::Input::AccessToken(Assigned::Valid(token(0))));
        self.tell(socket::Input::Partner(Assigned::Valid(partner_id(0))));
        self.tell(socket::Input::Visible(true));
        self.tell(socket::Input::Online(true));
        self.hello();
    }

    fn send_buffered(&mut self, count: usize) {
        for _ in 0..count {
            self.tickets += 1;
            let event = CrEvent::new("answer", "").unwrap().buffered();
            self.tell(socket::Input::Send { ticket: Ticket(self.tickets), event });
        }
    }

    /// What was asked for so far is answered, and what was said to oneself comes back.
    fn answer_all(&mut self) {
        for number in std::mem::take(&mut self.awaited) {
            self.give_answer(number, Outcome::Understood);
        }
        for (name, data) in std::mem::take(&mut self.replies) {
            self.receive(self.last_stream, name, &data);
        }
    }
}
