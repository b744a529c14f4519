//! What happens to pairs: incidents begin, last, and are recovered from.

use std::time::Duration;

use super::agenda::Due;
use super::{Crowd, partner_of};
use crate::actors::messages::SetFact;
use crate::protocol::ids::{Assigned, ClientId};
use crate::simulate::incident::{Incident, IncidentPlan, Planned};
use crate::simulate::time::Micros;

/// What happens to one pair.
#[derive(Debug)]
pub(super) struct Trouble {
    plan: IncidentPlan,
    /// What is to happen next.
    next: Option<Planned>,
    /// When something is due for it.
    due: Option<Micros>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is wrong.
    Calm,
    /// Something goes on.
    Lasting(Planned),
    /// The tester of another pair has its responder.
    Lent,
    /// It is over since then, and they look for each other.
    Recovering {
        /// What it was; none for a pair whose responder was lent.
        what: Option<Incident>,
        since: Micros,
        /// They have been seen apart after that: what the crSockets were told takes its time to reach them.
        parted: bool,
    },
}

/// After so long a pair that was not seen apart was not parted.
const PART_DT: Duration = Duration::from_secs(1);

/// After so long the next thing happens to a pair that does not find together.
const RECOVER_DT: Duration = Duration::from_secs(30);

impl Trouble {
    pub(super) fn new(mut plan: IncidentPlan) -> Trouble {
        let next = plan.next();
        Trouble { plan, next, due: None, stage: Stage::Calm }
    }
}

impl Crowd {
    /// Whether something is done to this pair, or was and is not over for it.
    pub(super) fn is_disturbed(&self, pair: usize) -> bool {
        let trouble = self.pairs.get(pair).and_then(|pair| pair.trouble.as_ref());
        trouble.is_some_and(|trouble| trouble.stage != Stage::Calm)
    }

    /// Waits for what is to happen next.
    pub(super) fn expect_incident(&mut self, pair: usize) {
        let Some(trouble) = self.trouble(pair) else { return };
        let Some(at) = trouble.next.map(|planned| planned.at) else { return };
        trouble.due = Some(at);
        self.agenda.add(at, Due::Incident(pair));
    }

    pub(super) fn incident_due(&mut self, pair: usize, due: Micros, now: Micros) {
        if self.rests {
            return;
        }
        let Some(trouble) = self.trouble(pair).filter(|trouble| trouble.due == Some(due)) else { return };
        trouble.due = None;
        match trouble.stage {
            Stage::Calm => self.begin_next(pair, now),
            Stage::Recovering { what, since, parted: false } => self.calm(pair, what, since, since),
            // They do not find together: it counts as not recovered from.
            Stage::Recovering { parted: true, .. } => {
                trouble.stage = Stage::Calm;
                self.expect_incident(pair);
            }
            Stage::Lasting(planned) => self.end(pair, planned, now),
            // It waits until its responder is back.
            Stage::Lent => {}
        }
    }

    fn begin_next(&mut self, pair: usize, now: Micros) {
        let Some(trouble) = self.trouble(pair) else { return };
        let Some(planned) = trouble.next else { return };
        trouble.next = trouble.plan.next();
        if !self.begin(pair, planned, now) {
            return self.expect_incident(pair);
        }
        let ends = now.plus(planned.lasts);
        if let Some(trouble) = self.trouble(pair) {
            trouble.due = Some(ends);
        }
        self.agenda.add(ends, Due::Incident(pair));
    }

