//! Ctrl-C ends a run with the report so far, a second one at once.

use std::net::TcpListener;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::double::{Damage, Double, Rule};
use crate::figures::agrees;
use crate::run::{Asked, Running};

/// A run that would take minutes, after so many events.
fn underway(double: &Double, events: u64, words: &str) -> Running {
    let setting = "--pairs 5 --rate 20 --spacing 0 --ramp 0 --warmup 0 --seconds 600";
    let running = Asked::load(setting).words(words).at(&double.url()).json().html().start();
    double.wait_until("events", |did| did.came >= events);
    running
}

#[test]
fn ctrl_c_leaves_the_report_so_far() {
    let check = |signal| {
        let double = Double::that([Rule::every(10, Damage::Drop)]);
        let running = underway(&double, 150, "");
        running.signal(signal);
        let ended = running.ended().with(0);
        let report = ended.report();
        assert_eq!(report.at("interrupted"), true);
        assert_eq!(report.at("setting.seconds"), 600.0);
        let seconds = report.number("seconds");
        assert!((0.5..60.0).contains(&seconds), "so long was measured: {seconds}");
        agrees(&report, &double.did());
        assert!(report.count("events.lost") >= 15, "{:#}", report.at("events"));
        assert!(ended.page().contains("</html>"), "{}", ended.page());
        assert!(ended.out.contains("p99"), "no table in:\n{}", ended.out);
    };
    // They wait for what is lost, and can do so beside each other.
    thread::scope(|scope| {
        for signal in [Signal::INT, Signal::TERM] {
            scope.spawn(move || check(signal));
        }
    });
}

/// Cut short or not, what was to hold counts.
#[test]
fn gates_count_for_what_was_measured() {
    let double = Double::that([Rule::every(10, Damage::Drop)]);
    let running = underway(&double, 60, "--max-lost 0");
    running.signal(Signal::INT);
    let ended = running.ended().with(1);
    assert_eq!(ended.report().at("interrupted"), true);
}

#[test]
fn ctrl_c_before_anything_was_measured_ends_it_too() {
    let double = Double::honest();
    let asked = Asked::load("--pairs 2 --ramp 0 --warmup 600").at(&double.url());
    let running = asked.json().start();
    double.wait_until("streams", |did| did.streams >= 4);
    running.signal(Signal::INT);
    let report = running.ended().with(0).report();
    assert_eq!(report.at("interrupted"), true);
    assert!(report.number("seconds") < 1.0, "{}", report.at("seconds"));
}

#[test]
fn a_second_one_ends_it_at_once() {
    // Answers that never come would be waited for.
    let double = Double::that([Rule::every(2, Damage::Swallow)]);
    let mut running = underway(&double, 6, "");
    running.signal(Signal::INT);
    sleep(Duration::from_millis(150));
    assert!(!running.is_over(), "it waits for what is on its way, and was to be told not to");
    running.signal(Signal::INT);
    let began = Instant::now();
    let report = running.ended().with(0).report();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let warnings = report.at("warnings").to_string();
    assert!(warnings.contains("was not waited for"), "{warnings}");
}

/// A server that never answers: where nothing was measured nothing has held.
#[test]
fn ended_before_the_server_has_answered_is_a_failure() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let running = Asked::load("--pairs 5 --seconds 5 --max-lost 0").at(&url).json().start();
    // It has asked: its signals are listened for since before that.
    let (_asked, _) = silent.accept().unwrap();
    running.signal(Signal::INT);
    let ended = running.ended().with(2);
    assert!(ended.err.contains("nothing was measured"), "{}", ended.err);
}
