//! What one client sent, and what of it arrived: losses, repetitions and order, exactly.

use std::collections::{BTreeMap, BTreeSet};

use super::time::Micros;
use crate::protocol::action::{Fate, Outcome, Ticket};

/// What one client sent. Its events are numbered from zero, in the order in which it sent them.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    next: u64,
    /// The highest number that arrived, at each client to which some did: seldom more than one.
    highest: Vec<(usize, u64)>,
    /// Those that have not arrived, and may still.
    open: BTreeMap<u64, Open>,
    /// Those that never were to arrive: they did not leave, or were refused.
    ended: BTreeSet<u64>,
    /// Those whose crSocket has not said the last word.
    tickets: BTreeMap<Ticket, u64>,
    /// What was not waited for any more, to keep the rest bounded.
    given_up: Missing,
}

/// How many events of a client are waited for, and how many are remembered that never were to arrive.
const MOST: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Open {
    has_left: bool,
    /// Something was done to its pair meanwhile.
    disturbed: bool,
}

/// What an arrival is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first of this event.
    First {
        /// One that was sent later arrived before.
        out_of_order: bool,
        /// Its crSocket has not said yet that it left.
        left_unsaid: bool,
    },
    /// It had arrived before.
    Again,
    /// Nobody sent it.
    Unexpected,
}

/// What a fate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It left.
    Left,
    /// It did not leave after all.
    NotSent {
        /// It had been counted as one that left.
        had_left: bool,
    },
    /// The server refused it.
    Refused,
    /// There was no answer.
    Unconfirmed,
    /// Nothing that is counted.
    Nothing,
}

/// Events that never arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// They left.
    pub lost: u64,
    /// Nothing had been done to their pair.
    pub lost_undisturbed: u64,
    /// They still wait in their crSocket.
    pub waiting: u64,
    /// Clients that are there and have never been connected.
    pub never_connected: u64,
}

impl Ledger {
    /// The number of the next event.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The next event was given to its crSocket.
    pub fn sent(&mut self, ticket: Ticket, disturbed: bool) {
        self.tickets.insert(ticket, self.next);
        self.open.insert(self.next, Open { has_left: false, disturbed });
        self.next += 1;
        if self.open.len() > MOST
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.given_up.count(oldest);
        }
    }

    fn end(&mut self, number: u64) {
        self.ended.insert(number);
        if self.ended.len() > MOST {
            self.ended.pop_first();
        }
    }

    /// Something is done to the pair: what is on its way now may be lost for it.
    pub fn disturb(&mut self) {
        self.open.values_mut().for_each(|open| open.disturbed = true);
    }

    /// The crSocket said what became of an event.
    pub fn fate(&mut self, ticket: Ticket, fate: &Fate) -> Change {
        let Some(number) = self.tickets.get(&ticket).copied() else { return Change::Nothing };
        if fate.is_final() {
            self.tickets.remove(&ticket);
        }
        match fate {
            Fate::Sent => match self.open.get_mut(&number) {
                Some(open) if !open.has_left => {
                    open.has_left = true;
                    Change::Left
                }
                _ => Change::Nothing,
            },
            Fate::Refused(_) | Fate::Dropped(_) | Fate::Lost(Outcome::NoConnection) => {
                match self.open.remove(&number) {
                    Some(open) => {
                        self.end(number);
                        Change::NotSent { had_left: open.has_left }
                    }
                    None => Change::Nothing,
                }
            }
            Fate::Lost(Outcome::Refused { .. }) => {
                if self.open.remove(&number).is_some() {
                    self.end(number);
                }
                Change::Refused
            }
            Fate::Unconfirmed | Fate::Lost(Outcome::NoAnswer | Outcome::Understood) => Change::Unconfirmed,
            Fate::Queued | Fate::Buffered | Fate::Understood => Change::Nothing,
        }
    }

    /// An event with this number arrived at this client.
    pub fn arrived(&mut self, number: u64, recipient: usize) -> Arrival {
        if number >= self.next {
            return Arrival::Unexpected;
        }
        let left_unsaid = match self.open.remove(&number) {
            Some(open) => !open.has_left,
            // Who refused it let it through all the same: its arrival is the first.
            None if self.ended.remove(&number) => false,
            None => return Arrival::Again,
        };
        let out_of_order = match self.highest.iter_mut().find(|(client, _)| *client == recipient) {
            Some((_, highest)) => {
                let is_late = number < *highest;
                *highest = number.max(*highest);
                is_late
            }
            None => {
                self.highest.push((recipient, number));
                false
            }
        };
        Arrival::First { out_of_order, left_unsaid }
    }

    /// How many have left or wait in their crSocket, and may still arrive.
    pub fn on_their_way(&self) -> usize {
        self.open.len()
    }

    /// What has not arrived, now that nothing more is waited for.
    pub fn missing(&self) -> Missing {
        let mut missing = self.given_up;
        self.open.values().for_each(|open| missing.count(*open));
        missing
    }
}

