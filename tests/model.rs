//! Every situation that small worlds can get into, visited once: the real machines under a model checker.
//!
//! ```sh
//! cargo test --profile ci --test model                                          # the smallest worlds, in seconds
//! cargo test --profile ci --test model -- --ignored --nocapture long_rival      # one of the larger ones, in minutes
//! ```
//!
//! # What happens
//!
//! Clients are [`WiredSocket`](crsocket::protocol::wired::WiredSocket)s and the server is a
//! [`SessionTable`](crsocket::protocol::sessions::SessionTable), as they are. `lab.rs` is what lies between them.
//! Whatever can happen is tried, in every order: requests, answers and news of lost connections arrive in any order,
//! frames of one stream in theirs; timers that are due together fire in any order. As long as a budget lasts
//! ([`Budget`]), people do what they may (a [`Setup`] says what), requests, answers and news are lost, requests find no
//! connection, streams break with both ends knowing or with nobody knowing, and anything takes its time.
//!
//! # Time
//!
//! Time passes in steps of half a second, and all timings are multiples of it, so that every order of what falls due,
//! and every moment of a deed or a fault on this grain, is covered. Nothing takes time by itself: what is under way
//! arrives before time passes, unless it is made late at the cost of the budget; then it arrives at any moment from then
//! on. Situations hold ages, never moments (`aged`), which makes them few enough to count.
//!
//! # CrEvents of enclosing clients
//!
//! People also send crEvents, with or without the flag `buffered`, as a budget of its own allows. Each bears the number
//! of those that its client sent before it, and is followed from there (`mail.rs`): handed over to the line, accepted,
//! written, heard. When nothing is left of a client's crEvents, it counts anew, so that situations that differ only in
//! what has been said are one.
//!
//! # What must hold
//!
//! `rules.rs`, at every step. And `peace.rs`, section 10 of the specification: from every situation, left to itself, the
//! one fair run leads within the bound to a circle in which every willing pair interacts, and holds nothing back. The
//! checker's own `eventually` is not used: it takes circles for paths that have not ended.
//!
//! That these can fail: [`Mutant`] breaks what lies between the machines, and the test of it says which property notices;
//! `.ci/mutations` breaks the machines themselves.
//!
//! # What is not covered
//!
//! Jitter (backoff has none, `retry:` and the healing of aborts are the shortest); timers that fire late, so sleeping
//! devices; pages that are reloaded or unloaded; a server that stops or recycles; outputs that are not read, bounds of
//! bytes, rates; interceptors; existing clients; more at once than the budgets say. The seeded simulation (`src/check`)
//! goes there.
//!
//! # How much that is
//!
//! ARCHITECTURE.md, "What was tried", has a table of the worlds, their budgets and how many situations they have.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a test says what it saw by panicking and printing, helpers included, and its modules are nobody else's"
)]

#[path = "model/lab.rs"]
mod lab;
#[path = "model/mail.rs"]
mod mail;
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

use crsocket::protocol::policy::Pairing;
use lab::{Happening, Lab};
use peace::{Until, longest_allowed};
use rules::Rule;
use setup::{
    Mutant, Setup, assigns, controller, foreigner, goes_offline, hides, new_token, pauses, renames,
    responder, says, short_timing, stranger, thief,
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
        let all: Vec<Property<Lab>> = vec![
            Property::always("state follows facts", |lab, now| lab.held(now, Rule::StateFollowsFacts)),
            Property::always("children agree", |lab, now| lab.held(now, Rule::ChildrenAgree)),
            Property::always("only the partner is heard", |lab, now| lab.held(now, Rule::OnlyThePartner)),
            Property::always("one stream", |lab, now| lab.held(now, Rule::OneStream)),
            Property::always("goodbyes are true", |lab, now| lab.held(now, Rule::GoodbyeCredentials)),
            Property::always("no timer leaks", |lab, now| lab.held(now, Rule::NoTimerLeak)),
            Property::always("events leave in order", |lab, now| lab.held(now, Rule::OrderAtTheLink)),
            Property::always("one request at a time", |lab, now| lab.held(now, Rule::OneAtATime)),
            Property::always("events come in order, once", |lab, now| lab.held(now, Rule::OrderOfDelivery)),
            Property::always("bounds hold", |lab, now| lab.held(now, Rule::Bounds)),
            Property::always("nothing crosses", |lab, now| lab.held(now, Rule::NoCrossing)),
            Property::always("nobody speaks for others", |lab, now| lab.held(now, Rule::NoImpersonation)),
            Property::always("sessions are their owners'", |lab, now| {
                lab.held(now, Rule::SessionsAreTheirOwners)
            }),
            Property::always("peace comes", |lab, now| match lab.until_peace(now) {
                Until::Now => true,
                Until::In(time) => i64::from(time) <= longest_allowed(lab).0,
                Until::Never => false,
            }),
        ];
        // With a fault put in on purpose, what it breaks first is not the question.
        let expected = self.setup.mutant.map(Mutant::breaks);
        all.into_iter().filter(|one| expected.is_none_or(|name| one.name == name)).collect()
    }
}

