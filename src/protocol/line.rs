//! The waiting line of one recipient: crEvents that wait for its session, or for helloSettleDt to be over (section 4).

use std::collections::VecDeque;

use super::event::EventKind;
use super::ids::{AppId, ClientId, Pid, Role, User};
use super::limits::{Limits, Share, fits};
use super::time::{Millis, Timing};
use super::wire::EventData;

/// Who sent a crEvent, as it was when the crEvent was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    /// Its clientId.
    pub client_id: ClientId,
    /// Its app.
    pub app: AppId,
    /// Its role.
    pub role: Role,
    /// On whose behalf.
    pub user: User,
    /// Its session then, to which answers of the server go.
    pub pid: Option<Pid>,
}

/// A crEvent that waits; rules 3 to 5 of Arrival come when it leaves the line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// Who sent it.
    pub sender: Sender,
    /// What.
    pub event: EventData,
    /// What its type means to the protocol.
    pub kind: EventKind,
    /// When it was accepted.
    pub accepted: Millis,
}

/// A crEvent of the server itself to one session that settles: a `reject`, or an interceptor's reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The session it is for; when that ends, it is lost.
    pub to: Pid,
    /// What.
    pub event: EventData,
}

/// What waits for one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line {
    /// In the order of acceptance.
    events: VecDeque<Waiting>,
    /// They wait for nothing but the end of helloSettleDt, so they stand beside the others.
    replies: VecDeque<Reply>,
}

impl Line {
    /// How many bytes an event data string of this length counts in a line: about what it takes in memory.
    pub fn weight(text_len: usize) -> usize {
        text_len.saturating_add(size_of::<Waiting>())
    }

    /// Whether one more crEvent of this kind and holder fits.
    pub fn has_room(&self, holder: ClientId, kind: EventKind, owner: ClientId, limits: &Limits) -> bool {
        let replaced = usize::from(self.replaced_by(holder, kind).is_some());
        let used = self.len() - replaced;
        fits(used, 1, limits.line_events, || self.held_by(holder, owner) - replaced)
    }

    /// Puts a crEvent behind the others. Of the `unassign`s of one sender only the newest waits; the older one is
    /// returned.
    pub fn push(&mut self, waiting: Waiting) -> Option<Waiting> {
        let replaced = self.replaced_by(waiting.sender.client_id, waiting.kind);
        let replaced = replaced.and_then(|index| self.events.remove(index));
        self.events.push_back(waiting);
        replaced
    }

    /// Keeps a reply until its session has settled.
    pub fn push_reply(&mut self, reply: Reply) {
        self.replies.push_back(reply);
    }

    /// The crEvent that leaves next.
    pub fn first(&self) -> Option<&Waiting> {
        self.events.front()
    }

    /// Takes the crEvent that leaves next.
    pub fn pop(&mut self) -> Option<Waiting> {
        self.events.pop_front()
    }

    /// Takes the oldest reply.
    pub fn pop_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// Takes one crEvent that has waited for long enough without a session.
    pub fn pop_expired(&mut self, now: Millis, timing: &Timing) -> Option<Waiting> {
        let index = self.events.iter().position(|waiting| waiting.expires(timing) <= now)?;
        self.events.remove(index)
    }

    /// When the first of the crEvents expires, if no session comes before.
    pub fn next_expiry(&self, timing: &Timing) -> Option<Millis> {
        self.events.iter().map(|waiting| waiting.expires(timing)).min()
    }

    /// The sessions to which something that waits would be answered.
    pub(super) fn known_pids(&self) -> impl Iterator<Item = Pid> {
        let replies = self.replies.iter().map(|reply| reply.to);
        self.events.iter().filter_map(|waiting| waiting.sender.pid).chain(replies)
    }

    /// Seen from now: nothing is older than its longest wait.
    pub(super) fn age(&mut self, now: Millis, timing: &Timing) {
        for waiting in &mut self.events {
            let longest = waiting.expires(timing) - waiting.accepted;
            waiting.accepted = waiting.accepted.seen_from(now, longest);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.replies.is_empty()
    }

    /// How many crEvents wait.
    pub fn len(&self) -> usize {
        self.events.len() + self.replies.len()
    }

    /// What everybody holds of the line of this owner.
    pub fn shares(&self, owner: ClientId) -> impl Iterator<Item = Share> {
        let events = self.events.iter().map(Waiting::share);
        events.chain(self.replies.iter().map(move |reply| reply.share(owner)))
    }

    fn held_by(&self, holder: ClientId, owner: ClientId) -> usize {
        self.shares(owner).filter(|share| share.holder == holder).count()
    }

    fn replaced_by(&self, sender: ClientId, kind: EventKind) -> Option<usize> {
        if kind != EventKind::Unassign {
            return None;
        }
        let is_older = |waiting: &Waiting| waiting.kind == kind && waiting.sender.client_id == sender;
        self.events.iter().position(is_older)
    }
}

impl Waiting {
    /// What its sender holds by it.
    pub fn share(&self) -> Share {
        Share { holder: self.sender.client_id, bytes: Line::weight(self.event.len()) }
    }

