//! Sequences of inputs to a whole crSocket: its machines, wired, between an enclosing client and a server.

use std::collections::BTreeMap;

use crsocket::protocol::action::{Fate, Message, Notice, Post, RequestNo, StreamNo};
use crsocket::protocol::event::EventKind;
use crsocket::protocol::ids::{ClientId, Credentials};
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::send_line::{self, MAX_WAITING};
use crsocket::protocol::sender::MAX_QUEUED;
use crsocket::protocol::socket::State;
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::{Effect, Input, WiredSocket};

use crate::bytes::Bytes;
use crate::people::{self, Timers};
use crate::socket::{Heard, follows_from_facts, none_but_the_streams_credentials_count, set_by_client};

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let machines = WiredSocket::new(people::role(&mut bytes));
    let mut shell = Shell {
        told: machines.socket.state().clone(),
        machines,
        timing: people::timing(&mut bytes),
        now: Millis::ZERO,
        random: 0,
        timers: Timers::default(),
        stream: None,
        sent: None,
        last_number: RequestNo(0),
        tickets: 0,
        fates: BTreeMap::new(),
        held: Vec::new(),
        left: BTreeMap::new(),
        heard: Heard::default(),
        partner_before: None,
    };
    while !bytes.is_empty() {
        shell.next(&mut bytes);
        shell.check();
    }
}

struct Shell {
    machines: WiredSocket,
    timing: Timing,
    now: Millis,
    random: u64,
    timers: Timers,
    /// The stream that was opened last, and whether its connection stands.
    stream: Option<(StreamNo, bool)>,
    /// The sendevent whose answer is awaited.
    sent: Option<RequestNo>,
    last_number: RequestNo,
    tickets: u64,
    fates: BTreeMap<u64, Fate>,
    /// Credentials and partners that held together.
    held: Vec<(Credentials, ClientId)>,
    /// The last ordinary event that left for each recipient.
    left: BTreeMap<ClientId, u64>,
    heard: Heard,
    told: State,
    partner_before: Option<ClientId>,
}

impl Shell {
    fn next(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() % 16 {
            0..=4 => self.client_says(bytes),
            5..=8 => self.stream_says(bytes),
            9 => self.stream_ends(bytes),
            10 | 11 => self.answer(bytes),
            12 => self.take(Input::Timer(bytes.pick(&TimerKind::ALL))),
            _ => {
                self.now = self.timers.wait(self.now, bytes);
                self.random = bytes.number();
                while let Some(timer) = self.timers.take_due(self.now) {
                    if timer == TimerKind::Answer {
                        self.sent = None;
                    }
                    self.take(Input::Timer(timer));
                }
            }
        }
    }

    fn client_says(&mut self, bytes: &mut Bytes<'_>) {
        use crsocket::protocol::socket::Input as Said;
        let said = set_by_client(bytes);
        let Said::Send { ticket, event } = said else {
            self.take(Input::Socket(said));
            return;
        };
        // Seldom as many as a queue holds.
        let count = if ticket.0 >> 56 == 255 { MAX_QUEUED } else { 1 };
        for _ in 0..count {
            self.tickets += 1;
            let mut event = event.clone();
            event.params[0] = self.tickets.to_string().into();
            let ticket = crsocket::protocol::action::Ticket(self.tickets);
            self.take(Input::Socket(Said::Send { ticket, event }));
        }
    }

    fn stream_says(&mut self, bytes: &mut Bytes<'_>) {
        let present = self.stream.map_or(StreamNo(0), |(stream, _)| stream);
        let stream = if bytes.rarely(16) { StreamNo(present.0.wrapping_sub(1)) } else { present };
        let after = bytes.wait();
        if bytes.rarely(16) {
            return self.take(Input::Receiver(receiver::Input::Retry { stream, after }));
        }
        let mut frame = people::frame(bytes);
        if let Frame::CrEvent(text) = &frame {
            let mut event = crsocket::protocol::event::CrEvent::from_event_data(text);
            if let Some(partner) = self.machines.socket.partner().filter(|_| bytes.flag()) {
                event.sender = Some(partner);
            }
            self.heard.note(event.sender, &event, false, self.now);
            frame = Frame::CrEvent(event.to_event_data(event.sender.unwrap()).into());
        }
        self.take(Input::Receiver(receiver::Input::Frame { stream, frame }));
    }

