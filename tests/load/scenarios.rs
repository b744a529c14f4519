//! Every scenario that comes with the program runs, here and against a server elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crsocket::simulate::plan::Plan;
use crsocket::simulate::scenario::Scenario;
use crsocket::simulate::time::Micros;

use crate::process::Server;
use crate::run::{Asked, Report};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/scenarios");
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    files
}

/// Nothing is lost but what an incident may take away, and nothing comes twice or out of order.
#[track_caller]
fn is_sound(file: &Path, report: &Report) {
    let count = |name: &str| report.count(&format!("events.{name}"));
    for name in ["lostWithoutIncident", "duplicated", "outOfOrder", "unexpected", "refused"] {
        assert_eq!(count(name), 0, "{name} of {}: {:#}", file.display(), report.at("events"));
    }
    assert_eq!(
        count("sent"),
        count("received") + count("lost"),
        "{}: {:#}",
        file.display(),
        report.at("events")
    );
    let pairs = report.count("setting.pairs");
    let scenario = Scenario::read(file).unwrap();
    // Pages that are gone for a while are not there.
    let (total, all) = (report.count("sockets.total"), 2 * pairs);
    assert!(
        total == all || (!scenario.troubles.is_empty() && total * 10 >= all * 8),
        "{}: {total}",
        file.display()
    );
    assert_eq!(Some(u32::try_from(pairs).unwrap()), scenario.pairs, "{}", file.display());
    assert_eq!(report.at("setting.scenario"), scenario.name.as_str(), "{}", file.display());
    assert!(report.count("pairingMs.count") == pairs, "{}: {:#}", file.display(), report.0);
}

/// Runs all of them beside each other.
fn run_all(server: Option<&str>) {
    let start = |file: PathBuf| {
        let asked =
            Asked::load("--seconds 4 --warmup 1 --ramp 0.5").args(["--scenario", file.to_str().unwrap()]);
        let asked = match server {
            Some(url) => asked.at(url),
            None => asked,
        };
        (file, asked.json().start())
    };
    let running: Vec<_> = files().into_iter().map(start).collect();
    for (file, running) in running {
        is_sound(&file, &running.ended().with(0).report());
    }
}

#[test]
fn every_scenario_runs_in_this_process() {
    run_all(None);
}

#[test]
fn every_scenario_runs_against_a_server() {
    let server = Server::start();
    run_all(Some(&format!("http://{}", server.address)));
}

/// All that can happen, often: everybody comes back, and what was not disturbed arrives.
#[test]
fn every_kind_of_incident_is_told_and_recovered_from() {
    const KINDS: [(&str, &str); 8] = [
        ("pause", "controller"),
        ("hidden", "responder"),
        ("offline", "either"),
        ("reload", "either"),
        ("silent-death", "either"),
        ("wrong-partner", "controller"),
        ("partner-change", "controller"),
        ("token-change", "either"),
    ];
    let mut scenario = "name = \"everything\"\npairs = 8\n[controller]\ndoes = \"trials\"\n\
        pause = { constant_ms = 100 }\nresponse_within_ms = 1000\n[responder]\ndoes = \"answers\"\n\
        think = { constant_ms = 50 }\n[timing]\nmin_cr_event_dt = 0\nsearching_max_event_out_dt = 200\n"
        .to_owned();
    for (what, whom) in KINDS {
        scenario += &format!(
            "[[incident]]\nwhat = \"{what}\"\nwhom = \"{whom}\"\nevery = {{ exponential_ms = 8000 }}\n\
             lasts = {{ constant_ms = 200 }}\n"
        );
    }
    let words = "--scenario all.toml --seconds 10 --warmup 0 --ramp 0 --token one --token two";
    let report = Asked::load(words).file("all.toml", &scenario).json().run().with(0).report();
    let incidents = report.at("incidents").as_array().unwrap();
    for (what, _) in KINDS {
        let told = incidents.iter().find(|incident| incident["kind"] == what);
        let told = told.unwrap_or_else(|| panic!("no {what} in {incidents:#?}"));
        let (count, recovered) = (told["count"].as_u64().unwrap(), told["recovered"].as_u64().unwrap());
        assert!(count >= 3 && recovered >= 1 && recovered <= count, "{told}");
        assert_eq!(told["recoveryMs"]["count"].as_u64(), Some(recovered), "{told}");
    }
    for name in ["lostWithoutIncident", "duplicated", "outOfOrder", "unexpected"] {
        assert_eq!(report.count(&format!("events.{name}")), 0, "{name}: {:#}", report.at("events"));
    }
}

/// Of both sides, also where one is loaded anew while the other's page still closes.
#[test]
fn whoever_is_loaded_anew_comes_back() {
    let report =
        Asked::load("--pairs 20 --churn 40 --seconds 8 --warmup 0 --ramp 0").json().run().with(0).report();
    let incidents = report.at("incidents").as_array().unwrap();
    let reload = incidents.iter().find(|incident| incident["kind"] == "reload").unwrap();
    let (count, recovered) = (reload["count"].as_u64().unwrap(), reload["recovered"].as_u64().unwrap());
    // A pair is loaded anew when it has found together; one of each may be under way at the end.
    assert!(count >= 40 && recovered + 20 >= count, "{reload}");
    let away = 40 - report.count("sockets.total");
    assert!(away <= 20, "{away} pages are away: {:#}", report.at("sockets"));
    assert_eq!(report.count("sockets.leftInteracting"), 0, "{:#}", report.at("sockets"));
}

/// They are seen apart, and together with their own again, before it counts.
#[test]
fn testers_that_change_participants_part_and_recover() {
    let scenario = "name = \"change\"\npairs = 6\n[controller]\ndoes = \"trials\"\n\
        pause = { constant_ms = 100 }\n[responder]\ndoes = \"answers\"\nthink = { constant_ms = 50 }\n\
        [[incident]]\nwhat = \"partner-change\"\nevery = { exponential_ms = 2000 }\n\
        lasts = { constant_ms = 700 }\n";
    let words = "--scenario change.toml --seconds 6 --warmup 0 --ramp 0 --threads 6";
    let report = Asked::load(words).file("change.toml", scenario).json().run().with(0).report();
    let changes = &report.at("incidents")[0];
    assert_eq!(changes["kind"], "partner-change", "threads are few enough: {:#}", report.at("incidents"));
    assert!(changes["recovered"].as_u64().unwrap() >= 3, "{changes}");
    assert!(changes["recoveryMs"]["p50"].as_f64().unwrap() > 0.0, "{changes}");
    assert_eq!(report.count("sockets.leftInteracting"), 0, "{:#}", report.at("sockets"));
    for name in ["lostWithoutIncident", "duplicated", "outOfOrder", "unexpected"] {
        assert_eq!(report.count(&format!("events.{name}")), 0, "{name}: {:#}", report.at("events"));
    }
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_one_another() {
    let hour = Micros(3_600 * Micros::SECOND.0);
    for file in files() {
        let scenario = Scenario::read(&file).unwrap();
        let pairs = scenario.pairs.unwrap();
        let plan = |seed| Plan::new(scenario.clone(), seed, pairs, Duration::from_secs(2));
        let told = |seed: u64| {
            let pair = |pair| (plan(seed).begins(pair), plan(seed).incidents(pair, hour));
            (0..pairs).map(pair).collect::<Vec<_>>()
        };
        assert_eq!(told(1), told(1), "{}", file.display());
        let chance = |seed| plan(seed).pair(0).controller;
        assert_ne!(chance(1), chance(2), "{}", file.display());
        assert!(scenario.troubles.is_empty() || told(1) != told(2), "{}", file.display());
    }
}
