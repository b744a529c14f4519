//! One life: a plan lived through in a world, and whether everything held.

use super::client::Machines;
use super::network::Network;
use super::plan::{Plan, Round, Trouble, What};
use super::random::Random;
use super::stranger::Stranger;
use super::watch::{Invariant, Violation};
use super::world::World;
use crate::protocol::action::Ticket;
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, InvalidId, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::{App, Apps, Pairing};
use crate::protocol::receiver::WhyAborted;
use crate::protocol::socket::{Input, State, WhyUnconnected};
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::AbortReason;

/// After the troubles, people take this long to find out what their partner's clientId is now.
const PEOPLE: Millis = Millis(6_000);
/// Pairs that found back are left in peace for this long.
const PEACE: Millis = Millis(30_000);
/// The longest way of a harsh network, twice, in both directions: what `delta` of section 10 amounts to at worst.
const WORST_DELTA: Millis = Millis(12_000);
/// How long what a device hears after a sleep may be older than it knows (it notices only a timer that is 5 s late).
const OLD_AFTER_SLEEP: Millis = Millis(30_000);

/// What a life amounted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Virtual time, times pairs.
    pub pair_time: Millis,
    /// Happenings.
    pub happened: u64,
    /// Calms in which a pair had to find back.
    pub calms: u64,
    /// Pairs, by calm, that were not willing at its end.
    pub unwilling: u64,
    /// The longest time in which a willing pair found back.
    pub slowest: Millis,
}

impl Summary {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Summary) -> Summary {
        Summary {
            pair_time: self.pair_time + other.pair_time,
            happened: self.happened + other.happened,
            calms: self.calms + other.calms,
            unwilling: self.unwilling + other.unwilling,
            slowest: self.slowest.max(other.slowest),
        }
    }
}

/// A life under way.
#[derive(Debug)]
pub struct Life<'a> {
    /// The world it is lived in.
    pub world: World,
    plan: &'a Plan,
    random: Random,
    summary: Summary,
    people: Vec<Person>,
    stranger: Option<Stranger>,
    tag: u64,
    /// Troubles as they begin and end, told to whoever wants a trace.
    pub told: Vec<(Millis, String)>,
    app: AppId,
}

/// Who sits before a client.
#[derive(Clone, Debug)]
struct Person {
    role: Role,
    token: AccessToken,
    /// The other client of the pair.
    partner: usize,
}

enum Act {
    Begin(Trouble),
    End(Trouble),
    Chat(usize),
    Stranger,
}

/// Lives a plan to its end.
///
/// # Errors
/// The first invariant that did not hold.
pub fn live(plan: &Plan, timing: &Timing) -> Result<Summary, Violation> {
    let mut life = Life::new(plan, timing, false).map_err(unnamed)?;
    life.live()
}

fn unnamed(error: InvalidId) -> Violation {
    Violation { invariant: Invariant::Bounds, at: Millis::ZERO, client: None, seen: error.to_string() }
}

