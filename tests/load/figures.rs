//! What the report says is what the double did, to the event.

use std::time::Duration;

use crate::double::{Damage, Did, Double, Rule};
use crate::run::{Asked, Ended, Report};

/// Five pairs in open loop, a hundred events a second together, for four seconds.
const OPEN_LOOP: &str = "--pairs 5 --rate 20 --spacing 0 --warmup 1 --seconds 3";

/// How exactly lengths are kept, as a share of them.
const EXACT: f64 = 0.01;

/// Runs a load test against this double.
fn run(double: &Double, words: &str) -> Ended {
    Asked::load("--ramp 0 --threads 1").words(words).at(&double.url()).json().run()
}

/// Runs it in open loop against a double that does this; the report, and what the double did.
#[track_caller]
fn measured(rules: &[Rule]) -> (Report, Did) {
    measured_with(rules, "")
}

#[track_caller]
fn measured_with(rules: &[Rule], words: &str) -> (Report, Did) {
    let double = Double::that(rules.iter().copied());
    let report = run(&double, &format!("{OPEN_LOOP} {words}")).with(0).report();
    let did = double.did();
    agrees(&report, &did);
    assert!(did.came >= 300, "far too few events: {did:?}");
    (report, did)
}

/// Every count of the report is the double's.
#[track_caller]
pub fn agrees(report: &Report, did: &Did) {
    let refused: u64 = did.refused.values().sum();
    let counts = [
        ("events.sent", did.came),
        ("events.received", did.delivered),
        ("events.lost", did.dropped + did.garbled),
        ("events.lostWithoutIncident", did.dropped + did.garbled),
        ("events.duplicated", did.duplicated),
        ("events.outOfOrder", did.swapped),
        ("events.unexpected", did.garbled),
        ("events.refused", refused),
        ("events.unconfirmed", did.unanswered),
        ("events.notSent", 0),
    ];
    let wrong: Vec<String> = counts
        .iter()
        .filter(|(name, expected)| report.count(name) != *expected)
        .map(|(name, expected)| format!("{name} is {}, not {expected}", report.count(name)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}; the double: {did:?}; the report: {:#}", report.at("events"));
    assert_eq!(did.without_recipient, 0, "{did:?}");
    for (status, count) in &did.refused {
        assert_eq!(report.errors(&format!("refused: {status}")), *count, "{:#}", report.at("errors"));
    }
    assert!(report.count("events.intended") >= did.came, "{:#}", report.at("events"));
}

#[test]
fn of_an_honest_server_nothing_is_said() {
    let (report, did) = measured(&[]);
    assert_eq!(did.delivered, did.came);
    assert_eq!(report.at("errors"), &serde_json::json!([]));
    assert_eq!(report.at("outages"), &serde_json::json!([]));
    assert_eq!(report.at("interrupted"), false);
    assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (10, 10));
    let p50 = report.number("latencyMs.p50");
    assert!((0.05..250.0).contains(&p50), "{:#}", report.at("latencyMs"));
    let per_second = report.number("events.perSecond");
    assert!((50.0..=150.0).contains(&per_second), "a hundred a second were sent, {per_second} arrived");
    let seconds = report.number("seconds");
    assert!((2.8..=6.0).contains(&seconds), "three seconds were to be measured, it were {seconds}");
}

#[test]
fn what_is_dropped_is_lost() {
    let (_, did) = measured(&[Rule::every(7, Damage::Drop)]);
    assert_eq!(did.dropped, did.came / 7);
}

#[test]
fn what_comes_twice_is_duplicated_and_not_out_of_order() {
    let (_, did) = measured(&[Rule::every(5, Damage::Duplicate)]);
    assert_eq!(did.duplicated, did.came / 5);
    let (_, did) = measured(&[Rule::every(5, Damage::DuplicateLater)]);
    assert!(did.duplicated > 20, "{did:?}");
}

#[test]
fn what_is_overtaken_is_out_of_order_and_not_lost() {
    let (_, did) = measured(&[Rule::every(6, Damage::Swap)]);
    assert!(did.swapped > 20, "{did:?}");
}

#[test]
fn what_nobody_sent_is_unexpected_and_what_it_was_is_lost() {
    let (_, did) = measured(&[Rule::every(50, Damage::Garble)]);
    assert_eq!(did.garbled, did.came / 50);
}

#[test]
fn what_is_refused_is_counted_by_status_and_is_not_lost() {
    let (report, did) = measured(&[
        Rule::every(30, Damage::Refuse(429)),
        Rule::every(20, Damage::Refuse(503)),
        Rule::every(7, Damage::Refuse(400)),
    ]);
    assert_eq!(did.refused.keys().collect::<Vec<_>>(), [&400, &429, &503]);
    assert_eq!(report.at("events.lost"), 0);
}

#[test]
fn all_of_it_at_once_is_told_apart() {
    let (_, did) = measured(&[
        Rule::every(11, Damage::Drop),
        Rule::every(13, Damage::Duplicate),
        Rule::every(17, Damage::Swap),
        Rule::every(19, Damage::Refuse(503)),
        Rule::every(23, Damage::Garble),
        Rule::every(29, Damage::DuplicateLater),
        Rule::every(31, Damage::Delay(Duration::from_millis(40))),
    ]);
    let each = [did.dropped, did.duplicated, did.swapped, did.refused[&503], did.garbled, did.delayed];
    assert!(each.iter().all(|&count| count > 3), "{did:?}");
}

#[test]
fn a_delay_is_in_the_latency_and_nowhere_else() {
    // The first one is of the warm-up.
    let length = Duration::from_millis(400);
    let (report, did) = measured(&[Rule::nth(250, Damage::Delay(length))]);
    assert_eq!(did.delayed, 1);
    let max = report.number("latencyMs.max");
    assert!((400.0 * (1.0 - EXACT)..5_000.0).contains(&max), "{:#}", report.at("latencyMs"));
    assert!(report.number("latencyMs.p50") < 300.0, "{:#}", report.at("latencyMs"));
}

#[test]
fn where_everything_is_delayed_no_percentile_is_shorter() {
    let (report, did) = measured(&[Rule::all(Damage::Delay(Duration::from_millis(150)))]);
    assert_eq!(did.delayed, did.came);
    let quantiles =
        ["p50", "p90", "p99", "p999", "max"].map(|name| report.number(&format!("latencyMs.{name}")));
    assert!(quantiles.is_sorted(), "{quantiles:?}");
    assert!(quantiles[0] >= 150.0 * (1.0 - EXACT), "{quantiles:?}");
    assert!(report.number("latencyMs.mean") >= 150.0 * (1.0 - EXACT), "{:#}", report.at("latencyMs"));
    let curve = report.at("percentiles").as_array().unwrap();
    assert!(curve.len() > 10, "{curve:?}");
    assert!(curve.iter().all(|point| point["ms"].as_f64().unwrap() >= 150.0 * (1.0 - EXACT)), "{curve:?}");
}

#[test]
fn the_warm_up_is_not_in_the_latency() {
    let double = Double::that([Rule::nth(10, Damage::Delay(Duration::from_millis(2_000)))]);
    let report = run(&double, "--pairs 5 --rate 20 --spacing 0 --warmup 3 --seconds 1").with(0).report();
    let did = double.did();
    agrees(&report, &did);
    assert_eq!(did.delayed, 1);
    assert!(report.number("latencyMs.max") < 1_900.0, "{:#}", report.at("latencyMs"));
    let slowest =
        report.at("series.points").as_array().unwrap().iter().filter_map(|point| point["maxMs"].as_f64());
    assert!(
        slowest.fold(0.0, f64::max) >= 2_000.0 * (1.0 - EXACT),
        "it is in the series: {:#}",
        report.at("series")
    );
}

#[test]
fn late_answers_are_no_errors() {
    let (report, did) = measured(&[Rule::every(50, Damage::AnswerLate(Duration::from_millis(100)))]);
    assert_eq!(did.answered_late, did.came / 50);
    assert_eq!(report.at("errors"), &serde_json::json!([]));
}

#[test]
fn what_is_never_answered_is_unconfirmed_and_lost_only_if_it_never_arrived() {
    let rules = [Rule::nth(20, Damage::NeverAnswer), Rule::nth(60, Damage::Swallow)];
    let (report, did) = measured_with(&rules, "--timing send_answer_dt=600");
    assert_eq!((did.unanswered, did.dropped), (2, 1));
    assert_eq!((report.count("events.unconfirmed"), report.count("events.lost")), (2, 1));
}

/// In closed loop, a trial waits for the one before.
#[test]
fn trials_are_counted_as_exactly_as_open_loops() {
    let double = Double::that([
        Rule::nth(9, Damage::Drop),
        Rule::nth(20, Damage::Duplicate),
        Rule::nth(31, Damage::Refuse(503)),
    ]);
    let scenario = "name = \"quick\"\n[controller]\ndoes = \"trials\"\npause = { constant_ms = 50 }\n\
        response_within_ms = 500\n[responder]\ndoes = \"answers\"\nthink = { constant_ms = 100 }\n\
        [timing]\nmin_cr_event_dt = 0\n";
    let words = "--scenario quick.toml --pairs 5 --seconds 4 --warmup 0 --ramp 0";
    let ended = Asked::load(words).at(&double.url()).file("quick.toml", scenario).json().run();
    let report = ended.with(0).report();
    let did = double.did();
    agrees(&report, &did);
    assert_eq!((did.dropped, did.duplicated, &did.refused), (1, 1, &[(503, 1)].into()));
    assert!(report.count("trialsMs.count") > 40, "{:#}", report.at("trialsMs"));
    let p50 = report.number("trialsMs.p50");
    assert!((99.0..1_000.0).contains(&p50), "a think time of 100 ms is in each trial: {p50}");
    assert_eq!(report.at("setting.ratePerPair"), &serde_json::Value::Null);
    assert_eq!(report.at("setting.scenario"), "quick");
}

/// Each crSocket has one request at a time on its way. Who measured from the moment when it leaves would see one late event of
/// each; measured from the moment when it was due, all of a second are late.
#[test]
fn a_server_that_stands_still_for_a_second_cannot_hide() {
    let double = Double::that([Rule::nth(600, Damage::StandStill(Duration::from_secs(1)))]);
    let report = run(&double, "--pairs 10 --rate 20 --spacing 0 --warmup 1 --seconds 6").with(0).report();
    agrees(&report, &double.did());
    let (p999, max) = (report.number("latencyMs.p999"), report.number("latencyMs.max"));
    assert!(max >= 950.0 && p999 >= 900.0, "{:#}", report.at("latencyMs"));
    // 200 events a second: those that were due in its first 0.9 s came 0.1 s late at least.
    let count = report.number("latencyMs.count");
    let late = report.share_above(100.0) * count;
    assert!((120.0..=450.0).contains(&late), "{late} of {count} came late, about 180 should have");
}

#[test]
fn who_is_not_let_in_is_missing() {
    let double = Double::that_shuts_out(&["123403"]);
    let words = "--client-ids 123400-123409 --pairs 5 --rate 20 --spacing 0 --warmup 1 --seconds 2";
    let report = run(&double, &format!("{words} --max-until-all-interacting 60s"));
    // What never happened is no pass.
    let report = report.with(1).report();
    let gates = report.at("gates").as_array().unwrap();
    assert_eq!(
        (gates.len(), &gates[0]["passed"], &gates[0]["seen"]),
        (1, &false.into(), &serde_json::Value::Null)
    );
    assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (10, 8));
    assert_eq!(report.at("secondsUntilAllInteracting"), &serde_json::Value::Null);
    let did = double.did();
    // One is asked for to see whether the server is there.
    assert_eq!((did.client_ids, did.streams), (1, 9), "its own clientIds, not the server's: {did:?}");
    assert!(did.shut_out >= 1, "{did:?}");
    assert_eq!(report.count("events.lost"), 0);
    let warnings = report.at("warnings").as_array().unwrap();
    assert!(!warnings.is_empty(), "that somebody never came is worth a warning");
}

#[test]
fn client_ids_are_asked_for_where_none_are_given() {
    let double = Double::honest();
    let report = run(&double, "--pairs 5 --rate 5 --spacing 0 --warmup 0 --seconds 1").with(0).report();
    agrees(&report, &double.did());
    // One more is asked for to see whether the server is there.
    assert_eq!(double.did().client_ids, 11);
}
