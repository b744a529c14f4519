//! Every situation that small worlds can get into, visited once: the real machines under a model checker.

// A test says what it saw by panicking and printing, helpers included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    missing_debug_implementations
)]

#[path = "model/lab.rs"]
mod lab;
#[path = "model/peace.rs"]
mod peace;
#[path = "model/rules.rs"]
mod rules;
#[path = "model/setup.rs"]
mod setup;
#[path = "model/shared.rs"]
mod shared;
#[path = "model/situation.rs"]
mod situation;

use std::time::Instant;

use lab::{Happening, Lab};
use peace::{Until, longest_allowed};
use rules::Rule;
use setup::{
    Mutant, Setup, assigns, controller, foreigner, goes_offline, hides, new_token, pauses, renames,
    responder, short_timing,
};
use situation::{Budget, Situation};
use stateright::{Checker, HasDiscoveries, Model, Property};

impl Model for Lab {
    type State = Situation;
    type Action = Happening;

    fn init_states(&self) -> Vec<Situation> {
        vec![self.start()]
    }

    fn actions(&self, now: &Situation, happenings: &mut Vec<Happening>) {
        self.by_itself(now, happenings);
        self.by_budget(now, happenings);
    }

    fn next_state(&self, now: &Situation, happening: Happening) -> Option<Situation> {
        Some(self.after(now, &happening))
    }

    fn properties(&self) -> Vec<Property<Lab>> {
        vec![
            Property::always("state follows facts", |lab, now| lab.held(now, Rule::StateFollowsFacts)),
            Property::always("children agree", |lab, now| lab.held(now, Rule::ChildrenAgree)),
            Property::always("only the partner is heard", |lab, now| lab.held(now, Rule::OnlyThePartner)),
            Property::always("one stream", |lab, now| lab.held(now, Rule::OneStream)),
            Property::always("goodbyes are true", |lab, now| lab.held(now, Rule::GoodbyeCredentials)),
            Property::always("no timer leaks", |lab, now| lab.held(now, Rule::NoTimerLeak)),
            Property::always("nothing crosses", |lab, now| lab.held(now, Rule::NoCrossing)),
            Property::always("sessions are their owners'", |lab, now| {
                lab.held(now, Rule::SessionsAreTheirOwners)
            }),
            Property::always("peace comes", |lab, now| match lab.until_peace(now) {
                Until::Now => true,
                Until::In(time) => i64::from(time) <= longest_allowed(lab).0,
                Until::Never => false,
            }),
        ]
    }
}

/// Visits everything, and says what was found first, if anything.
fn explore(name: &str, setup: Setup) -> Option<String> {
    let start = Instant::now();
    let checker =
        Lab::new(setup).checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let lab = checker.model();
    let (pages, servers) = lab.kinds();
    println!(
        "{name}: {} situations, {} steps, {} deep, {pages} pages, {servers} servers; longest way to peace {} ms \
         (allowed {}); {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        lab.peace.lock().unwrap().longest,
        longest_allowed(lab),
        start.elapsed().as_secs_f64(),
    );
    let (property, path) = checker.discoveries().into_iter().next()?;
    let happenings: Vec<String> =
        path.into_vec().into_iter().filter_map(|(_, happening)| Some(format!("{:?}", happening?))).collect();
    println!("{property} does not hold after:\n{}", happenings.join("\n"));
    Some(property.to_owned())
}

/// A controller, its responder, and what their people do.
fn pair(budget: Budget) -> Setup {
    Setup {
        clients: vec![controller(1, Some(11), [assigns(&[11]), hides()].concat()), responder(11, hides())],
        timing: short_timing(),
        budget,
        harmonious: false,
        mutant: None,
    }
}

/// A pair, of which the controller gets another clientId and the responder another token.
fn pair_that_changes(budget: Budget) -> Setup {
    let controller = controller(1, Some(11), [assigns(&[11]), renames(9), new_token()].concat());
    let responder = responder(11, [renames(19), new_token()].concat());
    Setup { clients: vec![controller, responder], ..pair(budget) }
}

/// A pair that pauses and goes offline.
fn pair_that_pauses(budget: Budget) -> Setup {
    let deeds = || [pauses(), goes_offline()].concat();
    Setup { clients: vec![controller(1, Some(11), deeds()), responder(11, deeds())], ..pair(budget) }
}

/// Two controllers that want the same responder.
fn pair_with_a_rival(budget: Budget) -> Setup {
    let controllers = [1, 2].map(|number| controller(number, Some(11), [assigns(&[11]), hides()].concat()));
    let clients = controllers.into_iter().chain([responder(11, hides())]).collect();
    Setup { clients, ..pair(budget) }
}

/// A pair, and a controller of another app that wants the same responder.
fn pair_with_a_foreigner(budget: Budget) -> Setup {
    let deeds = [assigns(&[11]), hides()].concat();
    let clients =
        vec![controller(1, Some(11), deeds.clone()), foreigner(2, Some(11), deeds), responder(11, hides())];
    Setup { clients, ..pair(budget) }
}

/// Two pairs; the controllers may change partners.
fn two_pairs(budget: Budget) -> Setup {
    let clients = vec![
        controller(1, Some(11), assigns(&[11, 12])),
        controller(2, Some(12), assigns(&[11, 12])),
        responder(11, Vec::new()),
        responder(12, Vec::new()),
    ];
    Setup { clients, ..pair(budget) }
}

fn budget(deeds: u8, lost: u8, cut: u8, late: u8) -> Budget {
    Budget { deeds, lost, cut, late }
}

#[test]
fn a_pair() {
    assert_eq!(explore("a pair", pair(budget(1, 0, 0, 0))), None);
}

#[test]
#[ignore]
fn trial() {
    let text = std::env::var("TRIAL").unwrap();
    let words: Vec<&str> = text.split(',').collect();
    let n = |i: usize| words[i].parse().unwrap();
    let budget = budget(n(1), n(2), n(3), n(4));
    let mut setup = match words[0] {
        "pair" => pair(budget),
        "changes" => pair_that_changes(budget),
        "pauses" => pair_that_pauses(budget),
        "rival" => pair_with_a_rival(budget),
        "foreigner" => pair_with_a_foreigner(budget),
        _ => two_pairs(budget),
    };
    match words.get(5) {
        Some(&"unassign") => setup.mutant = Some(Mutant::UnassignForgotten),
        Some(&"timers") => setup.mutant = Some(Mutant::TimersNotCancelled),
        Some(&"strangers") => setup.mutant = Some(Mutant::StrangersHeard),
        Some(&"rejects") => setup.mutant = Some(Mutant::RejectsMisrouted),
        Some(&"strict") => setup.harmonious = true,
        _ => {}
    }
    explore(&text, setup);
}
