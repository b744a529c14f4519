//! Calms: the faults stop, people come back, and every willing pair has to find back in time (section 10).

use super::{FASTEST, Life};
use crate::check::client::Machines;
use crate::check::stranger::Stranger;
use crate::check::watch::Invariant;
use crate::check::world::Event;
use crate::protocol::receiver::WhyAborted;
use crate::protocol::socket::{Input, State, WhyUnconnected};
use crate::protocol::time::Millis;
use crate::protocol::wire::AbortReason;

/// After the troubles, people take this long to find out what their partner's clientId is now.
const PEOPLE: Millis = Millis(6_000);
/// How often testers whose responder rejected them try again.
const RETRY: Millis = Millis(15_000);

/// A pair that has to find back.
struct Wait {
    pair: (usize, usize),
    /// Since when it has been willing.
    willing_since: Millis,
    /// How long after that it was not interacting yet.
    took: Millis,
}

impl Life<'_> {
    pub(super) fn calm(&mut self) {
        self.world.tell_log(Event::Told("the faults stop, people come back".into()));
        self.close_second_tabs();
        for client in 0..self.people.len() {
            self.world.set_reads(client, true);
            *self.world.network(client) = self.calm_network(client);
            self.world.client_mut(client).asleep_until = None;
            self.give_token(client);
            for back in
                [Input::Unloading(false), Input::Paused(false), Input::Visible(true), Input::Online(true)]
            {
                self.world.tell(client, back);
            }
        }
        self.world.run_for(PEOPLE);
        for client in 0..self.people.len() {
            if self.is_browser(client) && self.world.is_deaf(client) {
                // Its EventSource misses nothing by itself; its device finds a dead connection out, or its user does.
                self.world.cut_stream(client);
            }
            self.assign_partner(client);
        }
        if self.world.recording {
            for pair in self.pairs() {
                let bound = self.bound(pair, self.world.now());
                let told = format!("clients {} and {} find back within {bound}, if willing", pair.0, pair.1);
                self.world.tell_log(Event::Told(told));
            }
        }
        self.expect_pairs();
        self.expect_peace();
    }

    /// Tabs beside a client's own are killed.
    fn close_second_tabs(&mut self) {
        let others = if self.stranger.is_some() { Stranger::CLIENTS } else { 0 };
        for tab in self.people.len() + others..self.world.client_count() {
            let role = self.world.client(tab).machines.role();
            self.world.tell(tab, Input::Unloading(true));
            self.world.reload(tab, Machines::Nobody(role));
        }
    }

    /// How long it may take until a pair has found back that is willing since then (section 10). Longer where one of its
    /// clientIds was reserved for another user, or contested.
    fn bound(&self, pair: (usize, usize), since: Millis) -> Millis {
        let timing = &self.world.timing;
        let first = Millis(625);
        let longest = Millis(18_750);
        let stream = (timing.event_source_send_alive_dt.times(2) + first).max(timing.hello_max_dt + longest);
        let bound = stream
            + timing.hello_settle_dt
            + timing.interacting_max_event_out_dt
            + timing.min_cr_event_dt
            + self.plan.delay.times(6);
        // Clients whose clocks are slow wait longer.
        let bound = bound + Millis(bound.0 * FASTEST / 1_000_000);
        if self.is_contested(pair, since) {
            bound + timing.max_prev_alive_dt.times(2) + longest
        } else {
            bound
        }
    }

    /// Whether one of them was kept from its clientId since then, or so shortly before that what kept it may last: no
    /// reservation and no contest is longer. What a stranger is refused does not count.
    fn is_contested(&self, pair: (usize, usize), since: Millis) -> bool {
        let since = (since - self.world.timing.max_prev_alive_dt.times(2)).max(self.round_began);
        [pair.0, pair.1].into_iter().any(|client| self.world.watch.was_kept_out(client, since))
    }

    fn expect_pairs(&mut self) {
        let begin = self.world.now();
        self.summary.calms += 1;
        let mut waits: Vec<Wait> =
            self.pairs().map(|pair| Wait { pair, willing_since: begin, took: Millis::ZERO }).collect();
        let mut retry_at = begin + RETRY;
        // The whole bound, also where all look well sooner: a half-open stream may not have been noticed yet.
        while self.world.watch.violation().is_none() && !self.is_over(begin, &waits) {
            self.attack();
            self.world.run_for(Millis(500));
            if self.world.now() >= retry_at {
                retry_at += RETRY;
                self.try_again();
            }
            for wait in &mut waits {
                self.look_at(wait);
            }
        }
        self.expect_everybody_back();
        for wait in waits {
            if self.is_interacting(wait.pair) {
                self.summary.slowest = self.summary.slowest.max(wait.took);
            } else {
                self.summary.unwilling += 1;
            }
        }
    }

    /// People have set every input: whoever is not willing by now is so because of its partner, or waits for its user.
    fn expect_everybody_back(&mut self) {
        for client in 0..self.people.len() {
            let (state, id) = (self.world.state(client), self.world.client_id(client));
            if !self.is_browser(client) && (!state.is_active() || id.is_none()) {
                let seen = format!("at the end of a calm: {state:?}, {id:?}");
                let now = self.world.now();
                self.world.watch.report(Invariant::EverybodyIsBack, now, Some(client), seen);
            }
        }
    }

    fn look_at(&mut self, wait: &mut Wait) {
        let (now, pair) = (self.world.now(), wait.pair);
        if self.is_interacting(pair) {
            return;
        }
        if !self.is_willing(pair) {
            let owned = [pair.0, pair.1].into_iter().all(|client| self.owns_its_id(client));
            if self.heals() || !owned {
                wait.willing_since = now;
            }
            return;
        }
        wait.took = now - wait.willing_since;
        let bound = self.bound(pair, wait.willing_since);
        if wait.took >= bound {
            let states = (self.world.state(pair.0).clone(), self.world.state(pair.1).clone());
            let seen = format!("{bound} after the calm began: {states:?}");
            self.world.watch.report(Invariant::WillingPairsInteract, now, Some(pair.0), seen);
        }
    }

    fn is_over(&self, begin: Millis, waits: &[Wait]) -> bool {
        let elapsed = self.world.now() - begin;
        let bounds = waits.iter().map(|wait| self.bound(wait.pair, wait.willing_since));
        let bound = bounds.max().unwrap_or(Millis::ZERO);
        let all = |done: &dyn Fn((usize, usize)) -> bool| {
            waits.iter().all(|wait| self.is_interacting(wait.pair) || done(wait.pair))
        };
        if elapsed < bound {
            false
        } else if self.heals() && elapsed < bound + self.healing() {
            all(&|_| false)
        } else {
            all(&|pair| !self.is_willing(pair))
        }
    }

    /// Whether a responder that waits for who is gone lets go by itself.
    fn heals(&self) -> bool {
        self.world.timing.release_dt > Millis::ZERO
    }

    /// How long that takes at most, and until its controller has tried again.
    fn healing(&self) -> Millis {
        let timing = &self.world.timing;
        timing.partner_active_max_event_in_dt + timing.release_dt + RETRY
    }

    /// Testers whose responder rejected them try again, where there is something to wait for.
    fn try_again(&mut self) {
        if !self.heals() {
            return;
        }
        for (controller, _) in self.pairs() {
            if self.world.client(controller).machines.is_rejected() {
                self.assign_partner(controller);
            }
        }
    }

    /// A stranger makes several requests a second, all the time.
    fn attack(&mut self) {
        let Some(stranger) = &mut self.stranger else { return };
        for _ in 0..1 + self.random.below(2) {
            stranger.act(&mut self.world, self.people.len(), true, &mut self.random);
        }
    }

    /// Who is interacting stays so while nothing happens.
    fn expect_peace(&mut self) {
        let interacting: Vec<(usize, usize)> =
            self.pairs().filter(|pair| self.is_interacting(*pair)).collect();
        let clients: Vec<usize> = interacting.iter().flat_map(|pair| [pair.0, pair.1]).collect();
        self.world.watch.must_stay(&clients, true);
        self.world.tell_log(Event::Told("who is interacting is left in peace".into()));
        let end = self.world.now() + self.plan.peace;
        let mut own_their_ids: Vec<bool> =
            (0..self.people.len()).map(|client| self.owns_its_id(client)).collect();
        while self.world.now() < end && self.world.watch.violation().is_none() {
            self.attack();
            let left = end - self.world.now();
            self.world.run_for(left.min(Millis(500)));
            for (client, owns) in own_their_ids.iter_mut().enumerate() {
                *owns = *owns && self.owns_its_id(client);
            }
        }
        self.world.watch.must_stay(&clients, false);
        self.expect_one_partner(&own_their_ids);
        for client in 0..self.people.len() {
            self.world.client_mut(client).longest_way = Millis::ZERO;
        }
    }

    /// Who says interacting is the partner of its partner, and so the only one. Not where a clientId was given up, and
    /// somebody else had it while a partner that was heard counts as active.
    fn expect_one_partner(&mut self, own_their_ids: &[bool]) {
        for client in 0..self.people.len() {
            let page = &self.world.client(client).machines;
            let (own, partner) = (page.client_id(), page.partner());
            let other = (0..self.people.len()).find(|other| self.world.client_id(*other) == partner);
            let Some(other) = other.filter(|_| *page.state() == State::Interacting) else { continue };
            if own_their_ids.get(other) != Some(&true) {
                continue;
            }
            let others = self.world.client(other).machines.partner();
            if others != own {
                let seen = format!("interacting with client {other}, whose partner is {others:?}");
                let now = self.world.now();
                self.world.watch.report(Invariant::OnePartner, now, Some(client), seen);
            }
        }
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (0..self.plan.scenario.pairs).map(|pair| (2 * pair, 2 * pair + 1))
    }

    fn is_interacting(&self, (controller, responder): (usize, usize)) -> bool {
        let interacting = |client, with| {
            *self.world.state(client) == State::Interacting
                && self.world.client(client).machines.partner() == self.world.client_id(with)
        };
        interacting(controller, responder) && interacting(responder, controller)
    }

    /// Section 10: both active, neither aborted for a reason that waits for the user, the controller assigned to the
    /// responder and not rejected by it, the responder's partner that controller or none.
    fn is_willing(&self, (controller, responder): (usize, usize)) -> bool {
        let page = |client| &self.world.client(client).machines;
        let assigned = page(controller).partner().is_some()
            && page(controller).partner() == self.world.client_id(responder);
        let free = page(responder).partner().is_none()
            || page(responder).partner() == self.world.client_id(controller)
            || page(responder).is_rejected();
        let own_their_ids = [controller, responder].into_iter().all(|client| self.owns_its_id(client));
        assigned
            && free
            && own_their_ids
            && !page(controller).is_rejected()
            && [controller, responder].into_iter().all(|client| {
                let state = self.world.state(client);
                state.is_active() && !waits_for_user(state, self.is_browser(client))
            })
    }

    /// Who closes in peace gives his clientId up, perhaps to a stranger; and who types one may type another client's.
    fn owns_its_id(&self, client: usize) -> bool {
        let Some(id) = self.world.client_id(client) else { return false };
        let is_anothers =
            (0..self.people.len()).any(|other| other != client && self.world.client_id(other) == Some(id));
        let owner = || self.world.watch.owner(id, self.world.now());
        !is_anothers && self.stranger.as_ref().is_none_or(|stranger| owner() != Some(stranger.user()))
    }
}

/// Whether a client will not come back without its user. Existing clients come back from no abort.
fn waits_for_user(state: &State, is_browser: bool) -> bool {
    match state {
        State::ReadyToConnect(WhyUnconnected::Aborted(_)) if is_browser => true,
        State::ReadyToConnect(WhyUnconnected::Aborted(WhyAborted::Server(reason))) => {
            !matches!(reason, AbortReason::ClientNotAlive | AbortReason::ClientIdInUse)
        }
        State::ReadyToConnect(WhyUnconnected::Aborted(WhyAborted::Error))
        | State::ReadyToConnect(WhyUnconnected::Closed(_))
        | State::Passive(_)
        | State::Connecting
        | State::ReadyToPair(_)
        | State::Searching
        | State::Interacting => false,
    }
}
