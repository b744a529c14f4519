//! Sequences of inputs to an EventSender (section 6).

use std::collections::BTreeMap;

use crsocket::protocol::action::{Fate, Message, Outcome, Post, RequestNo, SenderAction, Ticket};
use crsocket::protocol::event::EventKind;
use crsocket::protocol::ids::{ClientId, Credentials};
use crsocket::protocol::sender::{Input, MAX_QUEUED, Sender};
use crsocket::protocol::socket;
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};

use crate::bytes::Bytes;
use crate::people::{self, Timers};

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut shell = Shell {
        sender: Sender::new(),
        timing: people::timing(&mut bytes),
        now: Millis::ZERO,
        random: 0,
        timers: Timers::default(),
        online: false,
        events: Vec::new(),
        held: 0,
        unanswered: 0,
        under_way: BTreeMap::new(),
        last_left: BTreeMap::new(),
        last_request: RequestNo(0),
        spaced_until: Millis::MIN,
        flushes: false,
        settled: None,
        said_unassign: Vec::new(),
        known_as: Vec::new(),
    };
    while !bytes.is_empty() {
        shell.next(&mut bytes);
        shell.check();
    }
}

struct Shell {
    sender: Sender,
    timing: Timing,
    now: Millis,
    random: u64,
    timers: Timers,
    online: bool,
    /// What the enclosing client sent, by ticket.
    events: Vec<Event>,
    /// How many of them wait, and how many left and are not answered.
    held: usize,
    unanswered: usize,
    /// What left, and is not answered.
    under_way: BTreeMap<RequestNo, Left>,
    /// The last ordinary event that left for each recipient.
    last_left: BTreeMap<ClientId, u64>,
    last_request: RequestNo,
    /// Nothing ordinary leaves earlier, but for goodbyes and what was kept.
    spaced_until: Millis,
    /// The present input is a goodbye, which lets everything leave.
    flushes: bool,
    /// The event whose outcome is the present input.
    settled: Option<(u64, Outcome)>,
    /// With which credentials and to whom an `unassign` was due.
    said_unassign: Vec<(Credentials, ClientId)>,
    /// Credentials and partners that held together.
    known_as: Vec<(Credentials, ClientId)>,
}

/// An event of the enclosing client.
struct Event {
    fate: Option<Fate>,
    /// In whose name and to whom, if it was accepted.
    made_with: Option<(Credentials, ClientId)>,
    buffered: bool,
}

#[derive(Clone, Copy)]
enum Left {
    Ping,
    Event(u64),
    Unassign,
}

impl Shell {
    fn next(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() % 16 {
            0 => {
                self.online = !bytes.rarely(4);
                self.take(Input::Online(self.online));
            }
            1 => {
                let client_active = !bytes.rarely(4);
                let client_id = (!bytes.rarely(8)).then(|| people::client_id(bytes));
                let access_token = people::assigned(bytes, people::token);
                self.take(Input::Set { client_active, client_id, access_token });
            }
            2 => self.take(Input::Partner(people::assigned(bytes, people::client_id))),
            3 => self.take(Input::Rejected(people::rejection(bytes))),
            4 | 5 => self.send(bytes, 1),
            6 => {
                // Seldom as many as a queue holds.
                let count = if bytes.rarely(16) { MAX_QUEUED } else { 3 };
                self.send(bytes, count);
            }
            7 | 8 => self.take(Input::Ping),
            9 => self.take(Input::Inactive),
            10 => self.unassign(),
            11 => {
                let (to, rejection) = (people::client_id(bytes), people::rejection(bytes));
                self.take(Input::Reject { to, rejection, credentials: people::credentials(bytes) });
            }
            12 | 13 => self.answer(bytes),
            14 => self.take(Input::Timer(bytes.pick(&TimerKind::ALL))),
            _ => {
                self.now = self.timers.wait(self.now, bytes);
                self.random = bytes.number();
                while let Some(timer) = self.timers.take_due(self.now) {
                    self.take(Input::Timer(timer));
                }
            }
        }
    }

    fn send(&mut self, bytes: &mut Bytes<'_>, count: usize) {
        let event = people::sent(bytes, 0);
        let buffered = event.buffered;
        for _ in 0..count {
            let facts = self.sender.facts();
            let made_with = facts.credentials().zip(facts.partner.valid().copied());
            let ticket = Ticket(u64::try_from(self.events.len()).unwrap());
            self.events.push(Event { fate: None, made_with, buffered });
            let mut event = event.clone();
            event.params[0] = ticket.0.to_string().into();
            self.take(Input::Send { ticket, event });
            assert!(self.events.last().unwrap().fate.is_some(), "nothing was said of {ticket:?}");
        }
    }

    fn unassign(&mut self) {
        let facts = self.sender.facts();
        // While credentials are missing or changing, with those that held before.
        let partner = facts.partner.valid().copied();
        self.known_as.extend(facts.credentials().zip(partner));
        self.said_unassign.extend(self.known_as.iter().filter(|(_, held)| Some(*held) == partner).cloned());
        self.take(Input::Unassign);
    }

