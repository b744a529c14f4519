//! The EventReceiver (section 5): opens the client's event stream, keeps it alive, gets it back when it breaks.

use super::action::{Message, Post, ReceiverAction, StreamNo};
use super::event::CrEvent;
use super::ids::{AccessToken, Assigned, ClientId, Credentials, Pid};
use super::socket;
use super::time::{Millis, Step, TimerKind};
use super::wire::{AbortReason, Frame};

mod aged;
mod backoff;
mod state;

pub use state::{Facts, State, View, WhyAborted, WhyClosed};

pub(super) use backoff::Backoff;

/// A stream that lived this long was a good one: the next opening does not wait (section 5).
const GOOD_LIFE: Millis = Millis(10_000);
/// A timer that fires later than this after its time means that the device slept (section 5, "Waking").
pub(super) const ASLEEP: Millis = Millis(5_000);
/// How late a timer can be for all that depends on it.
pub(super) const LATEST: Millis = Millis(ASLEEP.0 + 1);
/// After `error` and `clientIdInUse` another try follows by itself, after a random time in this range (section 5).
const HEAL_FROM: Millis = Millis(15_000);
const HEAL_TO: Millis = Millis(60_000);
/// After `releasedByOther` right behind one's own `hello` another try follows after this time, at most twice a minute.
const OVERTAKEN_RETRY: Millis = Millis(1_000);
const OVERTAKEN_WINDOW: Millis = Millis(60_000);

/// How a stream ended or an opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamEnd {
    /// No connection could be made.
    NoConnection,
    /// An event stream that broke, or whose body ended.
    Broken,
    /// An answer with another status than 200.
    Status(u16),
    /// An answer that is not an event stream.
    NotEventStream,
}

/// What an EventReceiver is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// clientActive, clientId or accessToken is set, perhaps to the same value. Reports carry the revision of the last
    /// one, so that a report that was on its way never undoes a newer input.
    Set {
        /// What holds from now on.
        facts: Facts,
        /// The crSocket's number for this input.
        revision: u32,
    },
    /// A frame of a stream.
    Frame {
        /// Of which stream.
        stream: StreamNo,
        /// What it says.
        frame: Frame,
    },
    /// A `retry:` line of a stream.
    Retry {
        /// Of which stream.
        stream: StreamNo,
        /// How long the server wants clients to wait.
        after: Millis,
    },
    /// A stream ended, or could not be opened.
    Ended {
        /// Which one.
        stream: StreamNo,
        /// How.
        how: StreamEnd,
    },
    /// A sendevent of this client left.
    Sent,
    /// The device slept: another machine's timer was late.
    Woke,
    /// A timer fired.
    Timer(TimerKind),
}

