//! The receiving side: an EventSource, which comes back by itself, and what its page makes of it (section 9).

use super::{Browser, Turn};
use crate::protocol::action::{Message, StreamNo};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::Credentials;
use crate::protocol::receiver::{Facts, Input, State, StreamEnd, WhyAborted, WhyClosed};
use crate::protocol::time::{Millis, TimerKind};
use crate::protocol::wire::Frame;
use crate::protocol::wired::Effect;

/// How long an EventSource waits before it comes back, unless the server said otherwise.
const RECONNECTION_TIME: Millis = Millis(3_000);

/// An EventSource: one request, made again whenever its stream breaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    credentials: Credentials,
    /// The stream that stands or is being opened; none while it waits before it comes back, or was dropped.
    connection: Option<StreamNo>,
    /// How long it waits before it comes back.
    retry: Millis,
    /// The present stream said `hello`.
    greeted: bool,
}

impl Browser {
    pub(super) fn stream_says(&mut self, input: Input, turn: &mut Turn<'_>) {
        let current = self.source.as_ref().and_then(|source| source.connection);
        match input {
            Input::Frame { stream, frame } if current == Some(stream) => self.frame(frame, turn),
            Input::Retry { stream, after } if current == Some(stream) => {
                if let Some(source) = &mut self.source {
                    source.retry = after;
                }
            }
            Input::Ended { stream, how } if current == Some(stream) => self.ended(how, turn),
            // Of a stream that was given up; or what the three machines of a crSocket tell each other.
            Input::Frame { .. }
            | Input::Retry { .. }
            | Input::Ended { .. }
            | Input::Set { .. }
            | Input::Sent
            | Input::Woke
            | Input::Timer(_) => {}
        }
    }

    fn frame(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        let (is_open, is_closing) =
            (self.receiver == State::Open, matches!(self.receiver, State::Closing(_)));
        let greeted = self.source.as_ref().is_some_and(|source| source.greeted);
        let is_own = greeted && self.pid.is_some() && frame.pid() == self.pid;
        match frame {
            Frame::Hello { pid } if !is_closing => {
                self.pid = Some(pid);
                self.settling_since = turn.step.now;
                if let Some(source) = &mut self.source {
                    source.greeted = true;
                }
                self.put_off_alive(turn);
                // A second one only sets the pid.
                self.change(turn, |browser| browser.receiver = State::Open);
            }
            Frame::CrEvent(data) if is_open || is_closing => {
                if is_open {
                    self.put_off_alive(turn);
                }
                self.received(CrEvent::from_event_data(&data), turn);
            }
            Frame::Closed { .. } | Frame::Shutdown { .. } | Frame::Aborted { .. } if is_closing => {
                if is_own {
                    self.closing_is_over(false, turn);
                }
            }
            Frame::Aborted { reason, .. } if is_own || !greeted => {
                self.go_down(WhyAborted::Server(reason), turn);
            }
            Frame::Shutdown { .. } if is_own => self.reopen(turn),
            // An echo means nothing to these clients; its absence neither.
            Frame::Alive { .. }
            | Frame::Hello { .. }
            | Frame::CrEvent(_)
            | Frame::Closed { .. }
            | Frame::Shutdown { .. }
            | Frame::Aborted { .. } => {}
        }
    }

    /// A broken stream is the EventSource's own affair; after an answer that is none it never comes back.
    fn ended(&mut self, how: StreamEnd, turn: &mut Turn<'_>) {
        let Some(source) = &mut self.source else { return };
        source.connection = None;
        let retry = source.retry;
        match how {
            StreamEnd::NoConnection | StreamEnd::Broken => self.set_timer(TimerKind::Reopen, retry, turn),
            StreamEnd::Status(_) | StreamEnd::NotEventStream => {
                if matches!(self.receiver, State::Closing(_)) {
                    self.closing_is_over(false, turn);
                } else {
                    self.go_down(WhyAborted::Error, turn);
                }
            }
        }
    }

    /// What is held open or is closing: other credentials count as missing until it has ended.
    pub(super) fn held_credentials(&self) -> Option<&Credentials> {
        let held = matches!(self.receiver, State::Open | State::Closing(_));
        self.source.as_ref().filter(|_| held).map(|source| &source.credentials)
    }

    /// What the page set.
    pub(super) fn facts(&self) -> Facts {
        Facts {
            client_active: self.client.is_client_active(),
            client_id: self.client_id(),
            access_token: self.client.access_token.clone(),
        }
    }

