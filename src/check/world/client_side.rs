//! What clients take and ask for.

use super::restart::CALENDAR_ZERO;
use super::{ClientEvent, Happening, Lost, World};
use crate::check::client::Machines;
use crate::protocol::action::{Outcome, Post, RequestNo, StreamNo};
use crate::protocol::ids::Credentials;
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::time::{Millis, Step};
use crate::protocol::wired::{Effect, Input};
use crate::protocol::{send_line, socket};

impl World {
    pub(super) fn client_gets(&mut self, client: usize, input: Input) {
        self.record_input(client, &input);
        if let Input::Receiver(receiver::Input::Ended { stream, .. }) = &input {
            self.client_mut(client).disconnected(*stream);
        }
        self.feed(client, input);
    }

    /// A client takes an input, and what it asks for is done.
    pub(super) fn feed(&mut self, client: usize, input: Input) {
        if let Machines::Nobody(_) = self.client(client).machines {
            return;
        }
        if self.stands_still() {
            return;
        }
        let now = self.client(client).clock.at(self.now);
        self.record_taken(client, now, &input);
        let random = self.client_random.unwrap_or_else(|| self.random.next());
        let step = Step { now, random, timing: &self.timing };
        let mut effects = self.spare_effects.pop().unwrap_or_default();
        if let Some(page) = self.clients.get_mut(client) {
            let calendar = Some(CALENDAR_ZERO + page.calendar_offset + now.0);
            self.watch.before(client, page, &input, &step);
            page.machines.handle(&mut self.scratch, input, &step, calendar, &mut effects);
            self.watch.after(client, page, &effects, &step, self.now);
        }
        for effect in &mut effects {
            self.perform(client, effect);
        }
        effects.clear();
        self.spare_effects.push(effects);
        if let Some(page) = self.clients.get(client) {
            let step = Step { now, random: 0, timing: &self.timing };
            self.watch.settled(client, page, &step, self.now);
        }
    }

    /// Does what an effect asks for. Effects are large, and most are small inside: they stay where they are.
    fn perform(&mut self, client: usize, effect: &mut Effect) {
        match effect {
            Effect::Open { stream, credentials, resume: _ } => {
                let stream = *stream;
                self.client_mut(client).connections.push((stream, credentials.clone()));
                self.record(client, || ClientEvent::Opens(stream, credentials.clone()));
                self.open(client, stream, credentials.clone());
            }
            Effect::Drop { stream } => {
                let stream = *stream;
                self.client_mut(client).disconnected(stream);
                self.record(client, || ClientEvent::Drops(stream));
                let delay = self.way(client);
                self.server_loses(client, stream, delay);
            }
            Effect::Send { .. } => {
                if let Effect::Send { number, post } = std::mem::replace(effect, Effect::RequestClientId) {
                    self.send(client, number, post);
                }
            }
            Effect::RequestClientId => self.ask_client_id(client),
            Effect::SetTimer { timer, after } => {
                let due = self.client(client).clock.at(self.now) + *after;
                self.set_timer(client, *timer, due);
            }
            Effect::CancelTimer(timer) => {
                if let Some(timer) = self.client_mut(client).timer_mut(*timer) {
                    timer.due = None;
                }
            }
            Effect::Notify(notice) => self.record(client, || ClientEvent::Notice(notice.clone())),
        }
    }

    pub(super) fn open(&mut self, client: usize, stream: StreamNo, credentials: Credentials) {
        let epoch = self.client(client).epoch;
        let connects = self.client(client).network.connects && !self.is_server_down();
        if !connects {
            let ended = receiver::Input::Ended { stream, how: StreamEnd::NoConnection };
            self.client_gets_later(client, Millis::ZERO, Input::Receiver(ended));
            return;
        }
        self.client_mut(client).stream = Some(stream);
        self.client_mut(client).last_frame = Millis::MIN;
        if self.request_arrives(client) {
            let way = self.way(client);
            let delay = self.client(client).network.opening_delay.unwrap_or(way);
            self.schedule(delay, Happening::ServerOpens { client, epoch, stream, credentials });
        } else {
            self.record(client, || ClientEvent::RequestLost(Lost::Stream));
        }
    }

    pub(super) fn send(&mut self, client: usize, number: RequestNo, post: Post) {
        self.record(client, || ClientEvent::Sends(number, post.clone()));
        let epoch = self.client(client).epoch;
        if !self.client(client).network.connects || self.is_server_down() {
            self.answer(client, epoch, Millis::ZERO, number, Outcome::NoConnection);
        } else if self.request_arrives(client) {
            let delay = self.way(client);
            self.schedule(delay, Happening::ServerGets { client, epoch, number, post });
        } else {
            self.record(client, || ClientEvent::RequestLost(Lost::Post(post)));
        }
    }

    /// Whether an answer comes back.
    pub(super) fn answer_arrives(&mut self, client: usize) -> bool {
        let network = &self.client(client).network;
        let (arrives, lost) = (network.answers_arrive, network.answers_lost);
        arrives && !(lost > 0 && self.random.chance(lost))
    }

    fn request_arrives(&mut self, client: usize) -> bool {
        let network = &self.client(client).network;
        let (arrives, lost) = (network.requests_arrive, network.requests_lost);
        arrives && !(lost > 0 && self.random.chance(lost))
    }

    fn ask_client_id(&mut self, client: usize) {
        self.record(client, || ClientEvent::AsksForId);
        let epoch = self.client(client).epoch;
        if !self.client(client).network.connects || self.is_server_down() {
            let nothing = socket::Input::ClientIdAnswer(None);
            self.client_gets_later(client, Millis::ZERO, Input::Socket(nothing));
        } else if self.request_arrives(client) {
            let delay = self.way(client);
            self.schedule(delay, Happening::ServerGivesClientId { client, epoch });
        } else {
            self.record(client, || ClientEvent::RequestLost(Lost::Id));
        }
    }

    pub(super) fn answer(
        &mut self,
        client: usize,
        epoch: u32,
        delay: Millis,
        number: RequestNo,
        outcome: Outcome,
    ) {
        let input = Input::SendLine(send_line::Input::Answer { number, outcome });
        self.schedule(delay, Happening::ClientGets { client, epoch, input });
    }

    pub(super) fn client_gets_later(&mut self, client: usize, delay: Millis, input: Input) {
        let epoch = self.client(client).epoch;
        self.schedule(delay, Happening::ClientGets { client, epoch, input });
    }
}
