use tempfile::TempDir;

use super::*;
use crate::load::example;
use crate::load::report::Report;

/// A folder with these texts as files, and their paths.
fn files<const N: usize>(texts: [String; N]) -> (TempDir, [PathBuf; N]) {
    let folder = tempfile::tempdir().unwrap();
    let mut at = 0;
    let paths = texts.map(|text| {
        at += 1;
        let path = folder.path().join(format!("{at}.json"));
        fs::write(&path, text).unwrap();
        path
    });
    (folder, paths)
}

fn json(report: &Report) -> String {
    serde_json::to_string(report).unwrap()
}

fn compared(a: &Report, b: &Report) -> String {
    let (_folder, [a, b]) = files([json(a), json(b)]);
    let mut out = Vec::new();
    run(&a, &b, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What stands in a line behind its label, with single spaces.
fn line(said: &str, label: &str) -> String {
    let found = said.lines().find(|line| line.get(..LABEL).is_some_and(|name| name.trim_end() == label));
    let found = found.unwrap_or_else(|| panic!("no {label:?} in\n{said}"));
    found.split_whitespace().skip(label.split(' ').count()).collect::<Vec<_>>().join(" ")
}

#[test]
fn figures_stand_side_by_side_with_what_is_better() {
    let a: Report = example::calm();
    let mut b = a.clone();
    b.figures.events.per_second = 240.0;
    b.figures.events.lost = 3;
    b.figures.latency_ms.p50 = 1.21;
    b.figures.latency_ms.p99 = 2.0;
    b.figures.latency_ms.max = 100.0;
    b.figures.seconds_until_all_interacting = None;
    b.figures.share_of_time.insert("searching".to_owned(), 0.0125);
    b.figures.events.received = 5_997;
    let said = compared(&a, &b);
    for (label, wanted) in [
        ("events a second", "200/s 240/s +20 % better"),
        ("lost", "0 3 +3 worse"),
        ("duplicated", "0 0 ="),
        ("events received", "6,000 5,997 -3 (-0.1 %)"),
        ("latency p50", "1.20 ms 1.21 ms about the same"),
        ("latency p90", "2.10 ms 2.10 ms ="),
        ("latency p99", "4.21 ms 2.00 ms -52 % better"),
        ("latency max", "12.3 ms 100 ms 8.13 times worse"),
        ("until all interacting", "1.31 s –"),
        ("time in searching", "0 % 1.2 % +1.25 points"),
    ] {
        assert_eq!(line(&said, label), wanted, "{label}");
    }
    assert!(said.contains("The settings are the same."), "{said}");
    assert!(!said.contains("trials p50"), "what neither has is not listed: {said}");
}

#[test]
fn every_direction_is_the_right_one() {
    let a: Report = example::eventful();
    let mut b = a.clone();
    let figures = &mut b.figures;
    let events = &mut figures.events;
    events.per_second *= 2.0;
    for count in [
        &mut events.lost,
        &mut events.lost_without_incident,
        &mut events.duplicated,
        &mut events.out_of_order,
    ] {
        *count = 0;
    }
    for count in [&mut events.not_sent, &mut events.refused, &mut events.unconfirmed] {
        *count /= 2;
    }
    for quantiles in
        [&mut figures.latency_ms, &mut figures.trials_ms, &mut figures.lag_ms, &mut figures.connect_ms]
    {
        for value in [
            &mut quantiles.p50,
            &mut quantiles.p90,
            &mut quantiles.p99,
            &mut quantiles.p999,
            &mut quantiles.max,
        ] {
            *value /= 2.0;
        }
    }
    figures.seconds_until_all_interacting = Some(1.0);
    figures.sockets.left_interacting = 0;
    figures.share_of_time.insert("interacting".to_owned(), 1.0);
    (figures.cpu.cores, figures.cpu.busiest_thread, figures.pings.max_late_ms) = (0.1, 0.1, 1);
    (figures.memory.bytes, figures.memory.bytes_per_socket) = (1_000, 10);
    figures.outages.clear();
    figures.errors.clear();
    let (there, back) = (compared(&a, &b), compared(&b, &a));
    assert!(!there.contains("worse"), "{there}");
    assert!(!back.contains("better"), "{back}");
    assert!(there.matches("better").count() > 30, "{there}");
    assert_eq!(there.matches("better").count(), back.matches("worse").count());
}

#[test]
fn differences_in_the_setting_come_first() {
    let said = compared(&example::calm(), &example::eventful());
    let settings = said.find("The settings differ").unwrap();
    assert!(settings < said.find("latency p50").unwrap(), "{said}");
    for lines in [
        "  pairs             A 100\n                    B 1,000\n",
        "  server            A in the same process\n                    B https://crsocket.example.org\n",
        "  sending           A closed loop\n                    B open loop, 10 events/s each pair\n",
    ] {
        assert!(said.contains(lines), "no {lines:?} in\n{said}");
    }
    assert!(!said.contains("  seed "), "what is the same is not said: {said}");
    for line in said.lines().skip(2) {
        assert!(line.chars().count() <= 100 && !line.chars().any(char::is_control), "{line:?}");
    }
}

fn error(a: &Path, b: &Path) -> CompareError {
    let mut out = Vec::new();
    let error = run(a, b, &mut out).unwrap_err();
    assert!(out.is_empty(), "nothing is written where one cannot be read");
    error
}

#[test]
fn what_is_no_report_is_refused_with_its_reason() {
    let good = json(&example::calm());
    let other = good.replace("crsocket-load-1", "crsocket-load-2");
    let foreign = good.replace("crsocket-load-1", "harbour");
    let broken = good.replacen("\"interrupted\":false", "\"interrupted\":7", 1);
    let texts =
        [good.clone(), "{\"a\":".to_owned(), "[]".to_owned(), "{}".to_owned(), other, foreign, broken];
    let (folder, [good, cut, list, empty, other, foreign, broken]) = files(texts);
    let said = |path: &Path| {
        let (first, second) = (error(path, &good).to_string(), error(&good, path).to_string());
        assert_eq!(first, second);
        assert!(first.contains(&path.display().to_string()), "{first}");
        first
    };
    assert!(matches!(error(&folder.path().join("none.json"), &good), CompareError::Read { .. }));
    assert!(matches!(error(&cut, &good), CompareError::NotJson { .. }));
    assert!(said(&cut).contains(
        "is not JSON: EOF while parsing a value at line 1 column 5; what `crsocket load --json FILE`"
    ));
    for path in [&list, &empty] {
        assert!(said(path).contains("no report of a load test: it has no format"), "{}", said(path));
    }
    assert!(matches!(error(&other, &good), CompareError::OtherFormat { .. }));
    assert!(said(&other).contains("has the format \"crsocket-load-2\"; \"crsocket-load-1\" is accepted"));
    assert!(said(&foreign).contains("its format is \"harbour\""), "{}", said(&foreign));
    assert!(said(&broken).contains("invalid type: integer `7`, expected a boolean"), "{}", said(&broken));
}