    /// The outcome of something that is under way, or of nothing.
    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let numbers: Vec<RequestNo> = self.under_way.keys().copied().chain([RequestNo(0)]).collect();
        let request = bytes.pick(&numbers);
        let outcome = people::outcome(bytes);
        if let Some(Left::Event(number)) = self.under_way.remove(&request) {
            self.settled = Some((number, outcome.clone()));
        }
        self.take(Input::Outcome { request, outcome });
        assert!(self.settled.is_none(), "nothing was said of {:?}", self.settled);
    }

    fn take(&mut self, input: Input) {
        let facts = self.sender.facts();
        let held = facts.credentials().zip(facts.partner.valid().copied());
        let is_new = held.as_ref().is_some_and(|held| !self.known_as.contains(held));
        self.known_as.extend(held.filter(|_| is_new));
        let mut actions = Vec::new();
        self.flushes = matches!(input, Input::Set { .. } | Input::Inactive | Input::Unassign);
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        self.sender.handle(input, &step, &mut actions);
        for action in actions {
            match action {
                SenderAction::Post(post) => self.post(&post),
                SenderAction::Socket(socket::Input::PingLeft { .. } | socket::Input::Woke) => {}
                SenderAction::Socket(other) => panic!("a sender does not say {other:?}"),
                SenderAction::Fate { ticket, fate } => self.fate(ticket.0, fate),
                SenderAction::SetTimer { timer, after } => self.timers.set(timer, after, self.now),
                SenderAction::CancelTimer(timer) => self.timers.cancel(timer),
            }
        }
    }

    fn post(&mut self, post: &Post) {
        assert!(self.online, "{post:?} while offline");
        let Message::CrEvent(event) = &post.message else { panic!("a sender sends crEvents only: {post:?}") };
        let left = match event.kind() {
            EventKind::Ping => {
                assert!(self.now >= self.spaced_until, "a ping leaves at {}, too early", self.now);
                Left::Ping
            }
            EventKind::Unassign => {
                let said = (post.credentials.clone(), post.recipient);
                assert!(self.said_unassign.contains(&said), "{post:?} was never due");
                Left::Unassign
            }
            EventKind::Inactive | EventKind::Reject => {
                assert_eq!(post.request, None);
                return;
            }
            EventKind::Ordinary => Left::Event(self.ordinary_left(post)),
        };
        let request = post.request.unwrap();
        assert!(request > self.last_request);
        self.last_request = request;
        if !matches!(left, Left::Unassign) {
            self.spaced_until = self.now + self.timing.min_cr_event_dt;
        }
        self.under_way.insert(request, left);
    }

    /// It keeps the clientId, accessToken and recipient it was made with, and leaves in order.
    fn ordinary_left(&mut self, post: &Post) -> u64 {
        let Message::CrEvent(event) = &post.message else { panic!("{post:?}") };
        let number = people::number_of(event).unwrap();
        let known = &self.events[usize::try_from(number).unwrap()];
        let may_leave = self.flushes || self.now >= self.spaced_until || known.fate != Some(Fate::Queued);
        assert!(may_leave, "{number} leaves at {}, before {}", self.now, self.spaced_until);
        assert_eq!(known.made_with, Some((post.credentials.clone(), post.recipient)));
        let last = self.last_left.insert(post.recipient, number);
        let again = known.fate == Some(Fate::Buffered);
        assert!(
            last.is_none_or(|last| last < number || (last == number && again)),
            "{number} behind {last:?}"
        );
        number
    }

    /// What may be said of an event after what was said before.
    fn fate(&mut self, number: u64, fate: Fate) {
        let event = &mut self.events[usize::try_from(number).unwrap()];
        let settled = self.settled.take_if(|(settled, _)| *settled == number).map(|(_, outcome)| outcome);
        let follows = match (&event.fate, &fate) {
            (None, Fate::Queued | Fate::Refused(_))
            | (Some(Fate::Queued | Fate::Buffered), Fate::Sent | Fate::Dropped(_)) => true,
            (Some(Fate::Queued | Fate::Buffered), Fate::Buffered) => event.buffered && !self.online,
            (Some(Fate::Sent), Fate::Buffered) => {
                event.buffered && settled.as_ref().is_some_and(Outcome::is_worth_another_try)
            }
            (Some(Fate::Sent), Fate::Understood) => settled == Some(Outcome::Understood),
            (Some(Fate::Sent), Fate::Unconfirmed) => settled == Some(Outcome::NoAnswer),
            (Some(Fate::Sent), Fate::Lost(outcome)) => settled.as_ref() == Some(outcome),
            _ => false,
        };
        assert!(follows, "event {number}: {fate:?} after {:?}, answered {settled:?}", event.fate);
        self.held -= usize::from(event.fate.as_ref().is_some_and(is_held));
        self.held += usize::from(is_held(&fate));
        self.unanswered -= usize::from(event.fate == Some(Fate::Sent));
        self.unanswered += usize::from(fate == Fate::Sent);
        event.fate = Some(fate);
    }

    fn check(&self) {
        let (queued, kept) = self.sender.queued();
        assert_eq!(self.held, queued + kept, "what is held is known to be");
        assert!(
            kept <= MAX_QUEUED + 1 && queued + kept <= 2 * MAX_QUEUED + 1,
            "{queued} queued, {kept} kept"
        );
        let under_way = self.under_way.values().filter(|left| matches!(left, Left::Event(_))).count();
        assert_eq!(self.unanswered, under_way, "what left is under way");

        // Nothing is stuck: what could leave now waits for a time.
        let awaits = self.under_way.values().any(|left| !matches!(left, Left::Unassign));
        if queued > 0 && kept == 0 && self.online && !awaits {
            assert!(self.timers.due(TimerKind::Pace).is_some_and(|due| due > self.now), "{queued} are stuck");
        }
    }
}

fn is_held(fate: &Fate) -> bool {
    matches!(fate, Fate::Queued | Fate::Buffered)
}
