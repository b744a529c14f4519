use super::super::tests::snapshot;
use super::*;

#[test]
fn a_block_has_a_line_for_each_thing() {
    let expected = "\
top at=1764300012400 version=0.1.0 uptimeMs=11520000
sockets total=100000 passive=3 readyToConnect=0 connecting=1 readyToPair=0 searching=2 interacting=99994
app app=demo role=controller state=searching count=1
app app=demo role=controller state=interacting count=49999
sessions total=100002 reserved=3 hosted=99997 endings=1 streams=100003 outputBytes=1258291 lineBytes=0
rates eventsAccepted=20013.5 eventsDropped=0.5 sessionsBegan=0 transitions=4
latency count=1200456 p50Us=118.5 p90Us=260 p99Us=1240 p999Us=5300 maxUs=48210
counter family=sessions_began reason=- count=100020 perSecond=0
counter family=events_accepted reason=forwarded count=7200000 perSecond=20013.5
counter family=events_refused reason=unknownApp count=17 perSecond=0
counter family=events_dropped reason=expired count=12 perSecond=0.5
process memoryBytes=702545920 cpuSeconds=4021.25 cpuCores=0.35 openFiles=127 threads=8 latestTimerMs=3
notInteracting total=6
waiting socketId=99871 app=demo role=responder clientId=- partnerClientId=- state=passive subState=noClientId forMs=11512000
waiting socketId=17 app=demo role=controller clientId=482913 partnerClientId=119283 state=searching subState=partnerInactive forMs=12400
waiting socketId=18 app=demo role=responder clientId=119283 partnerClientId=- state=connecting subState=- forMs=300";
    assert_eq!(lines(&snapshot()).join("\n"), expected);
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