/// Visits everything, and says what was found first, if anything.
fn explore(name: &str, setup: Setup) -> Option<String> {
    let (start, processor_before) = (Instant::now(), processor_seconds());
    forget_peak_memory();
    let checker =
        Lab::new(setup).checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let lab = checker.model();
    let (pages, servers) = lab.kinds();
    println!(
        "{name}, {:?}: {} situations, {} steps, {} deep, {pages} pages, {servers} servers; longest way to peace {} ms \
         (allowed {}); {:.1} s, {:.1} s on processors{}",
        lab.setup.budget,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        lab.peace.lock().unwrap().longest,
        longest_allowed(lab),
        start.elapsed().as_secs_f64(),
        processor_seconds() - processor_before,
        peak_memory().map_or_else(String::new, |peak| format!(", {peak} at most")),
    );
    // Of several, the one that shows first.
    let found = checker.discoveries().into_iter().map(|(property, path)| (path.into_vec(), property));
    let (path, property) = found.min_by_key(|(path, property)| (path.len(), *property))?;
    let happenings: Vec<String> =
        path.into_iter().filter_map(|(_, happening)| Some(format!("{:?}", happening?))).collect();
    println!("{property} does not hold after:\n{}", happenings.join("\n"));
    Some(property.to_owned())
}

/// How much processor time all threads of this process took so far, where the system tells in hundredths of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, is the second field; user and system time are the 14th and 15th.
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let times = behind_name.split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// What an earlier world took does not count any more, where the system lets one say so.
fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory this process had since then, where the system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

/// A controller, its responder, and what their people do.
fn pair(budget: Budget) -> Setup {
    Setup {
        clients: vec![controller(1, Some(11), [assigns(&[11]), hides()].concat()), responder(11, hides())],
        timing: short_timing(),
        budget,
        pairing: Pairing::Any,
        line_events: 100,
        harmonious: true,
        mutant: None,
    }
}

/// A pair, of which the controller gets another clientId and the responder another token.
fn pair_that_changes(budget: Budget) -> Setup {
    let controller = controller(1, Some(11), [assigns(&[11]), renames(9), new_token()].concat());
    let responder = responder(11, [renames(19), new_token()].concat());
    Setup { clients: vec![controller, responder], harmonious: false, ..pair(budget) }
}

/// A pair, of which the controller gets another clientId.
fn pair_that_renames(budget: Budget) -> Setup {
    let controller = controller(1, Some(11), renames(9));
    Setup { clients: vec![controller, responder(11, Vec::new())], harmonious: false, ..pair(budget) }
}

/// A pair that pauses and goes offline.
fn pair_that_pauses(budget: Budget) -> Setup {
    let deeds = || [pauses(), goes_offline()].concat();
    Setup { clients: vec![controller(1, Some(11), deeds()), responder(11, deeds())], ..pair(budget) }
}

/// A pair whose enclosing clients send crEvents, while both may hide.
fn pair_that_talks(budget: Budget) -> Setup {
    let deeds = || [hides(), says()].concat();
    Setup { clients: vec![controller(1, Some(11), deeds()), responder(11, deeds())], ..pair(budget) }
}

/// A controller that talks to a responder that hides, where one crEvent may wait for it, and no more.
fn pair_with_short_lines(budget: Budget) -> Setup {
    let clients = vec![controller(1, Some(11), says()), responder(11, hides())];
    Setup { clients, line_events: 2, ..pair(budget) }
}

/// A controller that goes offline, changes partners and talks meanwhile.
fn pair_that_talks_offline(budget: Budget) -> Setup {
    let deeds = [goes_offline(), assigns(&[11]), says()].concat();
    Setup { clients: vec![controller(1, Some(11), deeds), responder(11, Vec::new())], ..pair(budget) }
}

/// A pair that talks, and whose ids change.
fn pair_that_talks_and_changes(budget: Budget) -> Setup {
    let controller = controller(1, Some(11), [renames(9), new_token(), says()].concat());
    let responder = responder(11, [renames(19), says()].concat());
    Setup { clients: vec![controller, responder], harmonious: false, ..pair(budget) }
}

