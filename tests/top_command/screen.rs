//! The screen: it is drawn, listens to its keys and leaves the terminal as it was.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::admin::{Admin, Manner};
use super::terminal::Terminal;
use super::{PATIENCE, top};

/// What a terminal is told when all is over: no alternate screen, a cursor.
const LEAVES: [&str; 2] = ["\u{1b}[?1049l", "\u{1b}[?25h"];

fn shown(admin: &Admin) -> Terminal {
    let terminal = Terminal::run(top(&admin.url(), &[]), 100, 30);
    terminal.wait_for("partnerInactive", 0);
    terminal.wait_for("pause", 0);
    terminal
}

/// It ended with this status, and the terminal is as it was.
#[track_caller]
fn left(mut terminal: Terminal, code: i32) {
    let status = terminal.ended();
    for told in LEAVES {
        terminal.wait_for(told, 0);
    }
    assert_eq!(status.code(), Some(code), "{:?}", terminal.text());
    assert!(terminal.is_as_before(), "the modes of the terminal are not as before");
    let text = terminal.text();
    assert!(text.rfind("\u{1b}[?1049l") > text.rfind("\u{1b}[?1049h"), "{text:?}");
    assert!(text.rfind("\u{1b}[?25h") > text.rfind("\u{1b}[?25l"), "{text:?}");
}

#[track_caller]
fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn keys_end_it() {
    let admin = Admin::start(Manner::Open);
    for key in ["q", "\u{1b}", "\u{3}"] {
        let mut terminal = shown(&admin);
        assert!(!terminal.is_as_before(), "keys would be echoed");
        terminal.press(key);
        left(terminal, 0);
    }
}

#[test]
fn signals_end_it() {
    let admin = Admin::start(Manner::Open);
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let terminal = shown(&admin);
        terminal.signal(signal);
        left(terminal, code);
    }
}

#[test]
fn an_answer_that_does_not_come_keeps_no_key_waiting() {
    let admin = Admin::start(Manner::Open);
    let mut terminal = shown(&admin);
    admin.becomes(Manner::Mute);
    let asked = admin.seen().len();
    wait_until(|| admin.seen().len() > asked);
    let from = terminal.text().len();
    terminal.press("p");
    terminal.wait_for("PAUSED", from);
    terminal.press("q");
    left(terminal, 0);
}

#[test]
fn a_pause_asks_nothing_until_it_is_ended() {
    let admin = Admin::start(Manner::Open);
    let mut terminal = shown(&admin);
    terminal.press("p");
    let from = terminal.wait_for("PAUSED", 0);
    let asked = admin.seen().len();
    // Many intervals; what was on its way may still come: both resources of one snapshot.
    thread::sleep(Duration::from_secs(1));
    assert!(admin.seen().len() <= asked + 2, "{asked} and then {:?}", admin.seen());
    terminal.press("p");
    // What is drawn anew is what changed: the word of the last line.
    terminal.wait_for("pause", from);
    wait_until(|| admin.seen().len() > asked + 4);
    terminal.press("q");
    left(terminal, 0);
}

#[test]
fn a_lost_connection_is_said_until_it_is_back() {
    let admin = Admin::start(Manner::Open);
    let address = admin.address;
    let mut terminal = shown(&admin);
    drop(admin);
    let lost = terminal.wait_for("ANSWER", 0);
    terminal.wait_for("Trying again:", 0);
    let admin = Admin::at(address, Manner::Open);
    // The second snapshot is asked for when the first one is there.
    wait_until(|| admin.seen().len() > 2);
    terminal.resize(101, 30);
    let drawn = terminal.wait_for("pause", lost);
    terminal.press("q");
    let text = terminal.text();
    assert!(!text[text[..drawn].rfind("crsocket").unwrap()..drawn].contains("ANSWER"), "{text:?}");
    left(terminal, 0);
}

#[test]
fn a_new_size_is_used() {
    let admin = Admin::start(Manner::Open);
    let mut terminal = shown(&admin);
    assert!(terminal.text().contains("role"));
    let from = terminal.text().len();
    terminal.resize(40, 12);
    terminal.wait_for("passive/noClientId", from);
    let narrow = terminal.text()[from..].to_owned();
    assert!(!narrow.contains("socketId") && !narrow.contains("routing"), "{narrow:?}");
    terminal.resize(100, 30);
    terminal.wait_for("routing", from);
    terminal.press("q");
    left(terminal, 0);
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let admin = Admin::start(Manner::Open);
    for (value, expected) in [(None, true), (Some(""), true), (Some("1"), false)] {
        let mut command = top(&admin.url(), &[]);
        if let Some(value) = value {
            command.env("NO_COLOR", value);
        }
        let mut terminal = Terminal::run(command, 100, 30);
        terminal.wait_for("pause", 0);
        terminal.press("q");
        terminal.ended();
        assert_eq!(
            terminal.text().contains("\u{1b}[38;5;"),
            expected,
            "NO_COLOR={value:?}: {:?}",
            terminal.text()
        );
    }
}

#[test]
fn what_is_wrong_at_the_start_is_said_without_a_screen() {
    let admin = Admin::start(Manner::Page);
    let mut terminal = Terminal::run(top(&admin.url(), &[]), 100, 30);
    assert_eq!(terminal.ended().code(), Some(2));
    terminal.wait_for("is not the admin interface", 0);
    assert!(!terminal.text().contains("\u{1b}["), "{:?}", terminal.text());
}

#[test]
fn once_and_a_dumb_terminal_get_plain_lines() {
    let admin = Admin::start(Manner::Open);
    let mut once = Terminal::run(top(&admin.url(), &["--once"]), 100, 30);
    assert_eq!(once.ended().code(), Some(0));
    once.wait_for("notInteracting total=6", 0);
    let mut command = top(&admin.url(), &[]);
    command.env("TERM", "dumb");
    let dumb = Terminal::run(command, 100, 30);
    let end = dumb.wait_for("notInteracting total=6", 0);
    dumb.wait_for("notInteracting total=6", end);
    for terminal in [once, dumb] {
        assert!(!terminal.text().contains('\u{1b}'), "{:?}", terminal.text());
    }
}
