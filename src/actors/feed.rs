//! Who watches what happens, as it happens: bounded channels that nobody who is watched ever waits for.
//!
//! Where nobody watches, nothing is sent. A watcher that is too slow misses the oldest, and is told how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::board::{SocketId, StateName};
use super::clock::unix_millis;
use super::counted::Counted;
use super::recent::{EventType, Happening, What};
use crate::protocol::ids::{AppId, ClientId, Pid, Role};
use crate::protocol::sessions::{Ended, Note};

/// How many happenings of a kind a watcher may be behind before it misses the oldest.
const CAPACITY: usize = 8_192;

/// The channels.
#[derive(Debug, Default)]
pub struct Feed {
    transitions: Channel<Transition>,
    events: Channel<EventPassed>,
    sessions: Channel<SessionChanged>,
    /// How many changes of state there were since the start.
    count: AtomicU64,
    /// How many watch params, too.
    params: Arc<AtomicUsize>,
}

/// A crSocket as it was when something happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its app.
    pub app: AppId,
    /// Its role.
    pub role: Role,
    /// Its clientId, if it had one.
    pub client_id: Option<ClientId>,
    /// Its partner, if it had one.
    pub partner: Option<ClientId>,
    /// Its state.
    pub state: StateName,
}

/// A crSocket came to be, changed its state, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Calendar time, in milliseconds since 1970.
    pub at: i64,
    /// Which.
    pub socket: SocketId,
    /// What it was.
    pub who: Who,
    /// The state before; none where it came to be.
    pub from: Option<StateName>,
    /// The state now; none where it is gone.
    pub to: Option<StateName>,
}

/// A crEvent left a crSocket, or came to it. `ping`s are not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPassed {
    /// Calendar time, in milliseconds since 1970.
    pub at: i64,
    /// Which crSocket.
    pub socket: SocketId,
    /// What it was.
    pub who: Who,
    /// Whether it came to it; else it left it.
    pub came: bool,
    /// The beginning of its type.
    pub event_type: EventType,
    /// Its params, where somebody watches them.
    pub params: Option<Box<[Box<str>]>>,
}

/// Something happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionChanged {
    /// Calendar time, in milliseconds since 1970.
    pub at: i64,
    /// Whose.
    pub client_id: ClientId,
    /// Which.
    pub pid: Pid,
    /// Its app; none where its stream is gone already.
    pub app: Option<AppId>,
    /// What.
    pub what: SessionChange,
}

/// What happened to a session (section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// It began.
    Began,
    /// Another user asks for its clientId.
    Contested,
    /// It showed that it lives.
    Defended,
    /// It ended.
    Ended(Ended),
}

/// One kind of happenings, to all who watch it.
#[derive(Debug)]
struct Channel<T> {
    sender: broadcast::Sender<T>,
    watchers: Arc<AtomicUsize>,
}

/// Somebody who watches one kind of happenings, until it is dropped.
#[derive(Debug)]
pub struct Watcher<T> {
    receiver: broadcast::Receiver<T>,
    _counted: Counted,
}

/// What a watcher finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched<T> {
    /// The next one.
    Next(T),
    /// So many were missed.
    Missed(u64),
    /// Nothing more for now.
    Nothing,
}

