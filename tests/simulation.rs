//! The short version of the campaigns that `crsocket check` runs: everything must hold in some hundreds of lives.
//!
//! Longer ones: `cargo run --release -- check --seeds 100000 --faults harsh`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it saw by panicking"
)]

use std::num::NonZero;
use std::thread;

use crsocket::check::campaign::Campaign;
use crsocket::check::life::{Summary, live};
use crsocket::check::plan::{Faults, Trouble, What};
use crsocket::check::shrink::shrink;
use crsocket::check::story::pair_life;
use crsocket::check::trace::{describe, trace};
use crsocket::check::watch::{Invariant, Violation};
use crsocket::protocol::time::{Millis, Timing};

fn campaign(faults: Faults, seeds: u64) -> Campaign {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let length = Millis::from_secs(3_600);
    Campaign { from: 0, seeds, pairs: 2, length, faults, timing: Timing::default(), threads }
}

/// Lives them, and says what a life in which something did not hold looks like.
fn expect_all_holds(campaign: &Campaign) -> Summary {
    let (_, summary, failure) = campaign.run(|_, _| {});
    if let Some(failure) = failure {
        let (plan, violation) = shrink(&failure.plan, &failure.violation, &campaign.timing);
        let lines = trace(&plan, &campaign.timing).unwrap();
        let end = &lines[lines.len().saturating_sub(80)..];
        let seed = failure.plan.scenario.seed;
        panic!("seed {seed}, {:?}: {}\n{}", campaign.faults, describe(&violation).join("\n"), end.join("\n"));
    }
    summary
}

#[test]
fn everything_holds_in_500_lives_with_mild_faults() {
    let summary = expect_all_holds(&campaign(Faults::Mild, 500));
    assert!(summary.calms > 5_000, "{summary:?}");
    assert!(
        summary.unwilling * 20 < summary.calms,
        "too few pairs are willing to prove anything: {summary:?}"
    );
}

#[test]
fn everything_holds_in_100_lives_with_harsh_faults() {
    let summary = expect_all_holds(&campaign(Faults::Harsh, 100));
    let pairs = summary.calms * 2;
    assert!(summary.unwilling * 100 < pairs * 15, "too few pairs are willing to prove anything: {summary:?}");
}

#[test]
fn everybody_stays_together_where_nothing_goes_wrong() {
    let campaign = campaign(Faults::None, 40);
    expect_all_holds(&campaign);
    // Where anybody may pair with anybody, a stranger may take a free responder first.
    let plans = (0..40).map(|seed| campaign.plan(seed)).filter(|plan| !plan.stranger);
    let lives: Vec<Summary> = plans.map(|plan| live(&plan, &campaign.timing).unwrap()).collect();
    assert!(lives.len() > 10, "{}", lives.len());
    assert!(lives.iter().all(|summary| summary.unwilling == 0), "{lives:?}");
    assert!(lives.iter().all(|summary| summary.slowest < Millis(3_000)), "{lives:?}");
}

#[test]
fn unassigns_that_wait_behind_each_other_while_nothing_is_answered_are_in_time() {
    let campaign = campaign(Faults::Harsh, 1);
    let plan = campaign.plan(399_459);
    let lines = trace(&plan, &campaign.timing).unwrap();
    // Back online it repeats all three after sendAnswerDt at most, and each waits as long for its answer.
    for (second, partner) in [(2_660, "235880"), (2_665, "703171"), (2_670, "647679")] {
        let goodbye = format!("unassign notPaired (703171/0) -> {partner}");
        let said: Vec<&String> = lines.iter().filter(|line| line.contains(&goodbye)).collect();
        let is_then =
            |line: &&String| line.trim_start().starts_with(&second.to_string()) && line.contains("> #");
        assert!(said.iter().any(is_then), "{partner} at {second} s: {said:?}");
    }
    live(&plan, &campaign.timing).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_life() {
    let campaign = campaign(Faults::Harsh, 1);
    let lives = [7, 7, 8].map(|seed| trace(&campaign.plan(seed), &campaign.timing).unwrap());
    assert_eq!(lives[0], lives[1]);
    assert_ne!(lives[0], lives[2]);
    assert_eq!(pair_life(3), pair_life(3));
}

/// A server that ends sessions before their clients are due to say that they are alive: pairs cannot stay.
fn impossible_timing() -> Timing {
    Timing { max_prev_alive_dt: Millis(7_000), ..Timing::default() }
}

#[test]
fn a_rule_that_does_not_work_is_found_and_the_life_is_shrunk() {
    let timing = impossible_timing();
    assert!(timing.check().is_err(), "section 8 refuses it");
    let campaign = Campaign { timing, ..campaign(Faults::Harsh, 20) };
    let (_, _, failure) = campaign.run(|_, _| {});
    let failure = failure.expect("sessions end all the time");
    let (plan, violation) = shrink(&failure.plan, &failure.violation, &campaign.timing);
    assert_eq!(violation.invariant, failure.violation.invariant);
    assert!(plan.trouble_count() < failure.plan.trouble_count(), "nothing was left out");
    let again = live(&plan, &campaign.timing);
    assert_eq!(again, Err(violation), "the shrunk life goes wrong in the same way again");
}

#[test]
fn a_panic_is_a_violation_with_its_time_and_can_be_told() {
    let campaign = campaign(Faults::None, 1);
    let mut plan = campaign.plan(0);
    // There is no such client.
    let trouble = Trouble { at: Millis(5_000), length: Millis(1), client: 1_000, what: What::StreamCut };
    plan.rounds[0].troubles.push(trouble);
    let violation = live(&plan, &campaign.timing).expect_err("the simulation looks for a client");
    assert_eq!((violation.invariant, violation.at), (Invariant::NoPanic, Millis(5_000)), "{violation:?}");
    assert!(violation.seen.contains("1000"), "{violation:?}");
    let (plan, violation) = shrink(&plan, &violation, &campaign.timing);
    assert_eq!(plan.trouble_count(), 1);
    let told = trace(&plan, &campaign.timing).unwrap().join("\n");
    assert!(told.contains(&describe(&violation).join("\n")), "{told}");
}

#[test]
fn a_violation_is_told_with_its_rule() {
    let invariant = Invariant::PairsStay;
    let violation = Violation { invariant, at: Millis(1_500), client: Some(1), seen: "what was seen".into() };
    let told = describe(&violation).join("\n");
    for part in ["PairsStay", "1.500 s", "client 1", invariant.sentence(), "what was seen"] {
        assert!(told.contains(part), "{part} is missing in: {told}");
    }
}