    /// Whether it began.
    fn begin(&mut self, pair: usize, planned: Planned, now: Micros) -> bool {
        let at = pair * 2 + usize::from(!planned.to_controller);
        if planned.what == Incident::PartnerChange && !self.swap(pair) {
            return false;
        }
        let Some(Some(client)) = self.clients.get(at) else { return false };
        let Some(socket) = client.socket.clone() else { return false };
        match planned.what {
            Incident::Pause => socket.set(SetFact::Paused(true)),
            Incident::Hidden => socket.set(SetFact::Visible(false)),
            Incident::Offline => socket.set(SetFact::Online(false)),
            Incident::Reload => socket.remove(),
            Incident::SilentDeath => socket.vanish(),
            Incident::WrongPartner => {
                let Some(typed) = self.id_of(at + 1).and_then(|id| self.mistyped(id, now)) else {
                    return false;
                };
                socket.set(SetFact::Partner(Assigned::Valid(typed)));
            }
            Incident::PartnerChange => {}
            Incident::TokenChange => socket.set(SetFact::AccessToken(Assigned::Nothing)),
        }
        self.disturb(pair, Stage::Lasting(planned));
        if let Some(count) = self.tally.counts.incidents.get_mut(planned.what as usize) {
            *count += 1;
        }
        true
    }

    fn disturb(&mut self, pair: usize, stage: Stage) {
        if let Some(trouble) = self.trouble(pair) {
            trouble.stage = stage;
        }
        for at in [pair * 2, pair * 2 + 1] {
            if let Some(Some(client)) = self.clients.get_mut(at)
                && let Some(acting) = &mut client.acting
            {
                acting.ledger.disturb();
            }
        }
    }

    fn end(&mut self, pair: usize, planned: Planned, now: Micros) {
        let at = pair * 2 + usize::from(!planned.to_controller);
        let Some(Some(client)) = self.clients.get_mut(at) else { return };
        client.token += usize::from(planned.what == Incident::TokenChange);
        let token = self.world.tokens.get(client.token % self.world.tokens.len().max(1)).cloned();
        let fact = match planned.what {
            Incident::Pause => Some(SetFact::Paused(false)),
            Incident::Hidden => Some(SetFact::Visible(true)),
            Incident::Offline => Some(SetFact::Online(true)),
            Incident::TokenChange => token.map(|token| SetFact::AccessToken(Assigned::Valid(token))),
            Incident::WrongPartner | Incident::PartnerChange => {
                self.id_of(partner_of(at)).map(|id| SetFact::Partner(Assigned::Valid(id)))
            }
            Incident::Reload | Incident::SilentDeath => None,
        };
        if let (Some(fact), Some(Some(client))) = (fact, self.clients.get(at))
            && let Some(socket) = &client.socket
        {
            socket.set(fact);
        }
        if planned.what == Incident::PartnerChange {
            self.swap_back(pair, now);
        }
        if matches!(planned.what, Incident::Reload | Incident::SilentDeath) {
            // A page that takes its time to close comes back when it is gone.
            self.come_back(at, now);
        }
        self.recovering(pair, Some(planned.what), now);
    }

    fn recovering(&mut self, pair: usize, what: Option<Incident>, now: Micros) {
        let parted = !self.are_interacting(pair);
        let look = now.plus(if parted { RECOVER_DT } else { PART_DT });
        if let Some(trouble) = self.trouble(pair) {
            trouble.stage = Stage::Recovering { what, since: now, parted };
            trouble.due = Some(look);
            self.agenda.add(look, Due::Incident(pair));
        }
    }

    /// A pair is interacting, or it is not.
    pub(super) fn found_or_parted(&mut self, pair: usize, are_interacting: bool, now: Micros) {
        let Some(trouble) = self.trouble(pair) else { return };
        let Stage::Recovering { what, since, parted } = trouble.stage else { return };
        if are_interacting && parted {
            self.calm(pair, what, since, now);
        } else if !are_interacting && !parted {
            let look = since.plus(RECOVER_DT);
            trouble.stage = Stage::Recovering { what, since, parted: true };
            trouble.due = Some(look);
            self.agenda.add(look, Due::Incident(pair));
        }
    }

    /// A pair has found together again.
    fn calm(&mut self, pair: usize, what: Option<Incident>, since: Micros, now: Micros) {
        if let Some(trouble) = self.trouble(pair) {
            trouble.stage = Stage::Calm;
        }
        if let Some(lengths) = what.and_then(|what| self.tally.durations.recovery.get_mut(what as usize)) {
            lengths.record(now.since(since));
        }
        self.expect_incident(pair);
    }

