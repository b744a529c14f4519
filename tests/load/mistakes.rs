//! What cannot be asked for, and what is said then: where it stands, what was seen and what is accepted.

use crate::run::Asked;

/// A scenario in which everything is right.
const RIGHT: &str = r#"name = "small"
pairs = 2
seconds = 5

[controller]
does = "trials"
pause = { uniform_ms = [500, 1500] }

[responder]
does = "answers"
think = { lognormal_ms = 650, sigma = 0.4 }

[[incident]]
what = "reload"
every = { exponential_ms = 60000 }
lasts = { constant_ms = 200 }

[timing]
min_cr_event_dt = 100
"#;

/// It is refused at once, with exit status 2 and these words.
#[track_caller]
fn refused(asked: Asked, words: &[&str]) -> Result<(), String> {
    let ended = asked.run();
    let missing: Vec<&&str> = words.iter().filter(|word| !ended.err.contains(**word)).collect();
    let written = ended.path("report.json").exists();
    if ended.code == Some(2) && missing.is_empty() && ended.out.is_empty() && !written {
        return Ok(());
    }
    let (code, out, err) = (ended.code, &ended.out, &ended.err);
    Err(format!("status {code:?}, missing {missing:?}, written: {written}\n  out: {out}\n  err: {err}"))
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are not refused as they should be:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn flags_that_are_wrong_are_told_with_what_is_accepted() {
    let rows: [(&[&str], &[&str]); 26] = [
        (&["--pairs", "500001"], &["--pairs", "500001", "500000"]),
        (&["--pairs", "-1"], &["-1"]),
        (&["--pairs", "many"], &["--pairs", "many"]),
        (&["--pairs", "0"], &["--pairs 0"]),
        (&["--seconds", "soon"], &["--seconds", "soon", "seconds"]),
        (&["--seconds", "-1"], &["-1"]),
        (&["--seconds", "nan"], &["--seconds", "nan", "at most a million"]),
        (&["--seconds", "inf"], &["--seconds", "inf", "at most a million"]),
        (&["--seconds", "0"], &["--seconds 0", "more than 0"]),
        (&["--warmup", "10000000"], &["--warmup", "at most a million"]),
        (&["--ramp", "x"], &["--ramp", "x"]),
        (&["--rate", "0"], &["--rate", "more than 0"]),
        (&["--rate", "nan"], &["--rate", "more than 0"]),
        (&["--spacing", "60001"], &["--spacing", "60000"]),
        (&["--churn=-0.5"], &["--churn", "-0.5", "more than 0"]),
        (&["--threads", "0"], &["--threads"]),
        (&["--client-ids", "100000"], &["--client-ids", "100000-119999"]),
        (&["--client-ids", "200000-100000"], &["--client-ids", "not above"]),
        (&["--client-ids", "1-2"], &["--client-ids", "six digits"]),
        (&["--client-ids", "100000-100002", "--pairs", "2"], &["4 clients", "3"]),
        (&["--app", "two words"], &["--app"]),
        (&["--timing", "hello_max_dt"], &["--timing", "NAME=MS"]),
        (&["--timing", "min_event=5"], &["min_event"]),
        (&["--max-p99", "fast"], &["--max-p99"]),
        (&["--max-lost", "-1"], &["-1"]),
        (&["--root-certificates", "a.pem"], &["--server"]),
    ];
    let wrong = rows.iter().filter_map(|(args, words)| {
        let problem = refused(Asked::load("").args(args.iter().copied()).json(), words).err()?;
        Some(format!("{args:?}: {problem}"))
    });
    none(&wrong.collect::<Vec<_>>());
}

#[test]
fn servers_that_are_none_are_told() {
    let rows: [(&[&str], &[&str]); 6] = [
        (&["--server", "example.org"], &["example.org", "http"]),
        (&["--server", "ftp://example.org"], &["ftp", "http"]),
        (&["--server", ""], &["server"]),
        (&["--server", "http://"], &["http"]),
        (&["--server", "https://localhost:1", "--root-certificates", "nowhere.pem"], &["nowhere.pem"]),
        (&["--server", "https://localhost:1", "--root-certificates", "no.pem"], &["no.pem"]),
    ];
    let wrong = rows.iter().filter_map(|(args, words)| {
        let problem =
            refused(Asked::load("").args(args.iter().copied()).file("no.pem", "nothing").json(), words)
                .err()?;
        Some(format!("{args:?}: {problem}"))
    });
    none(&wrong.collect::<Vec<_>>());
}

#[test]
fn a_token_that_is_none_is_not_shown() {
    let ended = Asked::load("").args(["--token", "s3cret with spaces"]).run().with(2);
    assert!(ended.err.contains("accessToken"), "{}", ended.err);
    // The argument parser quotes what it was given; who typed it has seen it.
    assert!(!ended.out.contains("s3cret"), "{}", ended.out);
}

/// The file, the line where there is one, and what is accepted.
#[test]
fn scenarios_that_are_wrong_are_told_with_file_and_line() {
    let with = |from: &str, to: &str| {
        assert!(RIGHT.contains(from), "{from}");
        RIGHT.replacen(from, to, 1)
    };
    let rows: [(String, &[&str]); 25] = [
        (String::new(), &["missing field `name`"]),
        ("name = ".into(), &["line 1"]),
        (with("name = \"small\"", "name = 5"), &["line 1", "string"]),
        (with("name = \"small\"", "name = \"\""), &["line 1", "0 characters", "1 to 100"]),
        (
            with(
                "does = \"answers\"\nthink = { lognormal_ms = 650, sigma = 0.4 }",
                "does = \"trials\"\npause = { constant_ms = 5 }",
            ),
            &["line 9", "controllers", "answers"],
        ),
        (
            with("what = \"reload\"", "what = \"wrong-partner\"\nwhom = \"responder\""),
            &["line 13", "wrong-partner", "controllers"],
        ),
        (with("pairs = 2", "pairs = 0"), &["line 2", "0 pairs", "at least 1", "500000"]),
        (with("pairs = 2", "pairs = \"two\""), &["line 2", "two"]),
        (with("pairs = 2", "pears = 2"), &["line 2", "pears", "pairs"]),
        (with("seconds = 5", "seconds = -5"), &["line 3", "-5 seconds", "at least 1", "1000000"]),
        (with("seconds = 5", "seconds = nan"), &["line 3", "at least 1"]),
        (with("does = \"trials\"", "does = \"dances\""), &["line 6", "dances", "trials", "chatter", "idle"]),
        (with("does = \"trials\"", ""), &["line 5", "does"]),
        (with("pause = { uniform_ms = [500, 1500] }", ""), &["line 5", "needs `pause`"]),
        (with("[500, 1500]", "[1500, 500]"), &["line 7", "1500"]),
        (with("[500, 1500]", "[500]"), &["line 7"]),
        (with("uniform_ms = [500, 1500]", "gamma_ms = 3"), &["line 7", "gamma_ms", "uniform_ms"]),
        (with("lognormal_ms = 650, sigma = 0.4", "lognormal_ms = 650"), &["line 11", "sigma"]),
        (with("lognormal_ms = 650", "lognormal_ms = -650"), &["line 11", "650"]),
        (with("what = \"reload\"", "what = \"explode\""), &["line 14", "explode", "reload", "token-change"]),
        (with("what = \"reload\"", "what = \"reload\"\nwhom = \"all\""), &["line 15", "all", "either"]),
        (with("exponential_ms = 60000", "exponential_ms = 0"), &["line 15", "every"]),
        (with("lasts = { constant_ms = 200 }", ""), &["line 13", "lasts"]),
        (with("min_cr_event_dt = 100", "min_event = 100"), &["line 18", "min_event", "hello_max_dt"]),
        (
            with("min_cr_event_dt = 100", "min_cr_event_dt = 0.5"),
            &["line 18", "min_cr_event_dt = 0.5", "whole number"],
        ),
    ];
    let wrong = rows.iter().filter_map(|(text, words)| {
        let words: Vec<&str> = words.iter().copied().chain(["wrong.toml"]).collect();
        let asked = Asked::load("--scenario wrong.toml").file("wrong.toml", text).json();
        let problem = refused(asked, &words).err()?;
        Some(format!("{text}\n{problem}"))
    });
    none(&wrong.collect::<Vec<_>>());
}

#[test]
fn files_that_cannot_be_read_or_written_are_told_at_once() {
    let rows: [(&[&str], &[&str]); 6] = [
        (&["--scenario", "nowhere.toml"], &["nowhere.toml", "No such file"]),
        (&["--scenario", "."], &["directory"]),
        (&["--json", "nowhere/report.json"], &["nowhere/report.json"]),
        (&["--html", "nowhere/report.html"], &["nowhere/report.html"]),
        (&["--compare", "a.json", "b.json"], &["a.json"]),
        (&["--compare", "a.json"], &["--compare"]),
    ];
    let wrong = rows.iter().filter_map(|(args, words)| {
        let problem = refused(Asked::load("").args(args.iter().copied()), words).err()?;
        Some(format!("{args:?}: {problem}"))
    });
    none(&wrong.collect::<Vec<_>>());
    let no_report = Asked::load("--compare a.json a.json").file("a.json", "{\"format\": \"other\"}");
    none(&refused(no_report, &["a.json"]).err().into_iter().collect::<Vec<_>>());
}

#[test]
fn what_a_simulation_cannot_do_is_told_too() {
    let rows: [(&[&str], &[&str]); 4] = [
        (&["--responders", "500001"], &["--responders", "500000"]),
        (&["--seconds", "x"], &["--seconds"]),
        (&["--server", "http://localhost:1", "--admin"], &["--admin", "--server"]),
        (&["--pairs", "0"], &["--pairs 0"]),
    ];
    let wrong = rows.iter().filter_map(|(args, words)| {
        let problem = refused(Asked::simulate("").args(args.iter().copied()).json(), words).err()?;
        Some(format!("{args:?}: {problem}"))
    });
    none(&wrong.collect::<Vec<_>>());
}