/// A pair of one user, and a controller of another, which wants the responder, or the other controller.
fn pair_with_a_stranger(budget: Budget) -> Setup {
    let stranger = stranger(2, Some(11), [assigns(&[11, 1]), says()].concat());
    let clients = vec![controller(1, Some(11), says()), stranger, responder(11, says())];
    Setup { clients, pairing: Pairing::SameUser, ..pair(budget) }
}

/// A pair, and somebody who bears the controller's clientId.
fn pair_with_a_thief(budget: Budget) -> Setup {
    let thief = thief(1, Some(11), [hides(), assigns(&[11]), says()].concat());
    let clients = vec![controller(1, Some(11), says()), thief, responder(11, says())];
    Setup { clients, ..pair(budget) }
}

/// Two controllers that want the same responder.
fn pair_with_a_rival(budget: Budget) -> Setup {
    let controllers = [1, 2].map(|number| controller(number, Some(11), [assigns(&[11]), hides()].concat()));
    let clients = controllers.into_iter().chain([responder(11, hides())]).collect();
    Setup { clients, harmonious: budget.deeds == 0, ..pair(budget) }
}

/// A pair, and a controller of another app that wants the same responder.
fn pair_with_a_foreigner(budget: Budget) -> Setup {
    let deeds = [assigns(&[11]), hides()].concat();
    let clients =
        vec![controller(1, Some(11), deeds.clone()), foreigner(2, Some(11), deeds), responder(11, hides())];
    Setup { clients, harmonious: budget.deeds == 0, ..pair(budget) }
}

/// Two pairs; the controllers may change partners.
fn two_pairs(budget: Budget) -> Setup {
    let clients = vec![
        controller(1, Some(11), assigns(&[11, 12])),
        controller(2, Some(12), assigns(&[11, 12])),
        responder(11, Vec::new()),
        responder(12, Vec::new()),
    ];
    Setup { clients, harmonious: budget.deeds == 0, ..pair(budget) }
}

fn budget((deeds, lost, cut, late, events): (u8, u8, u8, u8, u8)) -> Budget {
    Budget { deeds, lost, cut, late, events }
}

/// Explores the same world with each of these budgets: deeds, lost, cut, late, events.
#[track_caller]
fn holds(name: &str, setup: fn(Budget) -> Setup, budgets: &[(u8, u8, u8, u8, u8)]) {
    for &each in budgets {
        assert_eq!(explore(name, setup(budget(each))), None, "{name}");
    }
}

#[test]
fn a_pair() {
    holds("a pair", pair, &[(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0)]);
    holds("a pair that pauses", pair_that_pauses, &[(1, 0, 0, 0, 0)]);
}

#[test]
fn three_clients() {
    holds("a pair with a rival", pair_with_a_rival, &[(0, 0, 0, 0, 0)]);
    holds("a pair with a foreigner", pair_with_a_foreigner, &[(0, 0, 0, 0, 0)]);
}

#[test]
fn clients_that_talk() {
    holds("a pair that talks", pair_that_talks, &[(0, 0, 0, 0, 1)]);
    holds("a pair with short lines", pair_with_short_lines, &[(1, 0, 0, 0, 1)]);
    holds("a pair that talks offline", pair_that_talks_offline, &[(0, 0, 0, 0, 2), (1, 0, 0, 0, 1)]);
}

#[test]
fn clients_that_talk_over_losses() {
    holds("a pair that talks offline", pair_that_talks_offline, &[(0, 1, 0, 0, 1)]);
}

#[test]
fn credentials_that_change() {
    holds("a pair that changes", pair_that_changes, &[(1, 0, 0, 0, 0)]);
    holds("a pair that renames", pair_that_renames, &[(1, 1, 0, 0, 0)]);
}

#[test]
fn intruders() {
    holds("a pair with a stranger", pair_with_a_stranger, &[(0, 0, 0, 0, 0)]);
    holds("a pair with a thief", pair_with_a_thief, &[(0, 0, 0, 0, 1), (1, 0, 0, 0, 0)]);
}

