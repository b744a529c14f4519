//! Sequences from the simulation: what its crSockets took in harsh lives, from when their page was loaded.

use std::collections::BTreeMap;

use crsocket::check::life::Life;
use crsocket::check::plan::{Faults, Plan, Scenario};
use crsocket::check::world::World;
use crsocket::protocol::time::{Millis, Timing};
use crsocket::protocol::wired::Input;

use super::{Corpus, Moment, Recorder};

/// What the calendar says when time begins.
const CALENDAR_ZERO: i64 = 1_795_000_000_000;
/// How many inputs of a page are taken, at most and at least.
const MOST: usize = 160;
const LEAST: usize = 20;

pub(super) fn add_to(corpus: &mut Corpus, seed: u64) {
    let length = Millis::from_secs(1_200);
    let plan = Plan::new(&Scenario { seed, pairs: 2, length, faults: Faults::Harsh });
    let mut life = Life::new(&plan, &Timing::default(), true).unwrap();
    let random = u32::try_from(fastrand::Rng::with_seed(seed).u64(..1 << 32)).unwrap();
    // What a page takes next depends on it.
    life.world.client_random = Some(random.into());
    // With the same random number throughout, not everything must hold.
    let _ = life.live();
    for ((client, _), taken) in pages(&life.world) {
        let role = life.world.client(client).machines.role();
        let mut recorder = Recorder::new(role, life.world.timing.clone());
        for (at, input) in taken.into_iter().take(MOST) {
            recorder.give(Moment { now: at.0, random, calendar: CALENDAR_ZERO + at.0 }, &input);
        }
        if recorder.steps.len() >= LEAST {
            recorder.add_to(corpus);
        }
    }
}

type Taken = Vec<(Millis, Input)>;

/// What each page of a crSocket took.
fn pages(world: &World) -> BTreeMap<(usize, u32), Taken> {
    let mut pages: BTreeMap<_, Taken> = BTreeMap::new();
    for taken in &world.taken {
        if world.client(taken.client).machines.as_ours().is_some() {
            let page = pages.entry((taken.client, taken.reloads)).or_default();
            page.push((taken.at, taken.input.clone()));
        }
    }
    pages
}