impl<'a> Life<'a> {
    /// The beginning of a life. While recording, the world keeps what everybody said and was told.
    ///
    /// # Errors
    /// None in practice: names are made here, and are valid.
    pub fn new(plan: &'a Plan, timing: &Timing, recording: bool) -> Result<Life<'a>, InvalidId> {
        let app = AppId::parse("lab")?;
        let pairing = if plan.same_user { Pairing::SameUser } else { Pairing::Any };
        let apps = Apps::new().with(app.clone(), App { pairing, ..App::default() });
        let mut world = World::new(timing.clone(), Limits::default(), apps, plan.scenario.seed);
        world.recording = recording;
        let gone = timing.partner_active_max_event_in_dt + timing.recipient_wait_dt + timing.hello_settle_dt;
        world.watch.longest_gone = Some(gone + WORST_DELTA);
        let random = Random::new(plan.scenario.seed).fork(2);
        let mut life = Life {
            world,
            plan,
            random,
            summary: Summary::default(),
            people: Vec::new(),
            stranger: None,
            tag: 0,
            told: Vec::new(),
            app,
        };
        for pair in 0..plan.scenario.pairs {
            let token = AccessToken::parse(&format!("team{pair}"))?;
            life.add_person(Role::Controller, &token, 2 * pair + 1);
            life.add_person(Role::Responder, &token, 2 * pair);
        }
        if plan.stranger {
            life.stranger = Some(Stranger::new(&mut life.world, &life.app)?);
        }
        Ok(life)
    }

    /// Lives it to its end.
    ///
    /// # Errors
    /// The first invariant that did not hold.
    pub fn live(&mut self) -> Result<Summary, Violation> {
        for round in &self.plan.rounds {
            self.live_round(round);
            if let Some(violation) = self.world.watch.violation() {
                return Err(violation.clone());
            }
        }
        let pairs = i64::try_from(self.plan.scenario.pairs).unwrap_or(1);
        self.summary.pair_time = self.world.now().times(pairs);
        self.summary.happened = self.world.happened();
        Ok(self.summary)
    }

    fn add_person(&mut self, role: Role, token: &AccessToken, partner: usize) {
        let client = self.world.add(&self.app.clone(), self.machines(self.people.len(), role));
        self.people.push(Person { role, token: token.clone(), partner });
        self.world.client_mut(client).calendar_offset =
            self.random.between(Millis(-90_000), Millis(90_000)).0;
        let network = Network { delay: self.plan.delay, ..Network::default() };
        *self.world.network(client) = network;
        self.enter_page(client, None);
    }

    fn machines(&self, client: usize, role: Role) -> Machines {
        if self.is_browser(client) { Machines::browser(role) } else { Machines::ours(role) }
    }

    fn is_browser(&self, client: usize) -> bool {
        self.plan.browsers.get(client).copied().unwrap_or(false)
    }

    /// The page is there: it is given what it keeps in its storage.
    fn enter_page(&mut self, client: usize, id: Option<ClientId>) {
        let Some(person) = self.people.get(client) else { return };
        let token = Assigned::Valid(person.token.clone());
        self.world.tell(client, Input::ClientId(id.into()));
        self.world.tell(client, Input::AccessToken(token));
        self.world.tell(client, Input::Visible(true));
        self.world.tell(client, Input::Online(true));
    }

    fn live_round(&mut self, round: &Round) {
        self.let_go_of_strangers();
        let begin = self.world.now();
        let acts = self.acts(round);
        for (at, act) in acts {
            self.run_until(begin + at);
            self.act(act);
        }
        self.run_until(begin + round.length);
        self.calm(round);
    }

    /// Who sees that a responder still waits for somebody who is gone lets go of him.
    fn let_go_of_strangers(&mut self) {
        for (controller, responder) in self.pairs() {
            let bound_to = self.world.client(responder).machines.partner();
            if bound_to.is_some() && bound_to != self.world.client_id(controller) {
                self.world.tell(responder, Input::Partner(Assigned::Nothing));
            }
        }
    }

    /// What happens in a round, in order.
    fn acts(&mut self, round: &Round) -> Vec<(Millis, Act)> {
        let mut acts = Vec::new();
        for trouble in &round.troubles {
            let end = (trouble.at + trouble.length).min(round.length);
            // Nothing lasts into the calm.
            let trouble = Trouble { length: end - trouble.at, ..trouble.clone() };
            acts.push((trouble.at, Act::Begin(trouble.clone())));
            acts.push((end, Act::End(trouble)));
        }
        let mut at = Millis::ZERO;
        while at < round.length {
            at += self.random.between(Millis(500), Millis(15_000));
            acts.push((at, Act::Chat(self.random.below(self.people.len()))));
        }
        if self.stranger.is_some() {
            let mut at = Millis::ZERO;
            while at < round.length {
                at += self.random.between(Millis(100), Millis(1_500));
                acts.push((at, Act::Stranger));
            }
        }
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    fn run_until(&mut self, until: Millis) {
        let length = (until - self.world.now()).at_least_zero();
        self.world.run_for(length);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Begin(trouble) => {
                self.tell_trouble(&trouble, "");
                self.begin(&trouble);
            }
            Act::End(trouble) => {
                if self.end(&trouble) {
                    self.tell_trouble(&trouble, "over: ");
                }
            }
            Act::Chat(client) => self.chat(client),
            Act::Stranger => {
                if let Some(stranger) = &mut self.stranger {
                    stranger.act(&mut self.world, self.people.len(), &mut self.random);
                }
            }
        }
    }

    fn tell_trouble(&mut self, trouble: &Trouble, over: &str) {
        if self.world.recording {
            self.told.push((self.world.now(), format!("client {}: {over}{}", trouble.client, trouble.what)));
        }
    }

    /// The enclosing client says something of its own.
    fn chat(&mut self, client: usize) {
        self.tag += 1;
        let Ok(event) = CrEvent::new("chat", "").and_then(|event| event.with_params([self.tag.to_string()]))
        else {
            return;
        };
        let event = if self.random.chance(500) { event.buffered() } else { event };
        self.world.tell(client, Input::Send { ticket: Ticket(self.tag), event });
    }

    fn begin(&mut self, trouble: &Trouble) {
        let client = trouble.client;
        let world = &mut self.world;
        match trouble.what {
            What::RequestsLost(permille) => world.network(client).requests_lost = permille,
            What::AnswersLost(permille) => world.network(client).answers_lost = permille,
            What::NoConnection => world.network(client).connects = false,
            What::StreamCut => world.cut_stream(client),
            What::HalfOpen => world.network(client).frames_arrive = false,
            What::Ghost => world.network(client).server_notices = false,
            What::Slow(by) => world.network(client).jitter = by,
            What::SlowReader => {
                world.watch.disturb(client, world.now() + trouble.length + OLD_AFTER_SLEEP);
                world.set_reads(client, false);
            }
            What::ServerRestart => world.restart_server(trouble.length.min(Millis(8_000))),
            What::Recycled => world.recycle(client),
            What::Paused => world.tell(client, Input::Paused(true)),
            What::Hidden => world.tell(client, Input::Visible(false)),
            What::Offline => {
                world.network(client).connects = false;
                world.tell(client, Input::Online(false));
            }
            What::Reloaded { politely } => self.reload(client, politely),
            What::Asleep => {
                world.watch.disturb(client, world.now() + trouble.length + OLD_AFTER_SLEEP);
                world.sleep(client, trouble.length);
            }
            What::WrongPartner => self.assign_wrong_partner(client),
            What::PartnerCleared => {
                if self.is_controller(client) {
                    self.world.tell(client, Input::Partner(Assigned::Nothing));
                }
            }
            What::IdCleared => world.tell(client, Input::ClientId(Assigned::Nothing)),
            What::IdChanged => {
                let other = ClientId::from_number(u32::try_from(self.random.below(1_000_000)).unwrap_or(0));
                world.tell(client, Input::ClientId(other.into()));
            }
            What::TokenChanged => {
                let token = Assigned::parse(Some("other"), AccessToken::parse);
                world.tell(client, Input::AccessToken(token));
            }
            What::SecondTab => self.open_second_tab(client),
        }
    }

    /// Ends a trouble that lasts; says whether it was one.
    fn end(&mut self, trouble: &Trouble) -> bool {
        let client = trouble.client;
        let world = &mut self.world;
        match trouble.what {
            What::RequestsLost(_) => world.network(client).requests_lost = 0,
            What::AnswersLost(_) => world.network(client).answers_lost = 0,
            What::NoConnection => world.network(client).connects = true,
            What::HalfOpen => world.network(client).frames_arrive = true,
            What::Ghost => world.network(client).server_notices = true,
            What::Slow(_) => world.network(client).jitter = Millis::ZERO,
            What::SlowReader => world.set_reads(client, true),
            What::Paused => world.tell(client, Input::Paused(false)),
            What::Hidden => world.tell(client, Input::Visible(true)),
            What::Offline => {
                world.network(client).connects = true;
                world.tell(client, Input::Online(true));
            }
            What::WrongPartner | What::PartnerCleared => self.assign_partner(client),
            What::TokenChanged => self.give_token(client),
            What::StreamCut
            | What::ServerRestart
            | What::Recycled
            | What::Reloaded { .. }
            | What::Asleep
            | What::IdCleared
            | What::IdChanged
            | What::SecondTab => return false,
        }
        true
    }

    fn reload(&mut self, client: usize, politely: bool) {
        let id = self.world.client_id(client);
        if politely {
            self.world.tell(client, Input::Unloading(true));
        }
        let Some(role) = self.people.get(client).map(|person| person.role) else { return };
        let machines = self.machines(client, role);
        self.world.reload(client, machines);
        self.enter_page(client, id);
        self.assign_partner(client);
    }

    /// A tab that is opened beside another one, and closed soon.
    fn open_second_tab(&mut self, client: usize) {
        let Some(person) = self.people.get(client).cloned() else { return };
        let id = self.world.client_id(client);
        let tab = self.world.add(&self.app.clone(), Machines::ours(person.role));
        let delay = self.plan.delay;
        self.world.network(tab).delay = delay;
        self.world.tell(tab, Input::ClientId(id.into()));
        self.world.tell(tab, Input::AccessToken(Assigned::Valid(person.token)));
        self.world.tell(tab, Input::Visible(true));
        self.world.tell(tab, Input::Online(true));
    }

    /// The tester enters the clientId of somebody else's responder, or of nobody.
    fn assign_wrong_partner(&mut self, client: usize) {
        if !self.is_controller(client) {
            return;
        }
        let anybody = self.random.below(self.people.len());
        let nobody = ClientId::from_number(u32::try_from(self.random.below(1_000_000)).unwrap_or(0));
        let wrong = if self.random.chance(700) { self.world.client_id(anybody) } else { nobody };
        self.world.tell(client, Input::Partner(wrong.into()));
    }

    fn is_controller(&self, client: usize) -> bool {
        self.people.get(client).is_some_and(|person| person.role == Role::Controller)
    }

    /// The tester enters what the responder's page shows.
    fn assign_partner(&mut self, client: usize) {
        let Some(person) = self.people.get(client).filter(|person| person.role == Role::Controller) else {
            return;
        };
        let partner = self.world.client_id(person.partner);
        self.world.tell(client, Input::Partner(partner.into()));
    }

    fn give_token(&mut self, client: usize) {
        if let Some(person) = self.people.get(client) {
            let token = Assigned::Valid(person.token.clone());
            self.world.tell(client, Input::AccessToken(token));
        }
    }

    /// The faults stop, people come back, and every willing pair has to be interacting again in time.
    fn calm(&mut self, round: &Round) {
        self.close_second_tabs();
        for client in 0..self.people.len() {
            let network = Network { delay: self.plan.delay, ..Network::default() };
            self.world.set_reads(client, true);
            *self.world.network(client) = network;
            self.world.client_mut(client).asleep_until = None;
            self.give_token(client);
            if self.is_browser(client) {
                // Its EventSource misses nothing by itself; its device finds a dead connection out, or its user does.
                self.world.cut_stream(client);
            }
            for back in
                [Input::Unloading(false), Input::Paused(false), Input::Visible(true), Input::Online(true)]
            {
                self.world.tell(client, back);
            }
        }
        self.world.run_for(PEOPLE);
        for client in 0..self.people.len() {
            self.assign_partner(client);
        }
        self.expect_pairs(self.bound(round));
        self.expect_peace();
    }

    /// Tabs beside a client's own are killed.
    fn close_second_tabs(&mut self) {
        let others = if self.stranger.is_some() { Stranger::CLIENTS } else { 0 };
        for tab in self.people.len() + others..self.world.client_count() {
            let role = self.world.client(tab).machines.role();
            self.world.tell(tab, Input::Unloading(true));
            self.world.reload(tab, Machines::ours(role));
        }
    }

    /// How long it may take until everybody has found back (section 10).
    fn bound(&self, round: &Round) -> Millis {
        let timing = &self.world.timing;
        let first = Millis(625);
        let longest = Millis(18_750);
        let stream = (timing.event_source_send_alive_dt.times(2) + first).max(timing.hello_max_dt + longest);
        let bound = stream
            + timing.hello_settle_dt
            + timing.interacting_max_event_out_dt
            + timing.min_cr_event_dt
            + self.plan.delay.times(6);
        let contested =
            self.stranger.is_some() || round.troubles.iter().any(|trouble| trouble.what.may_contest());
        if contested { bound + timing.max_prev_alive_dt.times(2) + longest } else { bound }
    }

    fn expect_pairs(&mut self, bound: Millis) {
        let begin = self.world.now();
        self.summary.calms += 1;
        // The whole time, also where all look well sooner: a half-open stream may not have been noticed yet.
        let mut took = Millis::ZERO;
        while self.world.now() - begin < bound && self.world.watch.violation().is_none() {
            let left = bound - (self.world.now() - begin);
            self.world.run_for(left.min(Millis(500)));
            if !self.pairs().all(|pair| self.is_interacting(pair) || !self.is_willing(pair)) {
                took = self.world.now() - begin;
            }
        }
        for pair in self.pairs() {
            let (controller, responder) = pair;
            if self.is_interacting(pair) {
                self.summary.slowest = self.summary.slowest.max(took);
            } else if self.is_willing(pair) {
                let states = (self.world.state(controller).clone(), self.world.state(responder).clone());
                let seen = format!("{bound} after the calm began: {states:?}");
                let at = self.world.now();
                self.world.watch.report(Invariant::WillingPairsInteract, at, Some(controller), seen);
            } else {
                self.summary.unwilling += 1;
            }
        }
    }

    /// Who is interacting stays so while nothing happens.
    fn expect_peace(&mut self) {
        let interacting: Vec<(usize, usize)> =
            self.pairs().filter(|pair| self.is_interacting(*pair)).collect();
        let clients: Vec<usize> = interacting.iter().flat_map(|pair| [pair.0, pair.1]).collect();
        self.world.watch.must_stay(&clients, true);
        let end = self.world.now() + PEACE;
        while self.world.now() < end && self.world.watch.violation().is_none() {
            if let Some(stranger) = &mut self.stranger {
                stranger.act(&mut self.world, self.people.len(), &mut self.random);
            }
            let left = end - self.world.now();
            self.world.run_for(left.min(Millis(700)));
        }
        for client in 0..self.people.len() {
            self.world.check_timers(client);
        }
        self.world.watch.must_stay(&clients, false);
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (0..self.plan.scenario.pairs).map(|pair| (2 * pair, 2 * pair + 1))
    }

    fn is_interacting(&self, (controller, responder): (usize, usize)) -> bool {
        let interacting = |client| *self.world.state(client) == State::Interacting;
        interacting(controller)
            && interacting(responder)
            && self.world.client(controller).machines.partner() == self.world.client_id(responder)
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

    /// Who closes in peace gives his clientId up, perhaps to a stranger.
    fn owns_its_id(&self, client: usize) -> bool {
        let Some(id) = self.world.client_id(client) else { return false };
        let owner = self.world.server.session(id).map(|session| session.user().clone());
        self.stranger.as_ref().is_none_or(|stranger| owner != Some(stranger.user()))
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
