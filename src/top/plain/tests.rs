use super::super::tests::snapshot;
use super::*;

#[test]
fn a_block_has_a_line_for_each_thing() {
    let expected = include_str!("../../../tests/data/top/block.txt");
    assert_eq!(lines(&snapshot()).join("\n"), expected.trim_end());
}

#[test]
fn what_is_not_known_is_a_dash() {
    let mut snapshot = snapshot();
    let latency = &mut snapshot.stats.latency;
    (latency.count, latency.p50_us, latency.max_us) = (0, None, None);
    snapshot.stats.process.memory_bytes = None;
    let lines = lines(&snapshot).join("\n");
    for part in ["latency count=0 p50Us=- p90Us=260 ", " maxUs=-\n", "process memoryBytes=- cpuSeconds"] {
        assert!(lines.contains(part), "{part:?} is missing in:\n{lines}");
    }
}

#[test]
fn no_text_of_a_server_can_make_a_line_or_a_field_of_its_own() {
    let mut snapshot = snapshot();
    snapshot.stats.version = "1\nwaiting socketId=1 \u{1b}[2J\u{9b}".to_owned();
    snapshot.stats.sockets.by_app.truncate(1);
    "-".clone_into(&mut snapshot.stats.sockets.by_app[0].app);
    let lines = lines(&snapshot);
    assert_eq!(
        lines[0],
        r#"top at=1764300012400 version="1\nwaiting socketId=1 \u{1b}[2J\u{9b}" uptimeMs=11520000"#
    );
    assert_eq!(lines[2], r#"app app="-" role=controller state=searching count=1"#);
}

#[test]
fn a_lost_connection_is_one_line() {
    let problem = Problem::Broken { url: "http://a/b".to_owned(), why: "reset \"now\"".to_owned() };
    assert_eq!(
        lost(&problem, Duration::from_millis(2_500)),
        [r#"lost forMs=2500 problem="the connection to http://a/b broke: reset \"now\"""#]
    );
}
