//! Gates: what has to hold, and what is said where it does not.

use std::thread;
use std::time::Duration;

use crate::double::{Damage, Double, Rule};
use crate::run::{Asked, Ended};

/// Two pairs for a moment against a double that does this, with these gates.
fn run(rules: &[Rule], gates: &str) -> Ended {
    let double = Double::that(rules.iter().copied());
    let words = "--pairs 2 --rate 40 --spacing 0 --ramp 0 --warmup 0 --seconds 2";
    Asked::load(words).words(gates).at(&double.url()).json().run()
}

/// Which gates failed, as the report says it.
fn failed(ended: &Ended) -> Vec<String> {
    let report = ended.report();
    let gates = report.at("gates").as_array().unwrap();
    let failed = gates.iter().filter(|gate| gate["passed"] == false);
    failed.map(|gate| gate["flag"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn gates_that_hold_are_told_and_nothing_else() {
    let gates = "--max-p50 1s --max-p90 2s --max-p99 3s --max-p999 4s --max-latency 5s --max-lost 0 \
        --max-duplicated 0 --max-out-of-order 0 --max-failed 0 --max-until-all-interacting 20s --min-throughput 10";
    let ended = run(&[], gates).with(0);
    assert_eq!(failed(&ended), [""; 0]);
    let report = ended.report();
    let told = report.at("gates").as_array().unwrap();
    let flags: Vec<&str> = gates.split_whitespace().step_by(2).collect();
    assert_eq!(told.iter().map(|gate| gate["flag"].as_str().unwrap()).collect::<Vec<_>>(), flags);
    assert!(told.iter().all(|gate| gate["passed"] == true), "{told:?}");
    assert_eq!((told[0]["limit"].as_f64(), told[0]["unit"].as_str()), (Some(1_000.0), Some("ms")));
}

/// Each damage fails its own gate, and those that it has nothing to do with hold.
#[test]
fn a_gate_fails_with_its_line_and_exit_status_1() {
    let counts = "--max-lost 0 --max-duplicated 0 --max-out-of-order 0 --max-failed 0";
    let check = |damage, flag: &str| {
        let ended = run(&[Rule::nth(20, damage)], counts).with(1);
        assert_eq!(failed(&ended), [flag]);
        let report = ended.report();
        let gate = report.at("gates").as_array().unwrap().iter().find(|gate| gate["flag"] == flag).unwrap();
        assert_eq!(gate["seen"].as_f64(), Some(1.0), "{gate}");
        let line = ended.out.lines().find(|line| line.contains(flag) && line.contains("FAILED"));
        assert!(line.is_some_and(|line| line.contains('1')), "no line of {flag} in:\n{}", ended.out);
    };
    // They wait for what is lost, and can do so beside each other.
    thread::scope(|scope| {
        for (damage, flag) in [
            (Damage::Drop, "--max-lost"),
            (Damage::Duplicate, "--max-duplicated"),
            (Damage::Swap, "--max-out-of-order"),
            (Damage::Refuse(429), "--max-failed"),
        ] {
            scope.spawn(move || check(damage, flag));
        }
    });
}

#[test]
fn lengths_of_time_are_gates_too() {
    let slow = [Rule::all(Damage::Delay(Duration::from_millis(100)))];
    let gates = "--max-p50 50ms --max-p90 50ms --max-p99 60ms --max-p999 70ms --max-latency 80ms";
    let ended = run(&slow, gates).with(1);
    assert_eq!(failed(&ended), ["--max-p50", "--max-p90", "--max-p99", "--max-p999", "--max-latency"]);
    let ended = run(&slow, "--max-p50 10s").with(0);
    assert_eq!(failed(&ended), [""; 0]);
}

#[test]
fn too_little_and_too_late_fail_too() {
    let ended = run(&[], "--min-throughput 1000 --max-until-all-interacting 1us").with(1);
    assert_eq!(failed(&ended), ["--max-until-all-interacting", "--min-throughput"]);
}

#[test]
fn without_a_single_event_a_gate_on_latency_does_not_hold() {
    let ended = run(&[Rule::all(Damage::Drop)], "--max-p99 1s").with(1);
    assert_eq!(failed(&ended), ["--max-p99"]);
}
