//! The crEvents of enclosing clients on their way: sent, left, accepted, written, heard, and in which order.

use std::collections::BTreeMap;

use crsocket::protocol::action::{Fate, Message, Notice, Post};
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::ClientId;
use crsocket::protocol::wired::{Effect, WiredSocket};

/// What an enclosing client sent, and its crSocket has let leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outbox {
    /// How many it sent; each bears the number of those before it.
    pub sent: u8,
    /// The least number that may still leave for a recipient: what left, or was followed by a goodbye, has a lower one.
    next: BTreeMap<ClientId, u8>,
    /// The last one that left, while nothing has left behind it: it may be put back.
    last: Option<(ClientId, u8)>,
}

/// The crEvents that the server accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mail {
    /// Those of one sender to one recipient stand in the order of acceptance.
    letters: Vec<Letter>,
}

/// A crEvent that the server accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Letter {
    from: ClientId,
    to: ClientId,
    number: u8,
    stage: Stage,
}

/// How far a crEvent came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stage {
    Accepted,
    Written,
    Heard,
}

/// A crEvent that an enclosing client sends, with its number.
pub fn event_with(number: u8, buffered: bool) -> CrEvent {
    let event = CrEvent::new("says", "").unwrap().with_params([number.to_string()]).unwrap();
    if buffered { event.buffered() } else { event }
}

/// The number of a crEvent, if it is one of an enclosing client.
pub fn number_of(event: &CrEvent) -> Option<u8> {
    let number = || Some(event.params.first()?.parse().unwrap());
    (event.kind() == EventKind::Ordinary).then(number)?
}

/// The number of what a sendevent carries, likewise.
pub fn number_sent(post: &Post) -> Option<u8> {
    sent_event(post).and_then(number_of)
}

fn sent_event(post: &Post) -> Option<&CrEvent> {
    match &post.message {
        Message::CrEvent(event) => Some(event),
        Message::Alive(_) | Message::Close(_) => None,
    }
}

impl Outbox {
    /// A crSocket took an input. Whether its sendevents keep their order: none overtakes another in the line; of its
    /// enclosing client's crEvents to one recipient each is handed over once, or again where the server did not take
    /// it, in the order in which they were sent; and none that was sent before a goodbye follows it.
    pub fn took_step(&mut self, before: &WiredSocket, after: &WiredSocket, effects: &[Effect]) -> bool {
        let left = effects.iter().filter_map(|effect| match effect {
            Effect::Send { post, .. } => Some(post),
            _ => None,
        });
        let mut handed_over = left.chain(after.line.posts());
        let keeps_line = before.line.posts().all(|waited| handed_over.next() == Some(waited));
        for effect in effects {
            if let Effect::Notify(Notice::Fate { ticket, fate: Fate::Buffered }) = effect {
                self.put_back(u8::try_from(ticket.0).unwrap());
            }
        }
        // Not `all`: what stands behind a wrong one is noted, too.
        let wrong = handed_over.filter(|post| !self.handed_over(post)).count();
        keeps_line && wrong == 0
    }

    fn put_back(&mut self, number: u8) {
        if let Some((recipient, _)) = self.last.take_if(|(_, last)| *last == number) {
            self.next.insert(recipient, number);
        }
    }

    fn handed_over(&mut self, post: &Post) -> bool {
        let Some(event) = sent_event(post) else { return true };
        let recipient = post.recipient;
        match (event.kind(), number_of(event)) {
            (EventKind::Inactive | EventKind::Unassign, _) => {
                self.last = None;
                if self.sent > 0 {
                    self.next.insert(recipient, self.sent);
                }
                true
            }
            (_, Some(number)) => {
                let next = self.next.insert(recipient, number + 1).unwrap_or(0);
                self.last = Some((recipient, number));
                number >= next
            }
            (_, None) => true,
        }
    }
}

impl Mail {
    /// The server accepts this sendevent. Whether it is the first time.
    pub fn accepted(&mut self, post: &Post) -> bool {
        let Some(number) = number_sent(post) else { return true };
        let (from, to) = (post.credentials.client_id, post.recipient);
        let is_new = self.place(from, to, number).is_none();
        self.letters.push(Letter { from, to, number, stage: Stage::Accepted });
        // A stable sort: the order among those of one pair stays.
        self.letters.sort_by_key(|letter| (letter.from, letter.to));
        is_new
    }

    /// The server writes this crEvent to the stream of its recipient. Whether it may: once, and nothing that was
    /// accepted after it came before it.
    pub fn written(&mut self, event: &CrEvent, to: ClientId) -> bool {
        self.comes(event, to, Stage::Written)
    }

    /// The enclosing client of the recipient gets this crEvent. Whether it may, likewise.
    pub fn heard(&mut self, event: &CrEvent, to: ClientId) -> bool {
        self.comes(event, to, Stage::Heard)
    }

    fn comes(&mut self, event: &CrEvent, to: ClientId, stage: Stage) -> bool {
        let (Some(number), Some(from)) = (number_of(event), event.sender) else { return true };
        let Some(place) = self.place(from, to, number) else { return false };
        let is_first =
            self.letters[place].stage < stage && !self.behind(place).any(|later| later.stage >= stage);
        let skips = stage == Stage::Heard && self.letters[place].stage != Stage::Written;
        self.letters[place].stage = stage;
        is_first && !skips
    }

    fn place(&self, from: ClientId, to: ClientId, number: u8) -> Option<usize> {
        self.letters.iter().position(|one| (one.from, one.to, one.number) == (from, to, number))
    }

    /// Those of the same sender to the same recipient that were accepted later.
    fn behind(&self, place: usize) -> impl Iterator<Item = &Letter> {
        let Letter { from, to, .. } = self.letters[place];
        self.letters.iter().skip(place + 1).filter(move |later| (later.from, later.to) == (from, to))
    }

    /// To whom somebody's crEvents were accepted.
    pub fn recipients_of(&self, from: &[ClientId]) -> impl Iterator<Item = ClientId> {
        self.letters.iter().filter(|letter| from.contains(&letter.from)).map(|letter| letter.to)
    }

    /// Nothing is left of what these clientIds sent.
    pub fn forget(&mut self, from: &[ClientId]) {
        self.letters.retain(|letter| !from.contains(&letter.from));
    }
}
