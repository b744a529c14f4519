//! Who has a stream, and what becomes of a crEvent.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crsocket::protocol::event::EventKind;
use crsocket::protocol::ids::{ClientId, Credentials, Pid};
use crsocket::protocol::wire::{AbortReason, EventData, Frame, MsgEvent, SendEvent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::rules::{Damage, Rule};
use super::{Did, Order};

/// How long a ping waits for its recipient's stream.
const RECIPIENT_WAIT: Duration = Duration::from_secs(4);

/// What is written to a stream, in order.
pub struct Line {
    /// Not before this moment.
    pub due: Option<Instant>,
    pub frame: Frame,
    /// Whether the stream ends behind it.
    pub is_last: bool,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Now(u16),
    After(Duration, u16),
    Never,
}

/// What became of the request for a stream.
pub enum Opened {
    Stream { pid: Pid, lines: UnboundedReceiver<Line> },
    ShutOut,
}

pub struct Relay {
    sessions: HashMap<ClientId, Session>,
    /// What waits for the next one of the same sender: it was not delivered yet, or is to be delivered again.
    held: HashMap<ClientId, Held>,
    /// Pings for those who have no stream yet, by sender: otherwise pairs would find each other only by the next ones.
    early: HashMap<ClientId, (Instant, ClientId, EventData)>,
    rules: Vec<Rule>,
    shut_out: HashSet<String>,
    next_pid: u64,
    next_client_id: u32,
    did: Arc<Mutex<Did>>,
    orders: UnboundedSender<Order>,
}

struct Session {
    pid: Pid,
    lines: UnboundedSender<Line>,
    /// Nothing is delivered before this moment.
    late_until: Option<Instant>,
}

struct Held {
    recipient: ClientId,
    event: EventData,
    is_repetition: bool,
}

impl Relay {
    pub fn new(
        rules: Vec<Rule>,
        shut_out: Vec<String>,
        did: Arc<Mutex<Did>>,
        orders: UnboundedSender<Order>,
    ) -> Relay {
        Relay {
            sessions: HashMap::new(),
            held: HashMap::new(),
            early: HashMap::new(),
            rules,
            shut_out: shut_out.into_iter().collect(),
            next_pid: 1 << 50,
            next_client_id: 700_001,
            did,
            orders,
        }
    }

    pub fn client_id(&mut self) -> ClientId {
        let id = ClientId::from_number(self.next_client_id).unwrap();
        self.next_client_id += 1;
        self.count(|did| did.client_ids += 1);
        id
    }

    /// A new stream of this clientId; a former one ends.
    pub fn open(&mut self, credentials: &Credentials) -> Opened {
        let id = credentials.client_id;
        if self.shut_out.contains(&id.to_string()) {
            self.count(|did| did.shut_out += 1);
            return Opened::ShutOut;
        }
        self.next_pid += 1;
        let pid = Pid::from_number(self.next_pid).unwrap();
        let (lines, written) = unbounded_channel();
        let session = Session { pid, lines, late_until: None };
        session.say(Frame::Hello { pid }, false);
        self.early.retain(|_, (since, recipient, ping)| {
            let is_mine = *recipient == id;
            if is_mine && since.elapsed() < RECIPIENT_WAIT {
                session.say(ping.to_frame(), false);
            }
            !is_mine
        });
        if let Some(former) = self.sessions.insert(id, session) {
            let reason = AbortReason::ReleasedByOther;
            former.say(Frame::Aborted { pid: former.pid, reason, releaser: Some(pid) }, true);
        }
        self.count(|did| did.streams += 1);
        Opened::Stream { pid, lines: written }
    }

    /// A stream is over.
    pub fn ended(&mut self, id: ClientId, pid: Pid) {
        if self.sessions.get(&id).is_some_and(|session| session.pid == pid) {
            self.sessions.remove(&id);
        }
    }

    /// All streams are over.
    pub fn forget(&mut self) {
        self.sessions.clear();
        self.held.clear();
        self.early.clear();
    }

    /// What a client sends.
    pub fn send(&mut self, sent: &SendEvent) -> Answer {
        let own = self.sessions.get(&sent.client_id);
        match &sent.event {
            MsgEvent::Alive(pid) => {
                if let Some(session) = own.filter(|session| Some(session.pid) == *pid) {
                    session.say(Frame::Alive { pid: session.pid }, false);
                }
            }
            MsgEvent::Close(pid) => {
                if let Some(session) = own.filter(|session| Some(session.pid) == *pid) {
                    session.say(Frame::Closed { pid: session.pid }, true);
                    self.sessions.remove(&sent.client_id);
                }
            }
            MsgEvent::CrEvent(event) if event.kind() == EventKind::Ordinary => {
                return self.ordinary(sent.recipient, event);
            }
            MsgEvent::CrEvent(event) => {
                if !self.forward(sent.recipient, event) && event.kind() == EventKind::Ping {
                    let waits = (Instant::now(), sent.recipient, event.clone());
                    self.early.insert(sent.client_id, waits);
                }
            }
            MsgEvent::Other => {}
        }
        Answer::Now(204)
    }

    /// What waits for another one since so long is delivered without it.
    pub fn let_go(&mut self, event: &EventData) {
        let sender = event.sender();
        if self.held.get(&sender).is_some_and(|held| held.event == *event)
            && let Some(held) = self.held.remove(&sender)
        {
            self.count(|did| did.held_in_vain += 1);
            if !held.is_repetition {
                self.deliver(held.recipient, &held.event);
            }
        }
    }

    /// Whether this one waits for another one.
    pub fn holds(&self, event: &EventData) -> bool {
        self.held.get(&event.sender()).is_some_and(|held| held.event == *event)
    }

    fn ordinary(&mut self, recipient: ClientId, event: &EventData) -> Answer {
        let number = self.count(|did| {
            did.came += 1;
            did.came
        });
        let behind = self.held.remove(&event.sender());
        let before = self.did.lock().unwrap().delivered;
        let damage = self.rules.iter().find(|rule| rule.meets(number)).map(|rule| rule.damage);
        let answer = match damage {
            None => self.deliver_and(recipient, event, Answer::Now(204)),
            Some(damage) => self.damage(damage, recipient, event),
        };
        if let Some(behind) = behind {
            let is_delivered = self.did.lock().unwrap().delivered > before;
            self.catch_up(&behind, is_delivered);
        }
        answer
    }

    fn damage(&mut self, damage: Damage, recipient: ClientId, event: &EventData) -> Answer {
        match damage {
            Damage::Drop => {
                self.count(|did| did.dropped += 1);
                Answer::Now(204)
            }
            Damage::Duplicate => {
                if self.deliver(recipient, event) {
                    self.forward(recipient, event);
                    self.count(|did| did.duplicated += 1);
                }
                Answer::Now(204)
            }
            Damage::DuplicateLater => {
                if self.deliver(recipient, event) {
                    self.hold(recipient, event, true);
                }
                Answer::Now(204)
            }
            Damage::Swap => {
                self.hold(recipient, event, false);
                Answer::Now(204)
            }
            Damage::Delay(length) => {
                if let Some(session) = self.sessions.get_mut(&recipient) {
                    session.late_until = Some(Instant::now() + length);
                    self.count(|did| did.delayed += 1);
                }
                self.deliver_and(recipient, event, Answer::Now(204))
            }
            Damage::Garble => {
                self.garble(recipient, event);
                Answer::Now(204)
            }
            Damage::Refuse(status) => {
                self.count(|did| *did.refused.entry(status).or_default() += 1);
                Answer::Now(status)
            }
            Damage::AnswerLate(length) => {
                self.count(|did| did.answered_late += 1);
                self.deliver_and(recipient, event, Answer::After(length, 204))
            }
            Damage::NeverAnswer => {
                self.count(|did| did.unanswered += 1);
                self.deliver_and(recipient, event, Answer::Never)
            }
            Damage::Swallow => {
                self.count(|did| {
                    did.unanswered += 1;
                    did.dropped += 1;
                });
                Answer::Never
            }
            Damage::StandStill(length) => {
                // The one thread there is: nobody is served meanwhile.
                thread::sleep(length);
                self.deliver_and(recipient, event, Answer::Now(204))
            }
            Damage::GoAway(length) => {
                self.orders.send(Order::GoAway(length)).unwrap();
                self.deliver_and(recipient, event, Answer::Now(204))
            }
        }
    }

    fn deliver_and(&mut self, recipient: ClientId, event: &EventData, answer: Answer) -> Answer {
        self.deliver(recipient, event);
        answer
    }

    fn hold(&mut self, recipient: ClientId, event: &EventData, is_repetition: bool) {
        self.held.insert(event.sender(), Held { recipient, event: event.clone(), is_repetition });
    }

    /// The one after it has come. Where that was not delivered, nothing has overtaken it.
    fn catch_up(&mut self, held: &Held, is_overtaken: bool) {
        if held.is_repetition {
            if self.forward(held.recipient, &held.event) {
                self.count(|did| did.duplicated += 1);
            }
        } else if self.deliver(held.recipient, &held.event) {
            self.count(|did| if is_overtaken { did.swapped += 1 } else { did.held_in_vain += 1 });
        }
    }

    fn garble(&mut self, recipient: ClientId, event: &EventData) {
        let fields: Vec<&str> = event.text().split(',').take(8).chain(["4000000000", "0", "0"]).collect();
        let garbled = EventData::accept(&fields.join(","), event.sender()).unwrap();
        if self.forward(recipient, &garbled) {
            self.count(|did| did.garbled += 1);
        }
    }

    /// Writes an ordinary crEvent to its stream; whether there is one.
    fn deliver(&mut self, recipient: ClientId, event: &EventData) -> bool {
        let is_there = self.forward(recipient, event);
        self.count(|did| if is_there { did.delivered += 1 } else { did.without_recipient += 1 });
        is_there
    }

    fn forward(&mut self, recipient: ClientId, event: &EventData) -> bool {
        let session = self.sessions.get(&recipient);
        session.is_some_and(|session| session.say(event.to_frame(), false))
    }

    fn count<T>(&self, change: impl FnOnce(&mut Did) -> T) -> T {
        change(&mut self.did.lock().unwrap())
    }
}

impl Session {
    /// Whether anybody is there.
    fn say(&self, frame: Frame, is_last: bool) -> bool {
        self.lines.send(Line { due: self.late_until, frame, is_last }).is_ok()
    }
}