    /// When it expires, if there is no session then. A `reject` does not wait without one: a late one would part a
    /// pair.
    fn expires(&self, timing: &Timing) -> Millis {
        match self.kind {
            EventKind::Unassign => self.accepted + timing.unassign_wait_dt,
            EventKind::Reject => self.accepted,
            EventKind::Ping | EventKind::Inactive | EventKind::Ordinary => {
                self.accepted + timing.recipient_wait_dt
            }
        }
    }
}

impl Reply {
    /// What the owner of the line holds by it: it answers what the owner sent.
    pub fn share(&self, owner: ClientId) -> Share {
        Share { holder: owner, bytes: Line::weight(self.event.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Rejection;
    use crate::protocol::ids::AccessToken;

    fn id(number: u32) -> ClientId {
        ClientId::from_number(number).unwrap()
    }

    fn waiting(sender: u32, event_type: &str, accepted: i64) -> Waiting {
        let text = format!("{event_type},,false,false,true,NaN,NaN,");
        let event = EventData::accept(&text, id(sender)).unwrap();
        let kind = event.kind();
        let sender = Sender {
            client_id: id(sender),
            app: AppId::parse("app").unwrap(),
            role: Role::Controller,
            user: User::Token(AccessToken::parse("t").unwrap()),
            pid: None,
        };
        Waiting { sender, event, kind, accepted: Millis(accepted) }
    }

    fn types(line: &mut Line) -> Vec<String> {
        std::iter::from_fn(|| line.pop()).map(|waiting| waiting.event.event_type().to_owned()).collect()
    }

    #[test]
    fn section_4_line_expiry_goes_by_kind_and_acceptance() {
        let timing = Timing::default();
        for (event_type, expires) in
            [("x", 4_010), ("ping", 4_010), ("inactive", 4_010), ("unassign", 600_010), ("reject", 10)]
        {
            let mut line = Line::default();
            line.push(waiting(1, event_type, 10));
            assert_eq!(line.next_expiry(&timing), Some(Millis(expires)), "{event_type}");
            assert_eq!(line.pop_expired(Millis(expires - 1), &timing), None, "{event_type}");
            assert!(line.pop_expired(Millis(expires), &timing).is_some(), "{event_type}");
            assert!(line.is_empty());
        }
    }

    #[test]
    fn section_4_line_the_newest_unassign_of_each_sender_waits() {
        let mut line = Line::default();
        assert!(line.push(waiting(1, "unassign", 1)).is_none());
        assert!(line.push(waiting(2, "unassign", 2)).is_none());
        assert!(line.push(waiting(1, "x", 3)).is_none());
        let replaced = line.push(waiting(1, "unassign", 4)).unwrap();
        assert_eq!(replaced.accepted, Millis(1));
        assert_eq!(line.len(), 3);
        assert_eq!(types(&mut line), ["unassign", "x", "unassign"]);
    }

    #[test]
    fn section_4_bounds_a_line_is_bounded_and_fair() {
        let limits = Limits { line_events: 10, ..Limits::default() };
        let mut line = Line::default();
        let fill = |line: &mut Line, sender: u32| {
            let before = line.len();
            while line.has_room(id(sender), EventKind::Ordinary, id(9), &limits) {
                line.push(waiting(sender, "x", 0));
            }
            line.len() - before
        };
        assert_eq!((fill(&mut line, 1), fill(&mut line, 2), fill(&mut line, 3)), (5, 2, 1));
        line.push(waiting(2, "unassign", 0));
        assert!(!line.has_room(id(2), EventKind::Ordinary, id(9), &limits));
        let mut line = Line::default();
        for sender in [1, 2, 3, 4] {
            line.push(waiting(sender, "unassign", 0));
            line.push(waiting(sender, "x", 0));
        }
        assert!(!line.has_room(id(1), EventKind::Ordinary, id(9), &limits));
        assert!(
            line.has_room(id(1), EventKind::Unassign, id(9), &limits),
            "it takes the place of the older one"
        );
    }

    #[test]
    fn section_4_line_replies_count_for_its_owner() {
        let limits = Limits { line_events: 4, ..Limits::default() };
        let mut line = Line::default();
        let event = EventData::reject(&Rejection::Blocked, id(1));
        for _ in 0..2 {
            assert!(line.has_room(id(9), EventKind::Ordinary, id(9), &limits));
            line.push_reply(Reply { to: Pid::from_number(1).unwrap(), event: event.clone() });
        }
        assert!(!line.has_room(id(9), EventKind::Ordinary, id(9), &limits));
        assert!(line.has_room(id(1), EventKind::Ordinary, id(9), &limits));
        assert!(line.shares(id(9)).all(|share| share.holder == id(9)));
    }
}
