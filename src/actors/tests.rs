//! For the same inputs at the same moments, the actors of a crSocket do what its machines do when they are wired without
//! actors. The inputs are those of the simulation's crSockets in harsh lives.
//!
//! Two timers of one crSocket that are due in the same millisecond have no order between them: the wired machines follow
//! the actors there. What one leads to may then meet the other in the actors' mailboxes. Where that makes a difference, a
//! page is compared up to there; such pages are few, counted and told.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it saw"
)]

pub(in crate::actors) mod tape;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

use super::socket::{Facts, input_of};
use crate::check::life::Life;
use crate::check::plan::{Faults, Plan, Scenario, What as Trouble};
use crate::check::world::{ClientEvent, Event, World};
use crate::protocol::action::{Notice, Post, RequestNo, StreamNo};
use crate::protocol::ids::{Credentials, Role};
use crate::protocol::receiver;
use crate::protocol::time::{Millis, Step, TimerKind, Timing};
use crate::protocol::wire::Frame;
use crate::protocol::wired::{Effect, Input, WiredSocket};

/// What the calendar says throughout.
const CALENDAR: i64 = 1_795_000_000_000;

/// How long a page is watched after its last input.
const TAIL: Millis = Millis(60_000);

const SEEDS: u64 = 240;

/// How long after two timers that were due together a difference may first show: as long as the longest timer of a
/// stream that stands (`Alive`), which goes by what either of them led to.
const TIED: Millis = Millis(12_000);

/// One life of a page: from when it is loaded until it is loaded anew, or the end.
struct Page {
    role: Role,
    /// What it is given at its beginning.
    facts: Facts,
    /// What it is told afterwards, and when since its beginning; timers excepted.
    inputs: Vec<(Millis, Input)>,
    /// When the last input comes.
    end: Millis,
}

/// What a crSocket did, and which of its timers fired.
#[derive(Debug, Default)]
struct Done {
    what: Vec<(Millis, What)>,
    fired: Vec<(Millis, TimerKind)>,
}

/// Something a crSocket does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Opens { stream: StreamNo, credentials: Credentials, resume: bool },
    Drops { stream: StreamNo },
    Sends { number: RequestNo, post: Post },
    AsksForId,
    Told(Notice),
}

impl What {
    /// What is of one kind has an order.
    fn kind(&self) -> &'static str {
        match self {
            What::Opens { .. } | What::Drops { .. } => "streams",
            What::Sends { .. } => "sendevents",
            What::AsksForId => "requests for a clientId",
            What::Told(Notice::State { .. }) => "states",
            What::Told(Notice::ClientId(_)) => "clientIds",
            What::Told(Notice::Partner(_)) => "partners",
            What::Told(Notice::CrEvent(_)) => "crEvents",
            What::Told(Notice::Fate { .. }) => "fates",
        }
    }
}

/// The machines wired without actors, with timers.
struct Wired<'a> {
    machines: WiredSocket,
    timing: &'a Timing,
    random: u64,
    now: Millis,
    armed: Vec<(Millis, TimerKind)>,
    done: Done,
    /// When two timers were due in the same millisecond.
    ties: Vec<Millis>,
}

