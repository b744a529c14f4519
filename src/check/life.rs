//! One life: a plan lived through in a world, and whether everything held.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::plan::{APPS, Plan, Room, Round, Trouble};
use super::random::Random;
use super::stranger::Stranger;
use super::users::Names;
use super::watch::{Invariant, Violation};
use super::world::{Event, World};
use crate::protocol::ids::{AccessToken, AppId, Assigned, InvalidId, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::{App, Apps, Pairing};
use crate::protocol::socket::Input;
use crate::protocol::time::{Millis, Timing};

mod calm;
mod people;

use people::Person;

/// How much too fast or too slow a clock is at most, in parts of 2^20 (about millionths).
const FASTEST: i64 = 10_000;

/// How many events clients queue where there is little room.
const SHORT_QUEUE: usize = 8;

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
    /// When the round began that is lived now.
    round_began: Millis,
    apps: [AppId; APPS],
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
    let begun = catch_unwind(AssertUnwindSafe(|| Life::new(plan, timing, false).map_err(unnamed)));
    begun.unwrap_or_else(|panic| Err(panicked(&*panic, Millis::ZERO)))?.live()
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
        let names = [AppId::parse("lab")?, AppId::parse("ward")?];
        let mut apps = Apps::new();
        for (name, same_user) in names.iter().zip(plan.same_user) {
            let pairing = if same_user { Pairing::SameUser } else { Pairing::Any };
            apps = apps.with(name.clone(), App { pairing, access: Arc::new(Names), ..App::default() });
        }
        let mut timing = timing.clone();
        if timing.release_dt == Millis::ZERO {
            timing.release_dt = plan.release_dt;
        }
        if plan.room == Room::ShortQueues {
            timing.max_queued = SHORT_QUEUE;
        }
        let gone = timing.partner_active_max_event_in_dt + timing.recipient_wait_dt + timing.hello_settle_dt;
        let mut world = World::new(timing, limits(plan), apps, plan.scenario.seed);
        world.recording = recording;
        world.watch.longest_gone = Some(gone);
        let random = Random::new(plan.scenario.seed).fork(2);
        let mut life = Life {
            world,
            plan,
            random,
            summary: Summary::default(),
            people: Vec::new(),
            stranger: None,
            tag: 0,
            round_began: Millis::ZERO,
            apps: names,
        };
        for pair in 0..plan.scenario.pairs {
            let user = if plan.one_user { 0 } else { pair };
            let tester = AccessToken::parse(&format!("team{user}"))?;
            let guest = AccessToken::parse(&format!("guest{user}"))?;
            let app = life.app_of(pair);
            let responder = if plan.has_two_users(pair) { &guest } else { &tester };
            life.add_person(&app, Role::Controller, &tester, 2 * pair + 1);
            life.add_person(&app, Role::Responder, responder, 2 * pair);
        }
        if plan.stranger {
            let spared = (0..life.people.len()).filter(|client| life.pings_silence(*client)).collect();
            life.stranger = Some(Stranger::new(&mut life.world, &life.apps, spared)?);
        }
        Ok(life)
    }

    /// Whether a stranger's pings get through to an existing client.
    fn pings_silence(&self, client: usize) -> bool {
        let app = self.plan.apps.get(client / 2).copied().unwrap_or(0);
        self.is_browser(client) && self.plan.same_user.get(app) == Some(&false)
    }

    fn app_of(&self, pair: usize) -> AppId {
        let app = self.plan.apps.get(pair).and_then(|app| self.apps.get(*app));
        app.unwrap_or(&self.apps[0]).clone()
    }

    /// Lives it to its end. A panic on the way is a violation; its place in the source is what the panic hook says.
    ///
    /// # Errors
    /// The first invariant that did not hold.
    pub fn live(&mut self) -> Result<Summary, Violation> {
        // What a panic leaves half done is only looked at to be told.
        let lived = catch_unwind(AssertUnwindSafe(|| self.live_rounds()));
        lived.unwrap_or_else(|panic| Err(panicked(&*panic, self.world.now())))
    }

    fn live_rounds(&mut self) -> Result<Summary, Violation> {
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

    fn live_round(&mut self, round: &Round) {
        self.let_go_of_strangers();
        let begin = self.world.now();
        self.round_began = begin;
        let acts = self.acts(round);
        for (at, act) in acts {
            self.run_until(begin + at);
            self.act(act);
        }
        self.run_until(begin + round.length);
        self.calm();
    }

    /// Who sees that a responder still waits for somebody who is gone lets go of him, where it does not do so by
    /// itself; of a stranger in any case.
    fn let_go_of_strangers(&mut self) {
        for (controller, responder) in self.pairs() {
            let Some(bound_to) = self.world.client(responder).machines.partner() else { continue };
            let by_itself = self.lets_go_by_itself(responder);
            let is_stranger = self.stranger.as_ref().is_some_and(|stranger| stranger.has(bound_to));
            if Some(bound_to) != self.world.client_id(controller) && (is_stranger || !by_itself) {
                self.world.tell(responder, Input::Partner(Assigned::Nothing));
            }
        }
    }

    fn lets_go_by_itself(&self, responder: usize) -> bool {
        self.world.timing.release_dt > Millis::ZERO && !self.is_browser(responder)
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
            let client = self.random.below(self.people.len());
            // Now and then more than can leave at once.
            let most = if self.plan.room == Room::ShortQueues { 2 * SHORT_QUEUE } else { 6 };
            let events = if self.random.chance(100) { most } else { 1 };
            acts.extend((0..events).map(|_| (at, Act::Chat(client))));
        }
        if self.stranger.is_some() {
            self.plan_attacks(round.length, &mut acts);
        }
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    /// A stranger comes now and then, and then makes several requests a second.
    fn plan_attacks(&mut self, length: Millis, acts: &mut Vec<(Millis, Act)>) {
        let mut at = Millis::ZERO;
        while at < length {
            at += self.random.between(Millis::ZERO, Millis(60_000));
            let end = (at + self.random.between(Millis(1_000), Millis(20_000))).min(length);
            while at < end {
                acts.push((at, Act::Stranger));
                at += self.random.between(Millis(20), Millis(400));
            }
        }
    }

    fn run_until(&mut self, until: Millis) {
        let length = (until - self.world.now()).at_least_zero();
        self.world.run_for(length);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Begin(trouble) => {
                if self.begin(&trouble) {
                    self.tell_trouble(&trouble, "");
                }
            }
            Act::End(trouble) => {
                if self.end(&trouble) {
                    self.tell_trouble(&trouble, "over: ");
                }
            }
            Act::Chat(client) => self.chat(client),
            Act::Stranger => {
                if let Some(stranger) = &mut self.stranger {
                    stranger.act(&mut self.world, self.people.len(), false, &mut self.random);
                }
            }
        }
    }

    fn tell_trouble(&mut self, trouble: &Trouble, over: &str) {
        if self.world.recording {
            let told = format!("client {}: {over}{}", trouble.client, trouble.what);
            self.world.tell_log(Event::Told(told));
        }
    }
}

fn panicked(panic: &(dyn Any + Send), at: Millis) -> Violation {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let seen = text.unwrap_or("a panic without words").to_owned();
    Violation { invariant: Invariant::NoPanic, at, client: None, seen }
}

/// The server's bounds.
fn limits(plan: &Plan) -> Limits {
    let limits = Limits { bind_client_ids: !plan.unbound, ..Limits::default() };
    match plan.room {
        Room::Usual => limits,
        Room::ShortQueues => Limits { output_frames: 12, output_bytes: 900, line_events: 10, ..limits },
        Room::ShortOfAll => Limits { all_outputs_bytes: 450, all_lines_bytes: 1_000, ..limits },
    }
}
