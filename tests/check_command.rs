//! `crsocket check` as whoever types it meets it: what it prints, what it writes, how it exits.

#![allow(clippy::unwrap_used, reason = "a test says what it saw by panicking")]

use std::fs;
use std::process::{Command, Output};

fn check(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_crsocket")).arg("check").args(args).output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[track_caller]
fn expect(args: &[&str], code: i32, parts: &[&str]) {
    let (seen, said) = check(args);
    assert_eq!(seen, Some(code), "{args:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "{args:?}: {part:?} is missing in: {said}");
    }
}

#[test]
fn lives_in_which_all_holds_exit_with_0() {
    expect(&["--seeds", "3", "--hours", "0.2"], 0, &["3 seeds from 0", "calms"]);
    expect(&["--seed", "7", "--hours", "0.2", "--pairs", "1", "--faults", "harsh"], 0, &["1 seeds from 7"]);
}

#[test]
fn a_violation_exits_with_1_and_is_told() {
    let trace = std::env::temp_dir().join(format!("crsocket-check-{}.txt", std::process::id()));
    // No `hello` can come within a millisecond: nobody ever connects.
    let impossible = ["--seeds", "2", "--threads", "1", "--timing", "hello_max_dt=1", "--trace"];
    let mut args = impossible.to_vec();
    args.push(trace.to_str().unwrap());
    expect(
        &args,
        1,
        &["WillingPairsInteract", "rule: 10:", "Shrunk from", "--seed 0", "--timing hello_max_dt=1"],
    );
    let told = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    assert!(told.contains("controller") && told.contains("= connecting"), "{told}");
}

#[test]
fn a_violation_whose_trace_cannot_be_written_exits_with_1_and_names_its_seed() {
    let args = ["--seed", "1", "--timing", "hello_max_dt=1", "--trace", "/nowhere/at/all"];
    let parts = [
        "seed 1:",
        "To live it again: crsocket check --seed 1 ",
        "cannot write the trace to /nowhere/at/all",
    ];
    expect(&args, 1, &parts);
}

#[test]
fn a_healthy_life_is_shown_as_a_diagram() {
    let everything = [
        "controller",
        "responder",
        "interacting",
        "clientid -->",
        "<-- eventsource",
        "hello -->",
        "ping -->",
        "<-- ping",
        "<-- alive",
        "<-- close",
        "closed -->",
        "unassign notPaired -->",
        "ping x->",
    ];
    expect(&["--seed", "3", "--show"], 0, &everything);
}

#[test]
fn a_healthy_life_goes_by_the_timings_given() {
    let told = |args: &[&str]| check(&[&["--seed", "3", "--show"], args].concat()).1;
    let alive =
        |told: &str| told.lines().find(|line| line.contains("alive -->")).map(|line| line[..9].to_owned());
    assert_eq!(alive(&told(&[])).as_deref(), Some(" 12.080 s"), "{}", told(&[]));
    let sooner = told(&["--timing", "event_source_send_alive_dt=7000"]);
    assert_eq!(alive(&sooner).as_deref(), Some("  7.080 s"), "{sooner}");
    expect(&["--seed", "3", "--show", "--timing", "nonsense=3"], 2, &["no timing \"nonsense\""]);
    for other in
        [["--pairs", "3"], ["--faults", "harsh"], ["--hours", "2"], ["--threads", "1"], ["--trace", "x"]]
    {
        let args = [&["--seed", "3", "--show"][..], &other].concat();
        expect(&args, 2, &["--show", "cannot be used with", other[0]]);
    }
}

#[test]
fn a_trace_says_what_came_what_was_lost_and_what_was_refused() {
    let trace = std::env::temp_dir().join(format!("crsocket-check-trace-{}.txt", std::process::id()));
    let args = ["--seed", "4", "--pairs", "3", "--faults", "harsh", "--trace"];
    expect(&[&args[..], &[trace.to_str().unwrap()]].concat(), 0, &["1 seeds from 4"]);
    let told = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    for part in [
        "< hello",
        "< ping from",
        "x lost: ",
        "x frame lost: ",
        "goes no further",
        "NoConnection",
        "--- client",
    ] {
        assert!(told.contains(part), "{part:?} is missing in the trace");
    }
    let heads =
        told.lines().find(|line| ["0: controller", "others"].iter().all(|head| line.contains(head))).unwrap();
    let place = |head: &str| heads.find(head).unwrap() - heads.find("0: controller").unwrap();
    let places = ["1: responder", "2: controller", "5: responder", "others"].map(place);
    assert_eq!(places, [34, 68, 170, 204], "columns stand in a row: {heads}");
}

#[test]
fn what_cannot_be_checked_exits_with_2_and_says_why() {
    expect(&["--timing", "nonsense=3"], 2, &["no timing \"nonsense\"", "hello_max_dt"]);
    expect(&["--timing", "hello_max_dt"], 2, &["NAME=MS"]);
    let contradiction = ["searching_max_event_out_dt = 30000", "partner_active_max_event_in_dt"];
    expect(&["--timing", "searching_max_event_out_dt=30000"], 2, &contradiction);
    expect(&["--hours", "0"], 2, &["hours"]);
    expect(&["--show"], 2, &["--seed"]);
    let unwritable = ["--seed", "1", "--hours", "0.1", "--trace", "/nowhere/at/all"];
    expect(&unwritable, 2, &["cannot write the trace to /nowhere/at/all"]);
}
