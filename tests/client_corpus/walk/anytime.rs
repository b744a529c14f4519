//! What may come at any time, whether anybody waits for it or not.

use crsocket::protocol::action::{Outcome, StreamNo, Ticket};
use crsocket::protocol::ids::Assigned;
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::socket;
use crsocket::protocol::time::{Millis, TimerKind};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::Input;

use super::values::{REFUSALS, abort_reason, own_id, partner_id, token, unreadable_pid};
use super::{Walk, events};

impl Walk {
    pub(super) fn timer(&mut self) {
        if self.random.chance(60) {
            // Whether it is armed or not.
            let timer = TimerKind::ALL[self.random.below(TimerKind::ALL.len())];
            return self.give(&Input::Timer(timer));
        }
        let late = match self.random.below(20) {
            0..=8 => 0,
            9 => -1,
            10 | 11 => -1 - i64::try_from(self.random.below(3_000)).unwrap(),
            12 | 13 => 1 + i64::try_from(self.random.below(4_999)).unwrap(),
            14 => 5_000,
            15 => 5_001,
            _ => 5_001 + i64::try_from(self.random.below(100_000)).unwrap(),
        };
        self.next_timer(late);
    }

    /// The enclosing client sets something, perhaps to what it is.
    pub(super) fn client(&mut self) {
        let is = self.random.chance(500);
        if self.sends_much() && self.random.chance(700) {
            return self.tell(socket::Input::Online(is));
        }
        let input = match self.random.below(12) {
            0 | 1 => socket::Input::Visible(is),
            2 | 3 => socket::Input::Online(is),
            4 => socket::Input::Paused(is),
            5 => socket::Input::Unloading(is),
            6..=8 => socket::Input::ClientId(match self.random.below(8) {
                0 => Assigned::Nothing,
                1 => Assigned::Invalid,
                _ => Assigned::Valid(own_id(self.random.below(3))),
            }),
            _ => socket::Input::AccessToken(match self.random.below(8) {
                0 | 1 => Assigned::Nothing,
                2 => Assigned::Invalid,
                _ => Assigned::Valid(token(self.random.below(2))),
            }),
        };
        self.tell(input);
    }

    pub(super) fn partner(&mut self) {
        let partner = match self.random.below(10) {
            0 | 1 => Assigned::Nothing,
            2 => Assigned::Invalid,
            3 => self.recorder.machines.socket.sender().partner.clone(),
            4..=7 => Assigned::Valid(partner_id(self.random.below(2))),
            _ => Assigned::Valid(partner_id(self.random.below(12))),
        };
        self.tell(socket::Input::Partner(partner));
    }

    pub(super) fn send(&mut self) {
        let most = if self.random.chance(if self.sends_much() { 400 } else { 150 }) { 5 } else { 1 };
        for _ in 0..most {
            self.tickets += 1;
            let longest = self.recorder.timing.max_event_data_length;
            let event = events::to_send(&mut self.random, longest);
            self.tell(socket::Input::Send { ticket: Ticket(self.tickets), event });
        }
    }

    pub(super) fn frame(&mut self) {
        let stream = match self.random.below(12) {
            0 => self.last_stream.saturating_sub(1),
            1 => self.last_stream + 1,
            _ => self.last_stream,
        };
        let pid = match self.random.below(10) {
            0 => (self.pid + 1).to_string(),
            1 => unreadable_pid(&mut self.random).into(),
            _ => self.pid.max(1).to_string(),
        };
        let place = self.random.below(20);
        match place {
            0 => self.hello(),
            1 => self.receive(stream, Frame::HELLO, &pid),
            2 | 3 => self.receive(stream, Frame::ALIVE, &pid),
            4 => self.receive(stream, Frame::CLOSED, &pid),
            5 => self.receive(stream, Frame::SHUTDOWN, &pid),
            6 | 7 => {
                let reason = abort_reason(&mut self.random);
                let releaser = ["0", "77", "x"][self.random.below(3)];
                self.receive(stream, Frame::ABORTED, &format!("{pid},{reason},{releaser}"));
            }
            8 => self.receive(stream, Frame::ABORTED, &pid),
            _ => {
                let from = self.somebody();
                let data = events::to_receive(&mut self.random, &from);
                self.receive(stream, Frame::CR_EVENT, &data);
            }
        }
    }

    /// Who sent a crEvent.
    fn somebody(&mut self) -> String {
        let partner = self.recorder.machines.socket.partner();
        match self.random.below(20) {
            0..=11 => partner.unwrap_or(partner_id(0)).to_string(),
            12 | 13 => partner_id(self.random.below(2)).to_string(),
            14..=17 => partner_id(2 + self.random.below(10)).to_string(),
            18 => own_id(self.random.below(3)).to_string(),
            _ => ["", "20000", "2000011", "20000a", " 20001", "２０００００"][self.random.below(6)].into(),
        }
    }

    pub(super) fn ended(&mut self) {
        let is_old = self.random.chance(80);
        let stream = StreamNo(if is_old { self.last_stream.saturating_sub(1) } else { self.last_stream });
        if self.random.chance(150) {
            let after = [0, 50, 100, 1_000, 3_000, 15_000, 60_000, 70_000, 1 << 40][self.random.below(9)];
            return self.give(&Input::Receiver(receiver::Input::Retry { stream, after: Millis(after) }));
        }
        let how = match self.random.below(10) {
            0..=2 => StreamEnd::NoConnection,
            3..=5 => StreamEnd::Broken,
            6 => StreamEnd::NotEventStream,
            _ => StreamEnd::Status(
                [204, 301, 400, 404, 428, 429, 430, 499, 500, 503, 599, 600][self.random.below(12)],
            ),
        };
        if !is_old {
            self.stream = None;
        }
        self.give(&Input::Receiver(receiver::Input::Ended { stream, how }));
    }

    pub(super) fn answer(&mut self) {
        if self.asked_for_id && self.random.chance(400) {
            return self.id_answer(false);
        }
        if self.random.chance(60) {
            return self.id_answer(true);
        }
        let number = if self.awaited.is_empty() || self.random.chance(50) {
            (self.last_number + 1).saturating_sub(u32::try_from(self.random.below(4)).unwrap())
        } else {
            let place = self.random.below(self.awaited.len());
            self.awaited.remove(place)
        };
        let outcome = match self.random.below(10) {
            0 | 1 => Outcome::Understood,
            2 | 3 => Outcome::NoConnection,
            4 => Outcome::NoAnswer,
            _ => {
                let (status, detail) = REFUSALS[self.random.below(REFUSALS.len())];
                Outcome::Refused { status, detail: detail.into() }
            }
        };
        self.give_answer(number, outcome);
    }
}
