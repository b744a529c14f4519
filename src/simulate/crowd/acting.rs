//! Clients that do something: personas, and what becomes of what they send.

use super::agenda::Due;
use super::{Crowd, partner_of};
use crate::protocol::action::{Fate, Outcome, Refusal, Ticket, WhyDropped};
use crate::protocol::event::CrEvent;
use crate::simulate::ledger::{Arrival, Change, Ledger, Stamp};
use crate::simulate::persona::{Action, Behaviour, Input, Kind, Persona};
use crate::simulate::random::Random;
use crate::simulate::time::Micros;

/// A client that does something.
#[derive(Debug)]
pub(super) struct Acting {
    persona: Persona,
    random: Random,
    pub(super) ledger: Ledger,
    /// When its persona is due.
    due: Option<Micros>,
    /// How many trials it has finished.
    done: u64,
}

impl Acting {
    /// None where it would do nothing.
    pub(super) fn new(behaviour: Behaviour, random: &Random) -> Option<Box<Acting>> {
        let persona = Persona::new(behaviour)?;
        let acting =
            Acting { persona, random: random.clone(), ledger: Ledger::default(), due: None, done: 0 };
        Some(Box::new(acting))
    }
}

impl Crowd {
    pub(super) fn set_interacting(&mut self, at: usize, is_interacting: bool, now: Micros) {
        self.tell_persona(at, Input::Interacting(is_interacting), now);
    }

    pub(super) fn persona_due(&mut self, at: usize, due: Micros, now: Micros) {
        let Some(acting) = self.acting(at).filter(|acting| acting.due == Some(due)) else { return };
        acting.due = None;
        if self.rests {
            return;
        }
        if self.is_measured(due) {
            self.tally.durations.lag.record(now.since(due));
        }
        self.tell_persona(at, Input::Due, now);
    }

    fn tell_persona(&mut self, at: usize, input: Input, now: Micros) {
        let mut actions = std::mem::take(&mut self.actions);
        if let Some(acting) = self.acting(at) {
            acting.persona.handle(input, now, acting.done, &mut acting.random, &mut actions);
        }
        for action in actions.drain(..) {
            self.act(at, action, now);
        }
        self.actions = actions;
    }

    fn act(&mut self, at: usize, action: Action, now: Micros) {
        match action {
            Action::Send(kind, due) => self.send(at, kind, due, now),
            Action::Withhold(_) => {
                self.tally.counts.intended += 1;
                self.tally.counts.not_sent += 1;
                self.tally.counts.error("not sent:", "not interacting");
            }
            Action::Wait(until) => {
                if let Some(acting) = self.acting(at) {
                    acting.due = Some(until);
                    self.agenda.add(until, Due::Persona(at));
                }
            }
            Action::Rest => {
                if let Some(acting) = self.acting(at) {
                    acting.due = None;
                }
            }
            Action::TrialDone(begun) => {
                if let Some(acting) = self.acting(at) {
                    acting.done += 1;
                }
                if self.is_measured(begun) {
                    self.tally.durations.trials.record(now.since(begun));
                }
            }
            Action::TrialFailed => self.tally.counts.error("trial without a response", ""),
        }
    }

    fn send(&mut self, at: usize, kind: Kind, due: Micros, now: Micros) {
        // What single clients send goes to somebody else, who does not say what arrived.
        let is_counted = self.is_paired(at);
        self.tally.counts.intended += u64::from(is_counted);
        let disturbed = self.is_disturbed(at / 2);
        let sender = u32::try_from(at).unwrap_or(u32::MAX).wrapping_mul(self.world.crowds) + self.number;
        let Some(Some(client)) = self.clients.get_mut(at) else { return };
        let (Some(socket), Some(acting)) = (&client.socket, &mut client.acting) else { return };
        let number = acting.ledger.next();
        let answers = match kind {
            Kind::Response(answers) => Some(answers),
            Kind::Stimulus | Kind::Chatter | Kind::Other => None,
        };
        let stamp = Stamp { sender, number, due, answers };
        // Decimal numbers are params.
        let event = CrEvent::new(kind.event_type(), "").and_then(|event| event.with_params(stamp.params()));
        if let Ok(event) = event {
            let ticket = socket.send(event);
            if is_counted {
                acting.ledger.sent(ticket, disturbed);
            }
        }
        if kind == Kind::Stimulus {
            self.tell_number(at, number, now);
        }
    }

    /// What a persona sent has this number. Nothing follows from it.
    fn tell_number(&mut self, at: usize, number: u64, now: Micros) {
        if let Some(Acting { persona, random, done, .. }) = self.acting(at) {
            persona.handle(Input::Numbered(number), now, *done, random, &mut Vec::new());
        }
    }