/// A check that cannot fail is worth nothing.
#[test]
fn faults_put_in_on_purpose_are_found() {
    let rival = pair_with_a_rival(budget((1, 0, 0, 0, 0)));
    let talk = pair_that_talks(budget((0, 0, 0, 0, 1)));
    for (mutant, setup) in [
        (Mutant::UnassignForgotten, pair(budget((2, 0, 0, 0, 0)))),
        (Mutant::RejectsMisrouted, rival.clone()),
        (Mutant::StrangersHeard, rival),
        (Mutant::TimersNotCancelled, pair(budget((1, 0, 0, 0, 0)))),
        (Mutant::EventsTwice, talk.clone()),
        (Mutant::RequestsTwice, talk),
        (Mutant::LinesUnbounded, pair_with_short_lines(budget((1, 0, 0, 0, 2)))),
        (Mutant::AnyPairing, pair_with_a_stranger(budget((0, 0, 0, 0, 0)))),
        (Mutant::AnySpeaker, pair_with_a_thief(budget((1, 0, 0, 0, 1)))),
    ] {
        let setup = Setup { mutant: Some(mutant), ..setup };
        let found = explore(&format!("{mutant:?}"), setup);
        assert_eq!(found.as_deref(), Some(mutant.breaks()), "{mutant:?}");
    }
}

/// Those that no [`Mutant`] breaks are broken by a change of the rules, which `.ci/mutations` tries.
#[test]
fn every_property_has_something_that_breaks_it() {
    let mutations = include_str!("mutations/rules.txt");
    let by_rules: Vec<&str> = mutations.lines().filter_map(|line| line.strip_prefix("model ")).collect();
    for property in Lab::new(pair(budget((0, 0, 0, 0, 0)))).properties() {
        let is_broken =
            by_rules.contains(&property.name) || Mutant::ALL.iter().any(|one| one.breaks() == property.name);
        assert!(is_broken, "nothing is known to break: {}", property.name);
    }
}

#[test]
#[ignore = "takes minutes"]
fn long_pair() {
    let budgets = [(2, 0, 0, 0, 0), (0, 0, 0, 1, 0), (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (0, 1, 1, 0, 0)];
    holds("a pair", pair, &budgets);
    holds("a pair that pauses", pair_that_pauses, &[(2, 0, 0, 0, 0)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_talks() {
    holds("a pair that talks", pair_that_talks, &[(0, 0, 0, 0, 2), (1, 0, 0, 0, 1), (0, 0, 0, 1, 1)]);
    holds("a pair with short lines", pair_with_short_lines, &[(1, 0, 0, 0, 2), (2, 0, 0, 0, 1)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_talks_with_faults() {
    holds("a pair that talks", pair_that_talks, &[(0, 1, 0, 0, 1), (0, 0, 1, 0, 1)]);
    holds("a pair with short lines", pair_with_short_lines, &[(0, 1, 0, 0, 2)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_talks_offline() {
    let budgets = [(1, 0, 0, 0, 2), (2, 0, 0, 0, 1), (1, 1, 0, 0, 1)];
    holds("a pair that talks offline", pair_that_talks_offline, &budgets);
}

#[test]
#[ignore = "takes minutes"]
fn long_talks_and_changes() {
    holds("a pair that talks and changes", pair_that_talks_and_changes, &[(1, 0, 0, 0, 1)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_intruders() {
    holds("a pair with a stranger", pair_with_a_stranger, &[(0, 0, 0, 0, 1), (1, 0, 0, 0, 0)]);
    holds("a pair with a thief", pair_with_a_thief, &[(1, 0, 0, 0, 1), (2, 0, 0, 0, 0)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_changes() {
    holds("a pair that changes", pair_that_changes, &[(1, 1, 0, 0, 0)]);
}

#[test]
#[ignore = "takes ten minutes"]
fn long_changes_in_a_row() {
    holds("a pair that changes", pair_that_changes, &[(2, 0, 0, 0, 0)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_rival() {
    let budgets = [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0)];
    holds("a pair with a rival", pair_with_a_rival, &budgets);
}

#[test]
#[ignore = "takes minutes"]
fn long_foreigner() {
    holds("a pair with a foreigner", pair_with_a_foreigner, &[(1, 0, 0, 0, 0), (0, 1, 0, 0, 0)]);
}

#[test]
#[ignore = "takes ten minutes"]
fn long_two_pairs() {
    holds("two pairs", two_pairs, &[(0, 0, 0, 0, 0), (1, 0, 0, 0, 0)]);
}

#[test]
#[ignore = "takes ten minutes"]
fn long_more_at_once() {
    holds("a pair", pair, &[(1, 1, 1, 0, 0), (2, 1, 0, 0, 0), (3, 0, 0, 0, 0)]);
}

#[test]
#[ignore = "takes minutes"]
fn long_two_pairs_with_faults() {
    holds("two pairs", two_pairs, &[(0, 1, 0, 0, 0)]);
}