    /// A page is gone: the next one is opened when it is time.
    pub(super) fn page_is_gone(&mut self, at: usize, now: Micros) {
        let lasts = self.trouble(at / 2).is_some_and(|trouble| match trouble.stage {
            Stage::Lasting(Planned { what, to_controller, .. }) => {
                let is_its_own = to_controller == at.is_multiple_of(2);
                is_its_own && matches!(what, Incident::Reload | Incident::SilentDeath)
            }
            Stage::Calm | Stage::Lent | Stage::Recovering { .. } => false,
        });
        if !lasts && !self.rests {
            self.agenda.add(now, Due::Return(at));
        }
    }

    pub(super) fn come_back(&mut self, at: usize, now: Micros) {
        let is_away = self
            .clients
            .get(at)
            .is_some_and(|client| client.as_ref().is_some_and(|client| client.socket.is_none()));
        if is_away && !self.rests {
            self.open_page(at, now);
        }
    }

    /// The testers of this pair and the next take each other's participant. Not where something else happens to the next.
    fn swap(&mut self, pair: usize) -> bool {
        let other = self.neighbour(pair);
        let is_calm = self.trouble(other).is_some_and(|trouble| trouble.stage == Stage::Calm);
        if other == pair || !is_calm {
            return false;
        }
        let (Some(mine), Some(theirs)) = (self.id_of(pair * 2 + 1), self.id_of(other * 2 + 1)) else {
            return false;
        };
        let sockets =
            [pair, other].map(|pair| self.clients.get(pair * 2).and_then(Option::as_ref)?.socket.clone());
        let [Some(one), Some(two)] = sockets else { return false };
        one.set(SetFact::Partner(Assigned::Valid(theirs)));
        two.set(SetFact::Partner(Assigned::Valid(mine)));
        self.disturb(other, Stage::Lent);
        true
    }

    fn swap_back(&mut self, pair: usize, now: Micros) {
        let other = self.neighbour(pair);
        let own = self.id_of(other * 2 + 1);
        if let (Some(own), Some(Some(client))) = (own, self.clients.get(other * 2))
            && let Some(socket) = &client.socket
        {
            socket.set(SetFact::Partner(Assigned::Valid(own)));
        }
        self.recovering(other, None, now);
    }

    /// What is typed in place of this one; none of the run's own, if that can be known.
    fn mistyped(&self, id: ClientId, now: Micros) -> Option<ClientId> {
        let own = self.world.own_ids.as_ref();
        (0..MISTAKES)
            .map(|nth| mistyped(id, Micros(now.0.wrapping_add(nth))))
            .find(|typed| own.is_none_or(|own| !own.contains(&typed.number())))
    }

    /// The pair with which this one changes partners.
    fn neighbour(&self, pair: usize) -> usize {
        (pair + 1) % self.pairs.len().max(1)
    }

    fn id_of(&self, at: usize) -> Option<ClientId> {
        self.clients.get(at)?.as_ref()?.id
    }

    fn trouble(&mut self, pair: usize) -> Option<&mut Trouble> {
        self.pairs.get_mut(pair)?.trouble.as_deref_mut()
    }
}

/// As many ways there are to type one digit wrong.
const MISTAKES: u64 = 54;

/// The same with one other digit, as it is typed by mistake.
fn mistyped(id: ClientId, now: Micros) -> ClientId {
    let (place, step) = ([1, 10, 100, 1_000, 10_000, 100_000], u32::try_from(now.0 % 9).unwrap_or(0) + 1);
    let place = place.get(usize::try_from(now.0 / 9 % 6).unwrap_or(0)).copied().unwrap_or(1);
    let digit = id.number() / place % 10;
    let typed = id.number() - digit * place + (digit + step) % 10 * place;
    ClientId::from_number(typed).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_client_id_differs_in_one_digit() {
        for now in 0..1_000 {
            let id = ClientId::from_number(40_302).unwrap();
            let (right, typed) = (id.to_string(), mistyped(id, Micros(now)).to_string());
            let differ = right.chars().zip(typed.chars()).filter(|(one, other)| one != other).count();
            assert_eq!(differ, 1, "{right} {typed}");
        }
    }
}