    pub(super) fn fate(&mut self, at: usize, ticket: Ticket, fate: &Fate) {
        let Some(acting) = self.acting(at) else { return };
        let change = acting.ledger.fate(ticket, fate);
        let counts = &mut self.tally.counts;
        match change {
            Change::Left => counts.sent += 1,
            Change::NotSent { had_left } => {
                counts.sent -= i64::from(had_left);
                counts.not_sent += 1;
                counts.error("not sent:", &why_not_sent(fate));
            }
            Change::Refused => {
                counts.refused += 1;
                if let Fate::Lost(Outcome::Refused { status, .. }) = fate {
                    counts.error("refused:", &status.to_string());
                }
            }
            Change::Unconfirmed => {
                counts.unconfirmed += 1;
                counts.error("no answer to a sendevent", "");
            }
            Change::Nothing => {}
        }
    }

    /// A crEvent of the partner.
    pub(super) fn heard(&mut self, at: usize, event: &CrEvent, now: Micros) {
        let stamp = Stamp::parse(&event.params);
        let kind = match (&*event.event_type, stamp) {
            ("stimulus", Some(_)) => Kind::Stimulus,
            ("response", Some(Stamp { answers: Some(answers), .. })) => Kind::Response(answers),
            ("chatter", Some(_)) => Kind::Chatter,
            // Whoever is no persona is answered, too.
            _ => Kind::Other,
        };
        let Some(stamp) = stamp.filter(|_| kind != Kind::Other) else {
            return self.tell_persona(at, Input::Heard(Kind::Other, 0), now);
        };
        if !self.is_paired(at) {
            return self.tell_persona(at, Input::Heard(kind, stamp.number), now);
        }
        match self.arrived(at, stamp) {
            Arrival::First { out_of_order, left_unsaid } => {
                let counts = &mut self.tally.counts;
                counts.received += 1;
                counts.sent += i64::from(left_unsaid);
                counts.out_of_order += u64::from(out_of_order);
                let latency = now.since(stamp.due);
                self.tally.durations.latency.record(latency);
                if self.is_measured(stamp.due) {
                    self.tally.durations.measured_latency.record(latency);
                }
            }
            Arrival::Again => self.tally.counts.duplicated += 1,
            Arrival::Unexpected => self.tally.counts.unexpected += 1,
        }
        self.tell_persona(at, Input::Heard(kind, stamp.number), now);
    }

    /// Whose event it is: usually the partner's, but testers change their participants.
    fn arrived(&mut self, at: usize, stamp: Stamp) -> Arrival {
        let crowds = self.world.crowds.max(1);
        let sender = usize::try_from(stamp.sender / crowds).unwrap_or(usize::MAX);
        let is_from_here = stamp.sender % crowds == self.number && sender % 2 == partner_of(at) % 2;
        match self.acting(sender).filter(|_| is_from_here) {
            Some(acting) => acting.ledger.arrived(stamp.number, at),
            None => Arrival::Unexpected,
        }
    }

    pub(super) fn is_measured(&self, due: Micros) -> bool {
        self.measured.is_some_and(|(from, to)| from <= due && to.is_none_or(|to| due < to))
    }

    fn acting(&mut self, at: usize) -> Option<&mut Acting> {
        self.clients.get_mut(at)?.as_mut()?.acting.as_deref_mut()
    }
}

/// Why an event did not leave, in few words.
fn why_not_sent(fate: &Fate) -> String {
    match fate {
        Fate::Refused(Refusal::NotReady(why)) => why.as_str().to_owned(),
        Fate::Refused(Refusal::PartnerRejected(why)) => format!("rejected ({})", why.as_str()),
        Fate::Refused(Refusal::QueueFull { .. }) => "the queue is full".to_owned(),
        Fate::Refused(Refusal::Invalid(_) | Refusal::Reserved | Refusal::TooLong { .. }) => {
            "invalid".to_owned()
        }
        Fate::Dropped(WhyDropped::Offline) => "offline".to_owned(),
        Fate::Dropped(WhyDropped::BufferFull) => "the buffer is full".to_owned(),
        Fate::Dropped(WhyDropped::Unassigned) => "another partner".to_owned(),
        Fate::Dropped(WhyDropped::Reset) => "reset".to_owned(),
        Fate::Dropped(WhyDropped::Removed) => "the page was closed".to_owned(),
        Fate::Lost(_) => "no connection".to_owned(),
        Fate::Queued | Fate::Buffered | Fate::Sent | Fate::Understood | Fate::Unconfirmed => {
            "unknown".to_owned()
        }
    }
}
