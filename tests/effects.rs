//! Long random walks of a crSocket through a small world, judged step by step by a naive model of sections 5 to 7.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // clippy's exemption leaves out helpers

mod support;

use std::collections::BTreeMap;

use crsocket::protocol::ids::Role;
use crsocket::protocol::time::{Millis, Timing};

use support::world::{Answers, World};

fn timing(seed: u64) -> Timing {
    let mut timing = Timing::default();
    if seed.is_multiple_of(5) {
        timing.min_cr_event_dt = Millis::ZERO;
    }
    if seed % 3 == 1 {
        timing.release_dt = Millis(17_000);
    }
    timing
}

fn walk(seeds: std::ops::Range<u64>, steps: u32, answers: Answers) -> BTreeMap<String, usize> {
    let mut statistics: BTreeMap<String, usize> = BTreeMap::new();
    for seed in seeds {
        for role in [Role::Controller, Role::Responder] {
            let mut world = World::new(seed, role, answers, timing(seed));
            world.start();
            for _ in 0..steps {
                world.walk();
            }
            world.finish();
            for (what, count) in &world.statistics {
                *statistics.entry(what.clone()).or_default() += count;
            }
        }
    }
    statistics
}

/// With sendevents answered at once: every report, every sendevent, its time, order, recipient and credentials.
#[test]
fn every_report_and_every_sendevent_is_what_the_model_says() {
    let statistics = walk(0..1_500, 300, Answers::AtOnce);
    println!("{statistics:#?}");
}

/// With sendevents answered late, never or with refusals: states, reports, goodbyes, order, fates.
#[test]
fn states_and_goodbyes_hold_in_a_rough_world() {
    let statistics = walk(10_000..11_500, 300, Answers::Rough);
    println!("{statistics:#?}");
}
