use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::super::tests::snapshot;
use super::*;

fn view(snapshot: &Snapshot) -> View<'_> {
    View {
        url: "http://127.0.0.1:8081",
        interval: Duration::from_secs(1),
        snapshot,
        paused: false,
        lost: None,
        colours: true,
    }
}

fn drawn(view: &View<'_>, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, view)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content().chunks(usize::from(buffer.area.width));
    let rows = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn expect(view: &View<'_>, width: u16, height: u16, expected: &str) {
    let seen = text(&drawn(view, width, height));
    assert_eq!(seen, expected.trim_matches('\n'), "seen:\n{seen}\n");
}

#[test]
fn a_wide_terminal_shows_everything() {
    expect(
        &view(&snapshot()),
        100,
        22,
        "
crsocket 0.1.0  http://127.0.0.1:8081  up 3 h 12 min                                    03:20:12 UTC
crSockets 100,000
passive                3  readyToConnect         0  connecting             1
readyToPair            0  searching              2  interacting       99,994
Server
sessions  100,002, 99,997 hosted, 3 reserved, 1 ending
streams   100,003, 1.20 MiB in outputs, 0 B in waiting lines
a second  20,014 events accepted, 0.5 dropped, 0 sessions, 4.0 transitions
routing   p50 118 µs, p90 260 µs, p99 1.2 ms, p99.9 5.3 ms, max 48 ms
process   670.00 MiB, 0.35 cores, 127 files, 8 threads
timers    at most 3 ms late
Not delivered                                  in all   a second
events_dropped expired                             12        0.5
events_refused unknownApp                          17          0
Longest not interacting, 3 of 6
 socketId app                      role       clientId partner state                             for
    99871 demo                     responder  -        -       passive/noClientId         3 h 11 min
       17 demo                     controller 482913   119283  searching/partnerInactive      12.4 s
       18 demo                     responder  119283   -       connecting                      0.3 s


q quit  p pause  every 1 s
",
    );
}

#[test]
fn an_ordinary_terminal_shows_everything_but_the_role() {
    expect(
        &view(&snapshot()),
        80,
        24,
        "
crsocket 0.1.0  http://127.0.0.1:8081  up 3 h 12 min                03:20:12 UTC
crSockets 100,000
passive                3  readyToConnect         0  connecting             1
readyToPair            0  searching              2  interacting       99,994

Server
sessions  100,002, 99,997 hosted, 3 reserved, 1 ending
streams   100,003, 1.20 MiB in outputs, 0 B in waiting lines
a second  20,014 events accepted, 0.5 dropped, 0 sessions, 4.0 transitions
routing   p50 118 µs, p90 260 µs, p99 1.2 ms, p99.9 5.3 ms, max 48 ms
process   670.00 MiB, 0.35 cores, 127 files, 8 threads
timers    at most 3 ms late

Not delivered                                  in all   a second
events_dropped expired                             12        0.5
events_refused unknownApp                          17          0

Longest not interacting, 3 of 6
 socketId app             clientId partner state                             for
    99871 demo            -        -       passive/noClientId         3 h 11 min
       17 demo            482913   119283  searching/partnerInactive      12.4 s
       18 demo            119283   -       connecting                      0.3 s

q quit  p pause  every 1 s
",
    );
}

#[test]
fn a_small_terminal_shows_what_matters_most() {
    expect(
        &view(&snapshot()),
        40,
        12,
        "
crsocket 0.1.0  http://127.0.0.1:8081  u
crSockets 100,000
passive                3
readyToConnect         0
connecting             1
readyToPair            0
searching              2
interacting       99,994
Longest not interacting, 3 of 6
state                             for
passive/noClientId         3 h 11 min
q quit  p pause  every 1 s
",
    );
}

#[test]
fn a_lost_connection_is_said_and_what_was_known_stays() {
    let snapshot = snapshot();
    let problem = Problem::Unreachable {
        url: "http://127.0.0.1:8081/admin/api/stats".to_owned(),
        why: "Connection refused (os error 111)".to_owned(),
    };
    let lost = View { lost: Some((&problem, Duration::from_millis(7_250))), ..view(&snapshot) };
    expect(
        &lost,
        80,
        16,
        "
crsocket 0.1.0  NO ANSWER for 7.2 s   http://127.0.0.1:8081  up 3 h 12 min
Trying again: cannot reach http://127.0.0.1:8081/admin/api/stats: Connection
refused (os error 111). Does `crsocket serve` run there, with its admin listener
at this address? Elsewhere: --url
crSockets 100,000
passive                3  readyToConnect         0  connecting             1
readyToPair            0  searching              2  interacting       99,994
Server
sessions  100,002, 99,997 hosted, 3 reserved, 1 ending
streams   100,003, 1.20 MiB in outputs, 0 B in waiting lines
Longest not interacting, 3 of 6
 socketId app             clientId partner state                             for
    99871 demo            -        -       passive/noClientId         3 h 11 min
       17 demo            482913   119283  searching/partnerInactive      12.4 s
       18 demo            119283   -       connecting                      0.3 s
q quit  p pause  every 1 s
",
    );
}

#[test]
fn a_pause_is_said() {
    let snapshot = snapshot();
    let paused = View { paused: true, interval: Duration::from_millis(2_500), ..view(&snapshot) };
    let seen = text(&drawn(&paused, 80, 24));
    assert!(seen.starts_with("crsocket 0.1.0  PAUSED   http://127.0.0.1:8081"), "{seen}");
    assert!(seen.ends_with("q quit  p go on  every 2.5 s"), "{seen}");
}

#[test]
fn where_all_interact_there_is_no_table() {
    let mut snapshot = snapshot();
    snapshot.waiting.sockets.clear();
    snapshot.waiting.total = 0;
    snapshot.stats.counters.clear();
    let seen = text(&drawn(&view(&snapshot), 80, 24));
    assert!(seen.contains("\nAll crSockets interact\n"), "{seen}");
    assert!(!seen.contains("socketId") && !seen.contains("Not delivered"), "{seen}");
    snapshot.stats.sockets.total = 0;
    let seen = text(&drawn(&view(&snapshot), 80, 24));
    assert!(seen.contains("\nNo crSocket is hosted\n"), "{seen}");
}

#[test]
fn ten_wait_in_an_ordinary_terminal() {
    let mut snapshot = snapshot();
    let one = snapshot.waiting.sockets[1].clone();
    snapshot.waiting.sockets =
        (100..110).map(|socket_id| super::super::api::Socket { socket_id, ..one.clone() }).collect();
    snapshot.waiting.total = 1_234;
    let seen = text(&drawn(&view(&snapshot), 80, 30));
    assert!(seen.contains("Longest not interacting, 10 of 1,234"), "{seen}");
    assert!((100..110).all(|id| seen.contains(&format!("\n      {id} demo"))), "{seen}");
}

#[test]
fn no_size_is_too_small() {
    let snapshot = snapshot();
    let problem = Problem::TokenNeeded { url: "http://127.0.0.1:8081/admin/api/stats".to_owned() };
    for lost in [None, Some((&problem, Duration::from_secs(3)))] {
        for (width, height) in (0..=60).flat_map(|width| (0..=30).map(move |height| (width, height))) {
            drawn(&View { lost, ..view(&snapshot) }, width, height);
        }
    }
}

#[test]
fn without_colours_there_are_none_and_the_text_is_the_same() {
    let snapshot = snapshot();
    let problem = Problem::TokenNeeded { url: "http://a".to_owned() };
    let lost = Some((&problem, Duration::from_secs(3)));
    let coloured = drawn(&View { lost, ..view(&snapshot) }, 100, 30);
    let plain = drawn(&View { lost, colours: false, ..view(&snapshot) }, 100, 30);
    assert_eq!(text(&coloured), text(&plain));
    let colours = |buffer: &Buffer| {
        buffer.content().iter().any(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset))
    };
    assert_eq!([colours(&coloured), colours(&plain)], [true, false]);
}

#[test]
fn no_text_of_a_server_steers_the_terminal() {
    let mut snapshot = snapshot();
    let Snapshot { stats, waiting } = &mut snapshot;
    let socket = &mut waiting.sockets[0];
    for text in [&mut stats.version, &mut socket.app, &mut socket.state] {
        "\u{1b}[2J\u{9b}\u{202e}".clone_into(text);
    }
    let seen = text(&drawn(&view(&snapshot), 100, 30));
    assert!(!seen.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{seen:?}");
    assert_eq!(seen.matches("\u{fffd}[2J\u{fffd}\u{fffd}").count(), 3, "{seen:?}");
}