    /// Whether the open stream may stay with these facts.
    pub(super) fn stays_connected(&self, facts: &Facts) -> bool {
        let fits = |stream: &Credentials| facts.why_not_this(stream).is_none();
        self.receiver == State::Open && self.held_credentials().is_some_and(fits)
    }

    /// Opens and closes as the facts demand.
    pub(super) fn steer(&mut self, facts: &Facts, changed: bool, turn: &mut Turn<'_>) {
        let not_openable = facts.why_not_openable();
        let misfit = self.source.as_ref().and_then(|source| facts.why_not_this(&source.credentials));
        match (&self.receiver, misfit) {
            (State::Open, Some(why)) => self.close(why, turn),
            (State::Closing(_), Some(why)) => self.receiver = State::Closing(why),
            (State::Opening, Some(why)) => {
                self.disconnect(turn);
                self.source = None;
                self.receiver = State::Closed(why);
            }
            (State::Aborted(_), _) if changed => self.receiver = State::Closed(WhyClosed::ClientNotActive),
            _ => {}
        }
        if let State::Closed(why) = &mut self.receiver {
            match not_openable {
                Some(now) => *why = now,
                None => self.open(turn),
            }
        }
    }

    fn open(&mut self, turn: &mut Turn<'_>) {
        let Some(credentials) = self.sender.credentials() else { return };
        self.receiver = State::Opening;
        self.source =
            Some(Source { credentials, connection: None, retry: RECONNECTION_TIME, greeted: false });
        self.connect(false, turn);
    }

    /// `shutdown`: a new EventSource at once, and no change of state.
    fn reopen(&mut self, turn: &mut Turn<'_>) {
        self.put_off_alive(turn);
        self.disconnect(turn);
        if let Some(source) = &mut self.source {
            source.retry = RECONNECTION_TIME;
        }
        self.connect(false, turn);
    }

    /// The EventSource makes its request.
    pub(super) fn connect(&mut self, resume: bool, turn: &mut Turn<'_>) {
        let Some(source) = &mut self.source else { return };
        self.last_stream = self.last_stream.next();
        source.connection = Some(self.last_stream);
        source.greeted = false;
        let credentials = source.credentials.clone();
        turn.effects.push(Effect::Open { stream: self.last_stream, credentials, resume });
    }

    /// What the EventSource has or waits for is given up.
    fn disconnect(&mut self, turn: &mut Turn<'_>) {
        if let Some(stream) = self.source.as_mut().and_then(|source| source.connection.take()) {
            turn.effects.push(Effect::Drop { stream });
        }
        self.cancel_timer(TimerKind::Reopen, turn);
    }

    /// Nothing follows by itself.
    fn go_down(&mut self, why: WhyAborted, turn: &mut Turn<'_>) {
        self.disconnect(turn);
        self.cancel_timer(TimerKind::Alive, turn);
        self.change(turn, |browser| {
            browser.source = None;
            browser.receiver = State::Aborted(why);
        });
    }

    fn close(&mut self, why: WhyClosed, turn: &mut Turn<'_>) {
        self.receiver = State::Closing(why);
        self.cancel_timer(TimerKind::Alive, turn);
        self.post_to_oneself(Message::Close, turn);
        self.set_timer(TimerKind::Close, turn.step.timing.server_interaction_complete_dt, turn);
    }

    /// `closed`, or as good as that; `waited`: or serverInteractionCompleteDt. Other credentials wait so long in any
    /// case.
    pub(super) fn closing_is_over(&mut self, waited: bool, turn: &mut Turn<'_>) {
        self.disconnect(turn);
        let facts = self.facts();
        let wants_others = facts.why_not_openable().is_none()
            && self.held_credentials().is_some_and(|held| facts.why_not_this(held).is_some());
        if wants_others && !waited {
            return;
        }
        self.cancel_timer(TimerKind::Close, turn);
        self.change(turn, |browser| {
            browser.source = None;
            browser.receiver = State::Closed(WhyClosed::ClientNotActive);
        });
    }

    /// `alive`, whoever may answer: nobody misses the echo.
    pub(super) fn say_alive(&mut self, turn: &mut Turn<'_>) {
        self.post_to_oneself(Message::Alive, turn);
        self.put_off_alive(turn);
    }

    fn put_off_alive(&mut self, turn: &mut Turn<'_>) {
        self.set_timer(TimerKind::Alive, turn.step.timing.event_source_send_alive_dt, turn);
    }
}
