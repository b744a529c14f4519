//! Long random walks of a crSocket through a small world, judged step by step by a naive model of sections 5 to 7.

use std::collections::BTreeMap;

use crsocket::protocol::ids::Role;
use crsocket::protocol::time::{Millis, Timing};

use super::world::{ARROWS, Answers, World};

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

/// 300, or as many as the environment asks for.
fn seeds() -> u64 {
    std::env::var("WALK_SEEDS").map_or(300, |seeds| seeds.parse().unwrap())
}

/// Every arrow was taken, and everything that a crSocket says was said: the walk went where it should.
fn has_been_everywhere(statistics: &BTreeMap<String, usize>) {
    let arrows = ARROWS.iter().map(|(from, to)| format!("{from} -> {to}"));
    let messages = ["Ping", "Inactive", "Unassign", "Reject", "Alive", "Close", "Ordinary"];
    for what in arrows.chain(messages.map(|what| format!("sent {what}"))) {
        let count = statistics.get(&what).copied().unwrap_or_default();
        assert!(count >= 100, "{what}: only {count} times in {statistics:#?}");
    }
}

/// With sendevents answered at once: every report, every sendevent, its time, order, recipient and credentials.
#[test]
fn every_report_and_every_sendevent_is_what_the_model_says() {
    has_been_everywhere(&walk(0..seeds(), 300, Answers::AtOnce));
}

/// With sendevents answered late, never or with refusals, and with sleep: states, reports, goodbyes, order, fates.
#[test]
fn states_goodbyes_and_fates_hold_when_answers_are_late_missing_or_refusals() {
    has_been_everywhere(&walk(10_000..10_000 + seeds(), 300, Answers::Rough));
}
