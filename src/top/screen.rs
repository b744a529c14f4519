//! The terminal: draws, listens for keys and signals, and leaves it as it was.

use std::future::{self, Future};
use std::io;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::DefaultTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{self, Instant, Interval, MissedTickBehavior};

use super::api::Snapshot;
use super::client::Admin;
use super::error::TopError;
use super::problem::Problem;
use super::view::{self, View};

/// Keys that were pressed while nobody looked, at most.
const KEYS: usize = 64;

type Fetch<'a> = Pin<Box<dyn Future<Output = Result<Snapshot, Problem>> + 'a>>;

/// Shows the server until a key or a signal ends it.
///
/// # Errors
/// [`TopError`]: the first answer did not come, or the terminal cannot be used.
pub(super) async fn show(admin: &Admin, interval: Duration, colours: bool) -> Result<ExitCode, TopError> {
    // Before the terminal is changed, whatever is wrong can be said in plain words.
    let snapshot = admin.snapshot().await?;
    let mut signals = Signals::listen().map_err(TopError::Signals)?;
    let mut screen = Screen::open().map_err(TopError::Terminal)?;
    let mut keys = keys();
    let mut ticks = ticks(interval);
    let mut fetch: Option<Fetch<'_>> = None;
    let mut shown = Shown::new(snapshot);
    loop {
        screen.draw(&shown.view(admin.base(), interval, colours)).map_err(TopError::Terminal)?;
        // Nothing here waits for anything else: keys count while an answer is outstanding.
        tokio::select! {
            code = signals.next() => return Ok(code),
            key = keys.recv() => match key {
                Some(Ok(event)) => match meaning(&event) {
                    Some(Meaning::Quit) => return Ok(ExitCode::SUCCESS),
                    Some(Meaning::Pause) if shown.pause() => ticks.reset_immediately(),
                    Some(Meaning::Pause) | None => {}
                },
                Some(Err(error)) => return Err(TopError::Terminal(error)),
                None => return Err(TopError::Terminal(io::ErrorKind::BrokenPipe.into())),
            },
            answer = answer(&mut fetch) => {
                fetch = None;
                shown.take(answer);
            }
            _ = ticks.tick() => {
                if fetch.is_none() && shown.wants_more() {
                    fetch = Some(Box::pin(admin.snapshot()));
                }
            }
        }
    }
}

/// The first one is due after an interval: the first snapshot is there already.
fn ticks(interval: Duration) -> Interval {
    let mut ticks = time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What the answer that is outstanding says; never, where none is.
async fn answer(fetch: &mut Option<Fetch<'_>>) -> Result<Snapshot, Problem> {
    match fetch {
        Some(fetch) => fetch.await,
        None => future::pending().await,
    }
}

/// What is known, and since when nothing new.
#[derive(Debug)]
struct Shown {
    snapshot: Snapshot,
    came: Instant,
    lost: Option<Problem>,
    /// Not before then.
    not_before: Instant,
    paused: bool,
}

impl Shown {
    fn new(snapshot: Snapshot) -> Shown {
        let now = Instant::now();
        Shown { snapshot, came: now, lost: None, not_before: now, paused: false }
    }

    fn take(&mut self, answer: Result<Snapshot, Problem>) {
        let now = Instant::now();
        match answer {
            Ok(snapshot) => *self = Shown { paused: self.paused, ..Shown::new(snapshot) },
            Err(problem) => {
                self.not_before = now + problem.pause();
                self.lost = Some(problem);
            }
        }
    }

    /// Pauses or goes on; whether it goes on.
    fn pause(&mut self) -> bool {
        self.paused = !self.paused;
        !self.paused
    }

    fn wants_more(&self) -> bool {
        !self.paused && Instant::now() >= self.not_before
    }

    fn view<'a>(&'a self, url: &'a str, interval: Duration, colours: bool) -> View<'a> {
        let lost = self.lost.as_ref().map(|problem| (problem, self.came.elapsed()));
        View { url, interval, snapshot: &self.snapshot, paused: self.paused, lost, colours }
    }
}

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Quit,
    Pause,
}

/// A key that is let go, a new size and all else only draw the screen anew.
fn meaning(event: &Event) -> Option<Meaning> {
    let KeyEvent { code, modifiers, .. } = event.as_key_press_event()?;
    if modifiers.contains(KeyModifiers::CONTROL) {
        return (code == KeyCode::Char('c')).then_some(Meaning::Quit);
    }
    if [KeyCode::Char('q'), KeyCode::Char('Q'), KeyCode::Esc].contains(&code) {
        return Some(Meaning::Quit);
    }
    [KeyCode::Char('p'), KeyCode::Char('P')].contains(&code).then_some(Meaning::Pause)
}

/// Keys and new sizes, read by a thread of their own: where the terminal is gone, reading may never come back.
fn keys() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(KEYS);
    thread::spawn(move || {
        loop {
            let event = event::read();
            let failed = event.is_err();
            if sender.blocking_send(event).is_err() || failed {
                return;
            }
        }
    });
    receiver
}

/// The signals that end it. Their exit statuses are those that a shell gives a program which a signal ended.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.interrupt.recv() => ExitCode::from(130),
            _ = self.terminate.recv() => ExitCode::from(143),
            _ = self.hang_up.recv() => ExitCode::from(129),
        }
    }
}

/// The terminal while it is drawn on. Dropped, it is as before; at a panic the hook of ratatui has done that already, before
/// the panic is told.
struct Screen {
    terminal: ManuallyDrop<DefaultTerminal>,
}

impl Screen {
    fn open() -> io::Result<Screen> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Screen { terminal: ManuallyDrop::new(terminal) }),
            Err(error) => {
                // It may have come halfway.
                let _ = ratatui::try_restore();
                Err(error)
            }
        }
    }

    fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        self.terminal.draw(|frame| view::draw(frame, view)).map(drop)
    }
}

impl Drop for Screen {
    /// Where the terminal is gone, there is nobody to tell. The terminal's own drop would do so, and panic at that.
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        if !thread::panicking() {
            let _ = ratatui::try_restore();
        }
    }
}

#[cfg(test)]
mod tests;