impl<'a> Wired<'a> {
    /// Plays a page. Which of two timers fires first that are due together is taken from here.
    fn play(page: &Page, timing: &'a Timing, random: u64, fired: &[(Millis, TimerKind)]) -> Wired<'a> {
        let mut wired = Wired {
            machines: WiredSocket::new(page.role),
            timing,
            random,
            now: Millis::ZERO,
            armed: Vec::new(),
            done: Done::default(),
            ties: Vec::new(),
        };
        for fact in page.facts.clone().all() {
            wired.give(Input::Socket(input_of(fact)));
        }
        wired.fire_until(Millis::ZERO, fired);
        for (at, input) in &page.inputs {
            wired.fire_until(*at, fired);
            wired.now = *at;
            wired.give(input.clone());
            wired.fire_until(*at, fired);
        }
        wired.fire_until(page.end + TAIL, fired);
        wired
    }

    fn fire_until(&mut self, until: Millis, fired: &[(Millis, TimerKind)]) {
        while let Some(due) = self.armed.iter().map(|(due, _)| *due).min().filter(|due| *due <= until) {
            let together: Vec<TimerKind> =
                self.armed.iter().filter(|(at, _)| *at == due).map(|(_, timer)| *timer).collect();
            let followed = fired.get(self.done.fired.len()).map(|(_, timer)| *timer);
            let timer = followed.filter(|timer| together.contains(timer)).unwrap_or(together[0]);
            if together.len() > 1 {
                self.ties.push(due);
            }
            self.armed.retain(|(_, armed)| *armed != timer);
            self.now = due;
            self.done.fired.push((due, timer));
            self.give(Input::Timer(timer));
        }
    }

    fn give(&mut self, input: Input) {
        let step = Step { now: self.now, random: self.random, timing: self.timing };
        let mut effects = Vec::new();
        self.machines.handle(input, &step, Some(CALENDAR), &mut effects);
        for effect in effects {
            let what = match effect {
                Effect::Open { stream, credentials, resume } => What::Opens { stream, credentials, resume },
                Effect::Drop { stream } => What::Drops { stream },
                Effect::Send { number, post } => What::Sends { number, post },
                Effect::RequestClientId => What::AsksForId,
                Effect::Notify(notice) => What::Told(notice),
                Effect::SetTimer { timer, after } => {
                    self.armed.retain(|(_, armed)| *armed != timer);
                    self.armed.push((self.now + after.at_least_zero(), timer));
                    continue;
                }
                Effect::CancelTimer(timer) => {
                    self.armed.retain(|(_, armed)| *armed != timer);
                    continue;
                }
            };
            self.done.what.push((self.now, what));
        }
    }
}

/// The pages of a world's crSockets.
fn pages(world: &World) -> Vec<Page> {
    let mut pages: BTreeMap<(usize, u32), Vec<(Millis, Input)>> = BTreeMap::new();
    for taken in &world.taken {
        if world.client(taken.client).machines.as_ours().is_some() {
            let page = pages.entry((taken.client, taken.reloads)).or_default();
            page.push((taken.at, taken.input.clone()));
        }
    }
    pages.into_iter().map(|((client, _), taken)| page(world.client(client).machines.role(), taken)).collect()
}

fn page(role: Role, taken: Vec<(Millis, Input)>) -> Page {
    let begin = taken[0].0;
    let end = taken.last().map_or(begin, |(at, _)| *at) - begin;
    let mut facts = Facts::default();
    let mut inputs = taken.into_iter().peekable();
    let fact = |at: &Millis, input: &Input| match input {
        Input::Socket(input) if *at == begin => tape::fact_of(input),
        _ => None,
    };
    while let Some(set) = inputs.peek().and_then(|(at, input)| fact(at, input)) {
        facts.set(set);
        inputs.next();
    }
    let inputs = inputs.filter(|(_, input)| !matches!(input, Input::Timer(_)));
    Page { role, facts, inputs: inputs.map(|(at, input)| (at - begin, input)).collect(), end }
}

/// The first difference between what the actors did and what the wired machines did: when, and what.
fn difference(actors: &Done, wired: &Done) -> Option<(Millis, String)> {
    let timers = first_difference("timers", &actors.fired, &wired.fired);
    let mut kinds: Vec<&'static str> =
        wired.what.iter().chain(&actors.what).map(|(_, what)| what.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of = |done: &Done, kind: &str| -> Vec<(Millis, What)> {
        done.what.iter().filter(|(_, what)| what.kind() == kind).cloned().collect()
    };
    let others =
        kinds.into_iter().filter_map(|kind| first_difference(kind, &of(actors, kind), &of(wired, kind)));
    timers.into_iter().chain(others).min_by_key(|(at, _)| *at)
}

fn first_difference<T: PartialEq + std::fmt::Debug>(
    kind: &str,
    actors: &[(Millis, T)],
    wired: &[(Millis, T)],
) -> Option<(Millis, String)> {
    let place = (0..actors.len().max(wired.len())).find(|place| actors.get(*place) != wired.get(*place))?;
    let both = [actors.get(place), wired.get(place)];
    let at = both.iter().flatten().map(|(at, _)| *at).min()?;
    let text = format!("{kind}, number {place}:\n  the actors: {:?}\n  the machines: {:?}", both[0], both[1]);
    Some((at, text))
}

/// What was compared.
#[derive(Debug, Default)]
struct Compared {
    pages: u64,
    inputs: usize,
    timers: usize,
    done: usize,
    ties: usize,
    /// Pages in which two timers together made a difference.
    tied: u64,
    /// Sendevents of the wired machines, and of the simulation's.
    sent: usize,
    sent_in_world: usize,
}

/// A life without devices that sleep: their timers are late, and those of the tests are not.
fn plan(seed: u64) -> Plan {
    let length = Millis::from_secs(1_200);
    let mut plan = Plan::new(&Scenario { seed, pairs: 2, length, faults: Faults::Harsh });
    for round in &mut plan.rounds {
        round.troubles.retain(|trouble| trouble.what != Trouble::Asleep);
    }
    plan
}

/// The random number of all clients of a life.
fn random(seed: u64) -> u64 {
    fastrand::Rng::with_seed(seed).u64(..)
}

fn compare(seed: u64, compared: &Mutex<Compared>) {
    let (plan, random) = (plan(seed), random(seed));
    let mut life = Life::new(&plan, &Timing::default(), true).unwrap();
    life.world.client_random = Some(random);
    // With the same random number throughout, not everything must hold.
    let _ = life.live();
    let world = &life.world;
    let sent_in_world = world.log.iter().filter(|entry| match entry.event {
        // Strangers say what no crSocket says, and do not ask what became of it.
        Event::Client(client, ClientEvent::Sends(number, _)) => {
            number != RequestNo(0) && world.client(client).machines.as_ours().is_some()
        }
        _ => false,
    });
    compared.lock().unwrap().sent_in_world += sent_in_world.count();
    for page in pages(world) {
        let actors = tape::play(&page, &world.timing, random);
        let wired = Wired::play(&page, &world.timing, random, &actors.fired);
        let difference = difference(&actors, &wired.done);
        let mut is_tied = false;
        if let Some((at, text)) = difference {
            is_tied = wired.ties.iter().any(|tie| (*tie..=*tie + TIED).contains(&at));
            let told = format!("seed {seed}, a {:?}, {at} after it was loaded: {text}", page.role);
            assert!(is_tied, "{told}\ntwo timers together at {:?}", wired.ties);
            println!("two timers together: {told}");
        }
        let mut compared = compared.lock().unwrap();
        compared.pages += 1;
        compared.inputs += page.inputs.len();
        compared.timers += actors.fired.len();
        compared.done += actors.what.len();
        compared.ties += wired.ties.len();
        compared.tied += u64::from(is_tied);
        compared.sent += wired.done.what.iter().filter(|(_, what)| what.kind() == "sendevents").count();
    }
}

#[test]
fn the_actors_do_what_the_wired_machines_do_in_harsh_lives() {
    let compared = Mutex::default();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for thread in (0..SEEDS).take(threads) {
            let compared = &compared;
            scope.spawn(move || {
                for seed in (thread..SEEDS).step_by(threads) {
                    compare(seed, compared);
                }
            });
        }
    });
    let compared = compared.into_inner().unwrap();
    println!("{compared:?}");
    assert!(
        compared.pages > SEEDS * 4 && compared.timers > 10_000 && compared.done > 100_000,
        "{compared:?}"
    );
    assert!(compared.tied * 100 < compared.pages, "too much was left out: {compared:?}");
    let fits = compared.sent.abs_diff(compared.sent_in_world) * 20 < compared.sent_in_world;
    assert!(fits, "what the world said does not fit what the machines did: {compared:?}");
}

/// The comparison itself, held to pages that differ: the actors are not told that their first stream is open.
#[test]
fn a_difference_is_found() {
    let (mut found, mut missed) = (0, 0);
    for seed in 0..10 {
        let plan = plan(seed);
        let mut life = Life::new(&plan, &Timing::default(), true).unwrap();
        let _ = life.live();
        for page in pages(&life.world) {
            let is_hello = |input: &Input| {
                matches!(input, Input::Receiver(receiver::Input::Frame { frame: Frame::Hello { .. }, .. }))
            };
            let Some(hello) = page.inputs.iter().position(|(_, input)| is_hello(input)) else { continue };
            let wired = Wired::play(&page, &life.world.timing, 7, &[]);
            let mut deaf = page;
            deaf.inputs.remove(hello);
            let actors = tape::play(&deaf, &life.world.timing, 7);
            match difference(&actors, &wired.done) {
                Some((_, text)) => {
                    assert!(text.contains("the actors") && text.contains("the machines"), "{text}");
                    found += 1;
                }
                // It was a stream that had been given up.
                None => missed += 1,
            }
        }
    }
    assert!(found > 20 && missed < found, "{found} found, {missed} not");
}