impl Feed {
    /// How many changes of state there were since the start.
    pub fn transitions(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Watches transitions from now on.
    pub fn watch_transitions(&self) -> Watcher<Transition> {
        self.transitions.watch()
    }

    /// Watches crEvents from now on.
    pub fn watch_events(&self) -> Watcher<EventPassed> {
        self.events.watch()
    }

    /// Watches sessions from now on.
    pub fn watch_sessions(&self) -> Watcher<SessionChanged> {
        self.sessions.watch()
    }

    /// CrEvents are told with their params, until what is returned is dropped.
    pub fn watch_params(&self) -> Counted {
        Counted::new(&self.params)
    }

    /// Whether crEvents are told with their params.
    pub(super) fn wants_params(&self) -> bool {
        self.params.load(Ordering::Relaxed) > 0
    }

    /// Tells a happening of a crSocket; params are those of a crEvent.
    pub(super) fn tell(&self, happening: Happening, who: impl Fn() -> Who, params: Option<&[Box<str>]>) {
        let Happening { at, socket, what } = happening;
        let transition = |from, to| Transition { at, socket, who: who(), from, to };
        let event = |came, event_type| {
            let params = params.filter(|_| self.wants_params()).map(Box::from);
            EventPassed { at, socket, who: who(), came, event_type, params }
        };
        match what {
            What::Spawned => self.transitions.tell(|| transition(None, Some(StateName::FIRST))),
            What::Changed { from, to } => {
                self.count.fetch_add(1, Ordering::Relaxed);
                self.transitions.tell(|| transition(Some(from), Some(to)));
            }
            What::Removed { from } => self.transitions.tell(|| transition(Some(from), None)),
            What::Sent(event_type) => self.events.tell(|| event(false, event_type)),
            What::Received(event_type) => self.events.tell(|| event(true, event_type)),
            // The change of state that it brings follows.
            What::Reset => {}
        }
    }

    /// Tells what the rules noted of a session.
    pub(super) fn tell_note(&self, note: &Note, app: impl FnOnce(Pid) -> Option<AppId>) {
        let (client_id, pid, what) = match note {
            Note::Began { client_id, pid } => (client_id, pid, SessionChange::Began),
            Note::Contested { client_id, pid } => (client_id, pid, SessionChange::Contested),
            Note::Defended { client_id, pid } => (client_id, pid, SessionChange::Defended),
            Note::Ended { client_id, pid, why, .. } => (client_id, pid, SessionChange::Ended(why.clone())),
            Note::NotOpened { .. }
            | Note::LeftUnread { .. }
            | Note::Refused { .. }
            | Note::Dropped { .. }
            | Note::ReplyLost { .. } => return,
        };
        self.sessions.tell(|| SessionChanged {
            at: unix_millis().unwrap_or(0),
            client_id: *client_id,
            pid: *pid,
            app: app(*pid),
            what,
        });
    }
}

impl<T: Clone> Channel<T> {
    fn watch(&self) -> Watcher<T> {
        Watcher { receiver: self.sender.subscribe(), _counted: Counted::new(&self.watchers) }
    }

    fn tell(&self, what: impl FnOnce() -> T) {
        if self.watchers.load(Ordering::Relaxed) > 0 {
            // The last watcher may have gone this moment.
            let _ = self.sender.send(what());
        }
    }
}

impl<T: Clone> Default for Channel<T> {
    fn default() -> Channel<T> {
        Channel { sender: broadcast::Sender::new(CAPACITY), watchers: Arc::default() }
    }
}

impl<T: Clone> Watcher<T> {
    /// What comes next, without waiting for it.
    pub fn look(&mut self) -> Watched<T> {
        match self.receiver.try_recv() {
            Ok(next) => Watched::Next(next),
            Err(TryRecvError::Lagged(missed)) => Watched::Missed(missed),
            Err(TryRecvError::Empty | TryRecvError::Closed) => Watched::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> Who {
        let app = AppId::parse("demo").unwrap();
        Who { app, role: Role::Controller, client_id: None, partner: None, state: StateName::FIRST }
    }

    fn changed(at: i64) -> Happening {
        let what = What::Changed { from: StateName::FIRST, to: StateName::FIRST };
        Happening { at, socket: SocketId(1), what }
    }

    #[test]
    fn what_is_told_while_nobody_watches_is_told_nobody() {
        let feed = Feed::default();
        feed.tell(changed(1), who, None);
        let mut watcher = feed.watch_transitions();
        assert_eq!(watcher.look(), Watched::Nothing);
        feed.tell(changed(2), who, None);
        assert!(matches!(watcher.look(), Watched::Next(Transition { at: 2, .. })));
        drop(watcher);
        assert_eq!(feed.transitions.watchers.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_is_too_slow_misses_the_oldest_and_is_told_how_many() {
        let feed = Feed::default();
        let mut watcher = feed.watch_transitions();
        for at in 0..10_000 {
            feed.tell(changed(at), who, None);
        }
        let missed = 10_000 - CAPACITY as u64;
        assert_eq!(watcher.look(), Watched::Missed(missed));
        let next = watcher.look();
        assert!(matches!(next, Watched::Next(Transition { at, .. }) if at == missed as i64), "{next:?}");
    }

    #[test]
    fn params_are_told_only_while_somebody_watches_them() {
        let feed = Feed::default();
        let mut watcher = feed.watch_events();
        let event = Happening { what: What::Sent(EventType::new("answer")), ..changed(1) };
        let params: [Box<str>; 1] = ["yes".into()];
        let params_told = |watcher: &mut Watcher<EventPassed>| {
            feed.tell(event, who, Some(&params));
            match watcher.look() {
                Watched::Next(event) => event.params.is_some(),
                other @ (Watched::Missed(_) | Watched::Nothing) => panic!("{other:?}"),
            }
        };
        assert!(!params_told(&mut watcher));
        let watching = feed.watch_params();
        assert!(params_told(&mut watcher));
        drop(watching);
        assert!(!params_told(&mut watcher));
    }
}
