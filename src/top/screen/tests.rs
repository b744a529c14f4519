use std::env;
use std::process::Command;

use crossterm::event::KeyEventKind;

use super::super::tests::snapshot;
use super::*;

#[allow(dead_code, unreachable_pub, reason = "that of the tests of the whole command")]
#[path = "../../../tests/top_command/terminal.rs"]
mod terminal;

const PATIENCE: Duration = Duration::from_secs(30);

/// Set in the process that is to panic.
const PANICS: &str = "CRSOCKET_TEST_PANICS";

/// This test in a process and a terminal of its own, where it panics while the screen is shown.
#[test]
fn a_panic_is_told_in_a_terminal_that_is_as_it_was() {
    if env::var_os(PANICS).is_some() {
        let mut screen = Screen::open().unwrap();
        let snapshot = snapshot();
        screen.draw(&Shown::new(snapshot).view("", Duration::from_secs(1), true)).unwrap();
        panic!("the worst");
    }
    let name = thread::current().name().unwrap().to_owned();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &name, "--nocapture"]).env(PANICS, "yes");
    let mut terminal = terminal::Terminal::run(command, 100, 30);
    assert_eq!(terminal.ended().code(), Some(101));
    let drawn = terminal.wait_for("interacting", 0);
    let left = terminal.wait_for("\u{1b}[?1049l", drawn);
    terminal.wait_for("the worst", left);
    terminal.wait_for("\u{1b}[?25h", drawn);
    assert!(terminal.is_as_before(), "the modes of the terminal are not as before");
    let text = terminal.text();
    assert_eq!(text.matches("\u{1b}[?1049l").count(), 1, "a second one would draw over the panic: {text:?}");
}

fn press(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

#[test]
fn keys_mean_what_the_last_line_says() {
    let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
    let cases = [
        (KeyCode::Char('q'), none, Some(Meaning::Quit)),
        (KeyCode::Char('Q'), KeyModifiers::SHIFT, Some(Meaning::Quit)),
        (KeyCode::Esc, none, Some(Meaning::Quit)),
        (KeyCode::Char('c'), control, Some(Meaning::Quit)),
        (KeyCode::Char('c'), none, None),
        (KeyCode::Char('p'), none, Some(Meaning::Pause)),
        (KeyCode::Char('p'), control, None),
        (KeyCode::Enter, none, None),
    ];
    for (code, modifiers, expected) in cases {
        assert_eq!(meaning(&press(code, modifiers)), expected, "{code} {modifiers}");
    }
    let mut released = KeyEvent::new(KeyCode::Char('q'), none);
    released.kind = KeyEventKind::Release;
    assert_eq!(meaning(&Event::Key(released)), None);
    assert_eq!(meaning(&Event::Resize(10, 10)), None);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_known_by_its_age_until_the_next_answer() {
    let mut shown = Shown::new(snapshot());
    let lost =
        |shown: &Shown| shown.view("", Duration::from_secs(1), false).lost.map(|(_, since)| since.as_secs());
    assert_eq!(lost(&shown), None);
    time::advance(Duration::from_secs(3)).await;
    shown.take(Err(Problem::Broken { url: String::new(), why: String::new() }));
    assert_eq!((lost(&shown), shown.wants_more()), (Some(3), true));
    time::advance(Duration::from_secs(4)).await;
    shown.take(Err(Problem::TokenNeeded { url: String::new() }));
    assert_eq!((lost(&shown), shown.wants_more()), (Some(7), false), "a guarded server is left alone");
    time::advance(Duration::from_secs(10)).await;
    assert!(shown.wants_more());
    shown.take(Ok(snapshot()));
    assert_eq!((lost(&shown), shown.wants_more()), (None, true));
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_until_it_is_ended() {
    let mut shown = Shown::new(snapshot());
    assert!(!shown.pause());
    shown.take(Ok(snapshot()));
    assert!(shown.paused && !shown.wants_more(), "an answer that was outstanding ends no pause");
    assert!(shown.pause() && shown.wants_more());
}