/// The EventReceiver's machine.
///
/// ```text
///             openable                     hello
///   closed ------------> opening ------------------------> open
///     ^  ^                |  ^ \                          /  |
///     |  | not openable   |  |  \ aborted        aborted /   | not openable:
///     |  +----------------+  |   v                      v    | send close
///     |                      +- aborted <---------------     v
///     |                  set anew | not openable            closing
///     +---------------------------+                           |
///     +-------------------------------------------------------+
///        closed, aborted, shutdown, end, or serverInteractionCompleteDt
/// ```
///
/// From open, a stream that broke or was recycled leads back to opening; from closing, one that is openable again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    facts: Facts,
    revision: u32,
    stream: Stream,
    /// The number of the last stream that was opened.
    number: StreamNo,
    /// Whether the last stream that was open broke, so that something may have been missed.
    resume: bool,
    backoff: Backoff,
    /// The one timer that is armed, and when it is due.
    timer: Option<(TimerKind, Millis)>,
    /// When another try followed a `releasedByOther` by itself: the last two times.
    overtaken: [Option<Millis>; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stream {
    /// None, and none is wanted.
    None,
    /// None; the next opening waits for `TimerKind::Reopen`.
    Waiting,
    /// Requested, no `hello` yet; `TimerKind::Hello` is armed.
    Requested { credentials: Credentials },
    /// Open; `TimerKind::Alive` is armed.
    Open(Open),
    /// `close` was sent; `TimerKind::Close` is armed.
    Closing(Closing),
    /// Given up by the server; `TimerKind::Reopen` is armed where another try follows by itself.
    Aborted(WhyAborted),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Open {
    credentials: Credentials,
    pid: Pid,
    /// When its first `hello` came.
    since: Millis,
    /// When its last `hello` came.
    hello_at: Millis,
    /// The last `hello` or crEvent, or `alive` sent.
    last_in: Millis,
    /// The last sendevent of one's own.
    last_out: Millis,
    /// An `alive` was sent, and no frame has come since.
    awaiting_echo: bool,
    /// crEvents may be as old as the sleep that just ended: until the echo, or this moment.
    stale_until: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Closing {
    credentials: Credentials,
    pid: Pid,
    why: WhyClosed,
    /// As in [`Open`].
    stale_until: Option<Millis>,
}

impl Receiver {
    /// A receiver that has been given nothing yet: closed.
    pub fn new() -> Receiver {
        Receiver {
            facts: Facts::default(),
            revision: 0,
            stream: Stream::None,
            number: StreamNo(0),
            resume: false,
            backoff: Backoff::default(),
            timer: None,
            overtaken: [None; 2],
        }
    }

    /// Its state.
    pub fn state(&self) -> State {
        match &self.stream {
            Stream::None => {
                State::Closed(self.facts.why_not_openable().unwrap_or(WhyClosed::ClientNotActive))
            }
            Stream::Waiting | Stream::Requested { .. } => State::Opening,
            Stream::Open(_) => State::Open,
            Stream::Closing(closing) => State::Closing(closing.why),
            Stream::Aborted(why) => State::Aborted(why.clone()),
        }
    }

    /// What it has been given.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The pid of the stream that is open or closing.
    pub fn pid(&self) -> Option<Pid> {
        match &self.stream {
            Stream::Open(open) => Some(open.pid),
            Stream::Closing(closing) => Some(closing.pid),
            Stream::None | Stream::Waiting | Stream::Requested { .. } | Stream::Aborted(_) => None,
        }
    }

    /// The clientId of the stream that is open or closing.
    pub fn client_id(&self) -> Option<ClientId> {
        match &self.stream {
            Stream::Open(open) => Some(open.credentials.client_id),
            Stream::Closing(closing) => Some(closing.credentials.client_id),
            Stream::None | Stream::Waiting | Stream::Requested { .. } | Stream::Aborted(_) => None,
        }
    }

    /// When the first `hello` of the stream came that is open.
    pub fn open_since(&self) -> Option<Millis> {
        match &self.stream {
            Stream::Open(open) => Some(open.since),
            Stream::Closing(_)
            | Stream::None
            | Stream::Waiting
            | Stream::Requested { .. }
            | Stream::Aborted(_) => None,
        }
    }

    /// The number of the last stream that was opened.
    pub fn stream_number(&self) -> StreamNo {
        self.number
    }

    /// Takes one input and asks for what follows from it.
    pub fn handle(&mut self, input: Input, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let before = (self.state(), self.shown_stream());
        let is_set = matches!(input, Input::Set { .. });
        match input {
            Input::Set { facts, revision } => self.set(facts, revision, step, actions),
            Input::Frame { stream, frame } if stream == self.number => {
                self.notice_sleep(step, actions);
                self.frame(frame, step, actions);
            }
            Input::Retry { stream, after } if stream == self.number => self.backoff.set_base(after),
            Input::Ended { stream, how } if stream == self.number => self.ended(how, step, actions),
            Input::Frame { .. } | Input::Retry { .. } | Input::Ended { .. } => {}
            Input::Sent => self.sent(step),
            Input::Woke => self.woke(step, actions),
            Input::Timer(timer) => self.timer_fired(timer, step, actions),
        }
        self.open_if_due(step, actions);
        if is_set || before != (self.state(), self.shown_stream()) {
            let report = socket::Input::ReceiverReport { view: self.view(), revision: self.revision };
            actions.push(ReceiverAction::Socket(report));
        }
    }

    /// The number of the stream whose credentials its crSocket is told; a stream keeps them.
    fn shown_stream(&self) -> Option<StreamNo> {
        match &self.stream {
            Stream::Open(_) | Stream::Closing(_) => Some(self.number),
            Stream::None | Stream::Waiting | Stream::Requested { .. } | Stream::Aborted(_) => None,
        }
    }

    /// What its crSocket is told of it.
    fn view(&self) -> View {
        let stream = match &self.stream {
            Stream::Open(open) => Some(open.credentials.clone()),
            Stream::Closing(closing) => Some(closing.credentials.clone()),
            Stream::None | Stream::Waiting | Stream::Requested { .. } | Stream::Aborted(_) => None,
        };
        View { state: self.state(), stream }
    }

    fn set(&mut self, facts: Facts, revision: u32, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let changed = facts != self.facts;
        // What another client or user missed is not shown.
        self.resume &=
            facts.client_id == self.facts.client_id && facts.access_token == self.facts.access_token;
        self.facts = facts;
        self.revision = revision;
        let why = self.facts.why_not_openable();
        match &mut self.stream {
            Stream::None => {}
            Stream::Waiting => {
                if changed {
                    self.leave(actions);
                }
            }
            // Ends when set anew, also to the same value.
            Stream::Aborted(_) => self.leave(actions),
            Stream::Requested { credentials } => {
                if self.facts.credentials().as_ref() != Some(credentials) {
                    self.drop_stream(actions);
                }
            }
            Stream::Open(open) => {
                if let Some(why) = self.facts.why_not_this(&open.credentials) {
                    self.close(why, step, actions);
                }
            }
            Stream::Closing(closing) => closing.why = why.unwrap_or(closing.why),
        }
    }

    fn frame(&mut self, frame: Frame, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        match &self.stream {
            Stream::Requested { .. } => self.frame_before_hello(frame, step, actions),
            Stream::Open(_) => self.frame_while_open(frame, step, actions),
            Stream::Closing(_) => self.frame_while_closing(frame, step, actions),
            Stream::None | Stream::Waiting | Stream::Aborted(_) => {}
        }
    }

    fn frame_before_hello(&mut self, frame: Frame, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        match frame {
            Frame::Hello { pid } => self.opened(pid, step, actions),
            // Counts whatever its pid.
            Frame::Aborted { reason, .. } => self.aborted(reason, step, actions),
            Frame::Alive { .. } | Frame::CrEvent(_) | Frame::Closed { .. } | Frame::Shutdown { .. } => {}
        }
    }

    fn opened(&mut self, pid: Pid, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let Stream::Requested { credentials } = &self.stream else { return };
        self.stream = Stream::Open(Open {
            credentials: credentials.clone(),
            pid,
            since: step.now,
            hello_at: step.now,
            last_in: step.now,
            last_out: step.now,
            awaiting_echo: false,
            stale_until: None,
        });
        self.resume = false;
        self.set_timer(TimerKind::Alive, step.timing.event_source_send_alive_dt, step, actions);
    }

    fn frame_while_open(&mut self, frame: Frame, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let Stream::Open(open) = &mut self.stream else { return };
        match frame {
            Frame::Hello { pid } => open.hello_again(pid, step.now),
            Frame::CrEvent(data) => {
                let stale = open.got_cr_event(step.now);
                let event = CrEvent::from_event_data(&data);
                let credentials = open.credentials.clone();
                actions.push(ReceiverAction::Socket(socket::Input::Received { event, credentials, stale }));
            }
            Frame::Alive { pid } if pid == open.pid => open.got_echo(),
            Frame::Aborted { pid, reason, .. } if pid == open.pid => self.aborted(reason, step, actions),
            Frame::Closed { pid } if pid == open.pid => self.broke(false, step, actions),
            Frame::Shutdown { pid } if pid == open.pid => self.recycled(step, actions),
            Frame::Alive { .. } | Frame::Aborted { .. } | Frame::Closed { .. } | Frame::Shutdown { .. } => {}
        }
    }

    fn frame_while_closing(&mut self, frame: Frame, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let Stream::Closing(closing) = &mut self.stream else { return };
        match frame {
            Frame::CrEvent(data) => {
                let event = CrEvent::from_event_data(&data);
                let credentials = closing.credentials.clone();
                let stale = is_stale(closing.stale_until, step.now);
                actions.push(ReceiverAction::Socket(socket::Input::Received { event, credentials, stale }));
            }
            Frame::Closed { pid } | Frame::Shutdown { pid } | Frame::Aborted { pid, .. }
                if pid == closing.pid =>
            {
                self.drop_stream(actions);
            }
            Frame::Alive { pid } if pid == closing.pid => closing.stale_until = None,
            Frame::Hello { .. }
            | Frame::Alive { .. }
            | Frame::Closed { .. }
            | Frame::Shutdown { .. }
            | Frame::Aborted { .. } => {}
        }
    }

    fn ended(&mut self, how: StreamEnd, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        match &self.stream {
            Stream::Requested { .. } => match how {
                StreamEnd::NoConnection | StreamEnd::Broken | StreamEnd::Status(429 | 500..=599) => {
                    self.broke(true, step, actions);
                }
                StreamEnd::Status(_) | StreamEnd::NotEventStream => {
                    self.give_up(WhyAborted::Error, Some(heal_after(step)), step, actions);
                }
            },
            Stream::Open(_) => self.broke(true, step, actions),
            Stream::Closing(_) => self.leave(actions),
            Stream::None | Stream::Waiting | Stream::Aborted(_) => {}
        }
    }

    /// The stream is lost: opening again, with backoff.
    fn broke(&mut self, resume: bool, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let was_open = matches!(self.stream, Stream::Open(_));
        self.forget_backoff_after_good_life(step.now);
        self.drop_stream(actions);
        self.resume = if was_open { resume } else { self.resume };
        self.wait(step, actions);
    }

    /// `shutdown`: at once if the stream had a good life, else with backoff.
    fn recycled(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let at_once = self.forget_backoff_after_good_life(step.now);
        self.drop_stream(actions);
        self.resume = false;
        if !at_once {
            self.wait(step, actions);
        }
    }

    fn forget_backoff_after_good_life(&mut self, now: Millis) -> bool {
        let good = matches!(&self.stream, Stream::Open(open) if now - open.since >= GOOD_LIFE);
        if good {
            self.backoff.reset();
        }
        good
    }

    fn wait(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let after = self.backoff.next(step.random);
        self.stream = Stream::Waiting;
        self.set_timer(TimerKind::Reopen, after, step, actions);
    }

    fn aborted(&mut self, reason: AbortReason, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let retry = match &reason {
            AbortReason::ClientNotAlive => {
                self.forget_backoff_after_good_life(step.now);
                Some(self.backoff.next(step.random))
            }
            AbortReason::ClientIdInUse => Some(heal_after(step)),
            AbortReason::ReleasedByOther => self.overtaken(step),
            AbortReason::InvalidRole
            | AbortReason::InvalidClientId
            | AbortReason::InvalidAccessToken
            | AbortReason::NotAuthorized
            | AbortReason::Other(_) => None,
        };
        self.give_up(WhyAborted::Server(reason), retry, step, actions);
    }

    /// The wait before the next try, if the stream was released by an overtaken request of one's own.
    fn overtaken(&mut self, step: &Step<'_>) -> Option<Millis> {
        let Stream::Open(open) = &self.stream else { return None };
        let by_oneself = step.now - open.hello_at < step.timing.hello_max_dt;
        let recent = |at: &Option<Millis>| at.is_some_and(|at| step.now - at < OVERTAKEN_WINDOW);
        if !by_oneself || self.overtaken.iter().all(recent) {
            return None;
        }
        self.overtaken = [self.overtaken[1], Some(step.now)];
        Some(OVERTAKEN_RETRY)
    }

    fn give_up(
        &mut self,
        why: WhyAborted,
        retry: Option<Millis>,
        step: &Step<'_>,
        actions: &mut Vec<ReceiverAction>,
    ) {
        self.drop_stream(actions);
        self.resume = false;
        self.stream = Stream::Aborted(why);
        if let Some(after) = retry {
            self.set_timer(TimerKind::Reopen, after, step, actions);
        }
    }

    fn sent(&mut self, step: &Step<'_>) {
        if let Stream::Open(open) = &mut self.stream {
            open.last_out = step.now;
        }
    }

    /// Another timer was late. Several are after one sleep: one `alive` will do.
    fn woke(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        if let Stream::Open(open) = &self.stream
            && !is_stale(open.stale_until, step.now)
        {
            self.wake(step, actions);
        }
    }

    fn wake(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        if let Stream::Open(open) = &mut self.stream {
            open.stale_until = Some(step.now + step.timing.send_answer_dt);
            self.send_alive(step, actions);
        }
    }

    fn timer_fired(&mut self, timer: TimerKind, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let Some((armed, due)) = self.timer else { return };
        if armed != timer || step.now < due {
            return;
        }
        self.timer = None;
        match &self.stream {
            Stream::Requested { .. } => self.broke(true, step, actions),
            Stream::Open(_) if step.now - due > ASLEEP => self.wake(step, actions),
            Stream::Open(open) => {
                let missed = open.awaiting_echo;
                let wait = open.alive_due(step) - step.now;
                if wait > Millis::ZERO {
                    self.set_timer(TimerKind::Alive, wait, step, actions);
                } else if missed {
                    self.broke(true, step, actions);
                } else {
                    self.send_alive(step, actions);
                }
            }
            Stream::Closing(_) => self.drop_stream(actions),
            Stream::Waiting | Stream::Aborted(_) => self.stream = Stream::None,
            Stream::None => {}
        }
    }

    /// A timer that should have fired long ago means that the device slept, also if the frame came before the timer.
    fn notice_sleep(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        if self.timer.is_some_and(|(_, due)| step.now - due > ASLEEP) {
            self.woke(step, actions);
        }
    }

    fn send_alive(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let Stream::Open(open) = &mut self.stream else { return };
        open.last_in = step.now;
        open.last_out = step.now;
        open.awaiting_echo = true;
        let (credentials, pid) = (open.credentials.clone(), open.pid);
        actions.push(post_to_oneself(credentials, Message::Alive(pid)));
        self.set_timer(TimerKind::Alive, step.timing.event_source_send_alive_dt, step, actions);
    }

    fn close(&mut self, why: WhyClosed, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        let Stream::Open(open) = &self.stream else { return };
        let (credentials, pid, stale_until) = (open.credentials.clone(), open.pid, open.stale_until);
        actions.push(post_to_oneself(credentials.clone(), Message::Close(pid)));
        self.stream = Stream::Closing(Closing { credentials, pid, why, stale_until });
        self.set_timer(TimerKind::Close, step.timing.server_interaction_complete_dt, step, actions);
    }

    fn open_if_due(&mut self, step: &Step<'_>, actions: &mut Vec<ReceiverAction>) {
        if self.stream != Stream::None {
            return;
        }
        let Some(credentials) = self.facts.credentials() else { return };
        self.number = self.number.next();
        let resume = self.resume;
        actions.push(ReceiverAction::Open { stream: self.number, credentials: credentials.clone(), resume });
        self.stream = Stream::Requested { credentials };
        self.set_timer(TimerKind::Hello, step.timing.hello_max_dt, step, actions);
    }

    /// Gives the present stream up: its connection is dropped, what still comes of it is ignored.
    fn drop_stream(&mut self, actions: &mut Vec<ReceiverAction>) {
        actions.push(ReceiverAction::Drop { stream: self.number });
        self.leave(actions);
    }

    /// Leaves the present phase without anything left to drop.
    fn leave(&mut self, actions: &mut Vec<ReceiverAction>) {
        self.stream = Stream::None;
        if let Some((timer, _)) = self.timer.take() {
            actions.push(ReceiverAction::CancelTimer(timer));
        }
    }

    fn set_timer(
        &mut self,
        timer: TimerKind,
        after: Millis,
        step: &Step<'_>,
        actions: &mut Vec<ReceiverAction>,
    ) {
        if let Some((armed, _)) = self.timer
            && armed != timer
        {
            actions.push(ReceiverAction::CancelTimer(armed));
        }
        self.timer = Some((timer, step.now + after));
        actions.push(ReceiverAction::SetTimer { timer, after });
    }
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver::new()
    }
}

impl Open {
    fn hello_again(&mut self, pid: Pid, now: Millis) {
        self.pid = pid;
        self.hello_at = now;
        self.last_in = now;
        self.last_out = now;
        self.awaiting_echo = false;
    }

    /// Whether the event may be as old as a sleep that just ended.
    fn got_cr_event(&mut self, now: Millis) -> bool {
        self.last_in = now;
        self.awaiting_echo = false;
        is_stale(self.stale_until, now)
    }

    fn got_echo(&mut self) {
        self.awaiting_echo = false;
        self.stale_until = None;
    }

    /// The next `alive`: after too long a silence in either direction.
    fn alive_due(&self, step: &Step<'_>) -> Millis {
        self.last_in.min(self.last_out) + step.timing.event_source_send_alive_dt
    }
}

/// Whether what comes now may be as old as a sleep that just ended.
fn is_stale(until: Option<Millis>, now: Millis) -> bool {
    until.is_some_and(|until| now < until)
}

fn post_to_oneself(credentials: Credentials, message: Message) -> ReceiverAction {
    let recipient = credentials.client_id;
    ReceiverAction::Post(Post { credentials, recipient, message, request: None })
}

fn heal_after(step: &Step<'_>) -> Millis {
    step.random_between(HEAL_FROM, HEAL_TO)
}
