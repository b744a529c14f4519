use super::*;
use crate::load::example;

fn table(report: &Report) -> String {
    let mut out = Vec::new();
    write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_calm_run_is_told_line_by_line() {
    let expected = "\
Load test    demo, 100 pairs with trials, against a server in this process
Measured     30.0 s from 2026-11-18 11:06:40 UTC
Setting      ramp 1 s, warm-up 5 s, measuring 30 s, closed loop, spacing 10 ms, 2 threads, seed 1
Events       6,000 intended, 6,000 sent, 6,000 received; 200 a second
             0 lost, 0 duplicated, 0 out of order
             0 unexpected, 0 not sent, 0 refused, 0 unconfirmed
                    p50        p90        p99      p99.9        max       mean         of
Latency         1.20 ms    2.10 ms    4.21 ms    9.80 ms    12.3 ms    1.31 ms      6,000
Trials                –          –          –          –          –          –          0
Clients' lag    30.0 µs    60.0 µs     120 µs     400 µs     900 µs    40.0 µs      6,000
Connect         3.00 ms    4.40 ms    6.20 ms    7.00 ms    7.10 ms    3.10 ms        200
Pairing         2.00 ms    3.40 ms    5.20 ms    6.00 ms    6.10 ms    2.10 ms        100
CrSockets    all interacting after 1.31 s; at the end 200 of 200; 0 left it without an incident
Time in      interacting 100 %
Incidents    none
Outages      none
Errors       none
Processor    0.31 cores, 0.16 of the busiest thread; timers at most 3.00 ms late
Memory       21.3 MB, 4.40 kB for each crSocket
Gates        PASSED  --max-p99                    4.21 ms, at most 5 ms accepted
             PASSED  --max-lost                   0 events, at most 0 events accepted
             Both gates held
";
    assert_eq!(table(&example::calm()), expected);
}

#[test]
fn an_eventful_run_says_what_went_wrong() {
    let said = table(&example::eventful());
    for line in [
        "Load test    demo, 1,000 pairs with classroom <&> \"wireless\", against https://crsocket.example.org",
        "             3,324 lost (0.056 %; 41 without an incident), 12 duplicated, 7 out of order",
        "             0 unexpected, 7,211 not sent, 118 refused, 803 unconfirmed",
        "Incidents    reload               1,127 of 1,130 recovered; p50 380 ms, p99 1.31 s, max 3.01 s",
        "             wrong <b>partner</b> 0 of 4 recovered",
        "Outages      from 311.2 s to 324.9 s (13.7 s)",
        "Errors           7,211  notSent notReady",
        "                     1  <!-- \\u{1b}[31m",
        "Warning      The load generator was the bottleneck: one thread used 0.97 cores",
        "Warning      The server spaces crEvents wider than was asked for: 12 ms, not 10 ms.",
        "             FAILED  --max-p99                    38.2 ms, at most 5 ms accepted",
        "             FAILED  --max-lost                   3,324 events, at most 0 events accepted",
        "             PASSED  --min-throughput             9,871 events/s, at least 9,500 events/s accepted",
        "             2 of 5 gates failed",
    ] {
        assert!(said.lines().any(|said| said == line), "no line {line:?} in\n{said}");
    }
}

#[test]
fn a_figure_that_is_missing_is_a_gate_that_failed_and_says_so() {
    let said = table(&example::empty());
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "FAILED --max-p99 nothing seen: no event arrived while it was measured (at most 5 ms accepted)",
        "FAILED --max-until-all-interacting nothing seen: they never all were at once (at most 10 s accepted)",
        "never all interacting at once; at the end 0 of 0",
    ] {
        assert!(words.contains(part), "no {part:?} in\n{said}");
    }
}

/// A report in which everything that a stranger can choose is long and wild.
fn wild() -> Report {
    let mut report: Report = example::eventful();
    let wild = format!("{}\u{1b}]0;x\u{7}\r\n\u{202e}", "Wörter ".repeat(40));
    report.setting.scenario = wild.clone();
    report.setting.app = "x".repeat(300);
    report.setting.server = Some(format!("https://{}", "y".repeat(300)));
    report.warnings = vec![wild.clone()];
    report.figures.cpu.bottleneck = Some(wild.clone());
    for at in 0..40 {
        let kind = format!("{at} {wild}");
        report.figures.errors.push(ErrorFigures { kind: kind.clone(), count: u64::MAX });
        report.figures.share_of_time.insert(kind.clone(), 0.1);
        let incident = IncidentFigures {
            kind,
            count: u64::MAX,
            recovered: u64::MAX,
            ..report.figures.incidents[0].clone()
        };
        report.figures.incidents.push(incident);
        report.figures.outages.push(Outage { from: 1e9, to: Some(2e9) });
    }
    report.gates[0].flag = wild;
    report
}

#[test]
fn no_line_is_longer_than_a_terminal_and_none_does_anything_to_it() {
    for report in [example::calm(), example::eventful(), example::empty(), wild()] {
        let said = table(&report);
        for line in said.lines() {
            assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
    }
    let lines = table(&wild()).lines().count();
    assert!(lines < 120, "what can grow is cut off: {lines} lines");
}

#[test]
fn the_table_has_some_thirty_lines() {
    for (report, most) in [(example::calm::<Report>(), 25), (example::eventful(), 40)] {
        let lines = table(&report).lines().count();
        assert!((20..=most).contains(&lines), "{lines} lines");
    }
}

#[test]
fn what_is_not_listed_is_counted() {
    let mut report: Report = example::calm();
    let error = |at: u64| ErrorFigures { kind: format!("kind {at}"), count: at };
    report.figures.errors = (1..=12).map(error).collect();
    let said = table(&report);
    assert!(said.contains("Errors              12  kind 12\n"), "{said}");
    assert!(said.contains("             10 of 4 kinds more\n"), "1 + 2 + 3 + 4: {said}");
}

#[test]
fn lines_are_broken_at_spaces() {
    assert_eq!(wrapped("ab cd ef", 5), ["ab cd", "ef"]);
    assert_eq!(wrapped("abcdefgh ij", 5), ["abcde", "fgh ", "ij"]);
    assert_eq!(wrapped("", 5), [""]);
    assert_eq!(wrapped("abcde fg", 5), ["abcde", "fg"]);
}

#[test]
fn what_the_latency_leaves_out_stands_below_the_lengths() {
    let said = table(&example::eventful());
    let missing =
        "Latency leaves out at most 10,535 of the 5,900,412 intended events (0.18 %), which did not arrive";
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(missing), "{said}");
    assert!(!table(&example::calm()).contains("leaves out"));
}

#[test]
fn a_scenario_in_open_loop_is_not_said_to_be_closed() {
    let mut report: Report = example::calm();
    report.setting.open_loop = true;
    let said = table(&report);
    assert!(said.contains("measuring 30 s, open loop, by its scenario, spacing 10 ms"), "{said}");
    assert!(!said.contains("closed loop"), "{said}");
}