    fn stream_ends(&mut self, bytes: &mut Bytes<'_>) {
        let ends =
            [StreamEnd::Broken, StreamEnd::NoConnection, StreamEnd::Status(404), StreamEnd::NotEventStream];
        let how = bytes.pick(&ends);
        if let Some((stream, stands)) = &mut self.stream {
            *stands = false;
            let stream = *stream;
            self.take(Input::Receiver(receiver::Input::Ended { stream, how }));
        }
    }

    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let outcome = people::outcome(bytes);
        let number = if bytes.rarely(16) { self.last_number } else { self.sent.unwrap_or(self.last_number) };
        if self.sent == Some(number) {
            self.sent = None;
        }
        self.take(Input::SendLine(send_line::Input::Answer { number, outcome }));
    }

    fn take(&mut self, input: Input) {
        let mut effects = Vec::new();
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        self.partner_before = self.machines.socket.partner();
        self.machines.handle(input, &step, Some(1_800_000_000_000 + self.now.0), &mut effects);
        let facts = self.machines.sender.facts();
        let held = facts.credentials().zip(facts.partner.valid().copied());
        self.held.extend(held.filter(|held| self.held.last() != Some(held)));
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Open { stream, .. } => {
                assert!(!self.stream.is_some_and(|(_, stands)| stands), "never two streams at a time");
                self.stream = Some((stream, true));
            }
            Effect::Drop { stream } => {
                if let Some((_, stands)) = self.stream.as_mut().filter(|(present, _)| *present == stream) {
                    *stands = false;
                }
            }
            Effect::Send { number, post } => self.send(number, &post),
            Effect::RequestClientId => {}
            Effect::SetTimer { timer, after } => self.timers.set(timer, after, self.now),
            Effect::CancelTimer(timer) => self.timers.cancel(timer),
            Effect::Notify(notice) => self.notice(notice),
        }
    }

    /// One request at a time, in order, a goodbye with what held together.
    fn send(&mut self, number: RequestNo, post: &Post) {
        let unloading = self.machines.socket.client().unloading;
        assert!(self.sent.is_none() || unloading, "{number:?} leaves before {:?} is answered", self.sent);
        assert!(number > self.last_number);
        (self.sent, self.last_number) = (Some(number), number);
        let Message::CrEvent(event) = &post.message else {
            assert_eq!(post.recipient, post.credentials.client_id);
            return;
        };
        match event.kind() {
            EventKind::Inactive | EventKind::Unassign | EventKind::Ping => {
                let together = (post.credentials.clone(), post.recipient);
                assert!(self.held.contains(&together), "{} to {}", event.event_type, post.recipient);
            }
            EventKind::Reject => {}
            EventKind::Ordinary => {
                let ticket = people::number_of(event).unwrap();
                let last = self.left.insert(post.recipient, ticket);
                assert!(last.is_none_or(|last| last <= ticket), "{ticket} leaves behind {last:?}");
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::State { from, to } => {
                assert!(from == self.told && from != to && may_follow(&from, &to), "{from:?} to {to:?}");
                self.told = to;
            }
            Notice::CrEvent(event) => {
                let partner = self.machines.socket.partner();
                assert!(
                    event.sender.is_some()
                        && (event.sender == partner || event.sender == self.partner_before)
                );
                assert!(event.receive_ct.is_some());
            }
            Notice::Fate { ticket, fate } => {
                let before = self.fates.insert(ticket.0, fate);
                assert!(!before.as_ref().is_some_and(Fate::is_final), "{ticket:?} had come to its end");
            }
            Notice::ClientId(_) | Notice::Partner(_) => {}
        }
    }

    fn check(&self) {
        let WiredSocket { socket, receiver, sender, line } = &self.machines;
        assert_eq!(*socket.state(), self.told);
        assert_eq!(socket.sender(), sender.facts(), "parent and child differ");
        assert_eq!(socket.receiver().state, receiver.state(), "parent and child differ");
        follows_from_facts(
            socket.state(),
            socket.client(),
            sender.facts().client_id,
            &receiver.state(),
            sender.facts(),
        );
        none_but_the_streams_credentials_count(socket);
        self.heard.check(socket, self.now, &self.timing);
        let (queued, kept) = sender.queued();
        assert!(
            kept <= MAX_QUEUED + 1 && queued + kept <= 2 * MAX_QUEUED + 1 && line.waiting() <= MAX_WAITING
        );
        assert_eq!(self.fates.len() as u64, self.tickets, "something is said of each event");
        assert!(
            line.waiting() == 0 || (self.sent.is_some() && !socket.client().unloading),
            "the line is stuck"
        );
        // The timer may also belong to a request that another one overtook while unloading.
        assert!(self.sent.is_none() || self.timers.due(TimerKind::Answer).is_some());

        let state = receiver.state();
        let stands = self.stream.is_some_and(|(_, stands)| stands);
        for (timer, of_use) in [
            (TimerKind::Hello, state == receiver::State::Opening && stands),
            (TimerKind::Alive, state == receiver::State::Open && stands),
            (TimerKind::Close, matches!(state, receiver::State::Closing(_)) && stands),
            (TimerKind::Ping, socket.state().is_paired()),
            (TimerKind::Partner, *socket.state() == State::Interacting),
        ] {
            assert_eq!(
                self.timers.due(timer).is_some(),
                of_use,
                "{timer:?} while {state:?}, {:?}",
                socket.state()
            );
        }
    }
}

/// The drawing of section 7: within the unconnected and within the connected states, and from those to these, there is
/// every arrow; only connecting leads the other way.
fn may_follow(from: &State, to: &State) -> bool {
    from.is_connected() || !to.is_connected() || *from == State::Connecting
}