impl Missing {
    /// These, too.
    pub(super) fn add(&mut self, others: Missing) {
        self.lost += others.lost;
        self.lost_undisturbed += others.lost_undisturbed;
        self.waiting += others.waiting;
        self.never_connected += others.never_connected;
    }

    fn count(&mut self, open: Open) {
        match open {
            Open { has_left: false, .. } => self.waiting += 1,
            Open { has_left: true, disturbed } => {
                self.lost += 1;
                self.lost_undisturbed += u64::from(!disturbed);
            }
        }
    }
}

/// What an event carries: whose it is, its number and when it was due. Its params are these, as decimal numbers, and for a
/// response the number of its stimulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The sender's number in the run.
    pub sender: u32,
    /// The event's number, of this sender's.
    pub number: u64,
    /// When it was due.
    pub due: Micros,
    /// What it answers.
    pub answers: Option<u64>,
}

impl Stamp {
    /// As params.
    pub fn params(&self) -> Vec<String> {
        let mut params = vec![self.sender.to_string(), self.number.to_string(), self.due.0.to_string()];
        params.extend(self.answers.map(|answers| answers.to_string()));
        params
    }

    /// From params, if they are those of a stamp.
    pub fn parse(params: &[Box<str>]) -> Option<Stamp> {
        let (sender, number, due, answers) = match params {
            [sender, number, due] => (sender, number, due, None),
            [sender, number, due, answers] => (sender, number, due, Some(answers.parse().ok()?)),
            _ => return None,
        };
        let due = Micros(due.parse().ok()?);
        Some(Stamp { sender: sender.parse().ok()?, number: number.parse().ok()?, due, answers })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::action::WhyDropped;

    const FIRST: Arrival = Arrival::First { out_of_order: false, left_unsaid: false };

    fn ledger(events: u64) -> Ledger {
        let mut ledger = Ledger::default();
        for number in 0..events {
            ledger.sent(Ticket(number), false);
            assert_eq!(ledger.fate(Ticket(number), &Fate::Sent), Change::Left);
        }
        ledger
    }

    fn refused(status: u16) -> Fate {
        Fate::Lost(Outcome::Refused { status, detail: "".into() })
    }

    #[test]
    fn each_event_arrives_once_and_in_order_or_it_is_told() {
        let mut ledger = ledger(5);
        assert_eq!(ledger.arrived(0, 0), FIRST);
        assert_eq!(ledger.arrived(2, 0), FIRST);
        assert_eq!(ledger.arrived(1, 0), Arrival::First { out_of_order: true, left_unsaid: false });
        assert_eq!(ledger.arrived(1, 0), Arrival::Again);
        assert_eq!(ledger.arrived(4, 0), FIRST);
        assert_eq!(ledger.arrived(5, 0), Arrival::Unexpected);
        assert_eq!(ledger.on_their_way(), 1);
        assert_eq!(
            ledger.missing(),
            Missing { lost: 1, lost_undisturbed: 1, waiting: 0, never_connected: 0 }
        );
    }

    #[test]
    fn what_did_not_leave_or_was_refused_is_not_lost() {
        let mut ledger = ledger(3);
        ledger.sent(Ticket(3), false);
        assert_eq!(
            ledger.fate(Ticket(3), &Fate::Dropped(WhyDropped::Offline)),
            Change::NotSent { had_left: false }
        );
        ledger.sent(Ticket(4), false);
        assert_eq!(ledger.fate(Ticket(4), &Fate::Queued), Change::Nothing);
        assert_eq!(ledger.fate(Ticket(0), &refused(429)), Change::Refused);
        let away = Fate::Lost(Outcome::NoConnection);
        assert_eq!(ledger.fate(Ticket(1), &away), Change::NotSent { had_left: true });
        assert_eq!(ledger.fate(Ticket(1), &away), Change::Nothing, "it was the last word");
        assert_eq!(ledger.fate(Ticket(2), &Fate::Unconfirmed), Change::Unconfirmed);
        assert_eq!(
            ledger.missing(),
            Missing { lost: 1, lost_undisturbed: 1, waiting: 1, never_connected: 0 }
        );
        assert_eq!(ledger.arrived(2, 0), FIRST, "nobody confirmed it, but it arrived");
        assert_eq!(
            ledger.arrived(0, 0),
            Arrival::First { out_of_order: true, left_unsaid: false },
            "refused, and delivered"
        );
        assert_eq!(ledger.arrived(0, 0), Arrival::Again);
    }

    #[test]
    fn what_was_on_its_way_when_something_was_done_to_its_pair_is_told_apart() {
        let mut ledger = ledger(2);
        ledger.disturb();
        ledger.sent(Ticket(2), false);
        ledger.fate(Ticket(2), &Fate::Sent);
        assert_eq!(
            ledger.missing(),
            Missing { lost: 3, lost_undisturbed: 1, waiting: 0, never_connected: 0 }
        );
    }

    #[test]
    fn an_arrival_may_be_known_before_the_departure() {
        let mut ledger = Ledger::default();
        ledger.sent(Ticket(0), false);
        assert_eq!(ledger.arrived(0, 0), Arrival::First { out_of_order: false, left_unsaid: true });
        assert_eq!(ledger.fate(Ticket(0), &Fate::Sent), Change::Nothing);
    }

    #[test]
    fn order_is_that_of_one_recipient() {
        let mut ledger = ledger(3);
        assert_eq!(ledger.arrived(1, 7), FIRST);
        assert_eq!(ledger.arrived(0, 9), FIRST, "the partner of before gets it, not the one of now");
        assert_eq!(ledger.arrived(2, 7), FIRST);
    }

    #[test]
    fn who_loses_everything_is_remembered_within_bounds() {
        let mut ledger = ledger(3 * MOST as u64);
        assert_eq!(ledger.open.len(), MOST);
        assert_eq!(ledger.missing().lost, 3 * MOST as u64);
        for number in 0..2 * MOST as u64 {
            ledger.sent(Ticket(number), false);
            ledger.fate(Ticket(number), &Fate::Dropped(WhyDropped::Offline));
        }
        assert!(ledger.ended.len() <= MOST && ledger.tickets.len() <= 3 * MOST, "{}", ledger.ended.len());
    }

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        for answers in [None, Some(3)] {
            let stamp = Stamp { sender: 12, number: 345, due: Micros(6_789), answers };
            let params: Vec<Box<str>> = stamp.params().into_iter().map(Into::into).collect();
            assert_eq!(Stamp::parse(&params), Some(stamp));
        }
        for wrong in [&["1", "2"][..], &["1", "2", "x"], &["-1", "2", "3"], &["1", "2", "3", "4", "5"]] {
            let params: Vec<Box<str>> = wrong.iter().map(|param| (*param).into()).collect();
            assert_eq!(Stamp::parse(&params), None, "{wrong:?}");
        }
    }

    proptest! {
        /// Whatever is done to a row of events on their way, the counts are what was done.
        #[test]
        fn counts_are_what_was_done(arrivals in prop::collection::vec(0..20_u64, 0..60)) {
            let mut ledger = ledger(20);
            let (mut seen, mut again, mut late, mut highest) = (BTreeSet::new(), 0, 0, None);
            let (mut again_told, mut late_told) = (0, 0);
            for number in arrivals {
                if seen.insert(number) {
                    late += u64::from(highest.is_some_and(|highest| number < highest));
                    highest = highest.max(Some(number));
                } else {
                    again += 1;
                }
                match ledger.arrived(number, 0) {
                    Arrival::First { out_of_order, .. } => late_told += u64::from(out_of_order),
                    Arrival::Again => again_told += 1,
                    Arrival::Unexpected => prop_assert!(false, "{} was sent", number),
                }
            }
            prop_assert_eq!((again_told, late_told), (again, late));
            prop_assert_eq!(ledger.missing().lost, 20 - seen.len() as u64);
        }
    }
}
