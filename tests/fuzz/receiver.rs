//! Sequences of inputs to an EventReceiver (section 5).

use crsocket::protocol::action::{Message, ReceiverAction, StreamNo};
use crsocket::protocol::ids::Credentials;
use crsocket::protocol::receiver::{Facts, Input, Receiver, State, StreamEnd, View, WhyClosed};
use crsocket::protocol::socket;
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};

use crate::bytes::Bytes;
use crate::people::{self, Timers};

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut shell = Shell::new(people::timing(&mut bytes));
    while !bytes.is_empty() {
        shell.next(&mut bytes);
        shell.check();
    }
}

struct Shell {
    receiver: Receiver,
    timing: Timing,
    now: Millis,
    random: u64,
    timers: Timers,
    revision: u32,
    /// The last stream that was opened.
    opened: Option<(StreamNo, Credentials)>,
    /// Whether its connection stands.
    stands: bool,
    /// What the crSocket was told last.
    view: View,
}

impl Shell {
    fn new(timing: Timing) -> Shell {
        Shell {
            receiver: Receiver::new(),
            timing,
            now: Millis::ZERO,
            random: 0,
            timers: Timers::default(),
            revision: 0,
            opened: None,
            stands: false,
            view: View { state: State::Closed(WhyClosed::ClientNotActive), stream: None },
        }
    }

    fn next(&mut self, bytes: &mut Bytes<'_>) {
        let stream = self.stream(bytes);
        match bytes.byte() % 10 {
            0 | 1 => self.set(bytes),
            2..=4 => self.take(Input::Frame { stream, frame: people::frame(bytes) }),
            5 => self.take(Input::Retry { stream, after: bytes.wait() }),
            6 => self.end(stream, bytes),
            7 => self.take(if bytes.flag() { Input::Sent } else { Input::Woke }),
            8 => self.take(Input::Timer(bytes.pick(&TimerKind::ALL))),
            _ => {
                self.now = self.timers.wait(self.now, bytes);
                self.random = bytes.number();
                while let Some(timer) = self.timers.take_due(self.now) {
                    self.take(Input::Timer(timer));
                }
            }
        }
    }

    /// Mostly the present one.
    fn stream(&self, bytes: &mut Bytes<'_>) -> StreamNo {
        let present = self.opened.as_ref().map_or(StreamNo(0), |(stream, _)| *stream);
        if bytes.rarely(16) { StreamNo(present.0.wrapping_sub(1)) } else { present }
    }

    /// Section 7, "A change is one step": its crSocket knows what comes of it.
    fn set(&mut self, bytes: &mut Bytes<'_>) {
        let facts = Facts {
            client_active: !bytes.rarely(4),
            client_id: (!bytes.rarely(8)).then(|| people::client_id(bytes)),
            access_token: people::assigned(bytes, people::token),
        };
        self.revision += 1;
        let foreseen = self.view.clone().given(&facts);
        self.take(Input::Set { facts, revision: self.revision });
        assert_eq!(self.receiver.state(), foreseen.state);
    }

    fn end(&mut self, stream: StreamNo, bytes: &mut Bytes<'_>) {
        let how = bytes.pick(&[
            StreamEnd::NoConnection,
            StreamEnd::Broken,
            StreamEnd::Status(503),
            StreamEnd::Status(404),
            StreamEnd::NotEventStream,
        ]);
        if self.opened.as_ref().is_some_and(|(present, _)| *present == stream) {
            self.stands = false;
        }
        self.take(Input::Ended { stream, how });
    }

    fn take(&mut self, input: Input) {
        let mut actions = Vec::new();
        let pid = self.receiver.pid();
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        self.receiver.handle(input, &step, &mut actions);
        for action in actions {
            match action {
                ReceiverAction::Open { stream, credentials, .. } => self.open(stream, credentials),
                ReceiverAction::Drop { stream } => {
                    assert_eq!(self.opened.as_ref().map(|(opened, _)| *opened), Some(stream));
                    self.stands = false;
                }
                ReceiverAction::Post(post) => {
                    assert_eq!(
                        Some(&post.credentials),
                        self.opened.as_ref().map(|(_, credentials)| credentials)
                    );
                    assert_eq!(post.recipient, post.credentials.client_id);
                    let (Message::Alive(shown) | Message::Close(shown)) = post.message else {
                        panic!("a receiver sends no crEvents");
                    };
                    assert_eq!(Some(shown), pid);
                }
                ReceiverAction::Socket(socket::Input::ReceiverReport { view, revision }) => {
                    assert_eq!(revision, self.revision);
                    self.view = view;
                }
                ReceiverAction::Socket(socket::Input::Received { credentials, .. }) => {
                    assert_eq!(Some(&credentials), self.opened.as_ref().map(|(_, credentials)| credentials));
                }
                ReceiverAction::Socket(other) => panic!("a receiver does not say {other:?}"),
                ReceiverAction::SetTimer { timer, after } => self.timers.set(timer, after, self.now),
                ReceiverAction::CancelTimer(timer) => self.timers.cancel(timer),
            }
        }
    }

    /// Never two streams at a time, each with the credentials of its moment.
    fn open(&mut self, stream: StreamNo, credentials: Credentials) {
        let facts = self.receiver.facts();
        assert!(!self.stands, "{stream:?} is opened while another one stands");
        assert_eq!(facts.why_not_this(&credentials), None);
        assert!(self.opened.as_ref().is_none_or(|(last, _)| *last < stream));
        self.opened = Some((stream, credentials));
        self.stands = true;
    }

    /// The table of section 5: the state, what stands, what is armed.
    fn check(&self) {
        let state = self.receiver.state();
        let facts = self.receiver.facts();
        let armed: Vec<TimerKind> = self.timers.armed().collect();
        let why_not = facts.why_not_openable();
        let holds = match (&state, &armed[..], self.stands) {
            (State::Closed(why), [], false) => why_not == Some(*why),
            (State::Opening, [TimerKind::Hello], true) | (State::Opening, [TimerKind::Reopen], false) => {
                why_not.is_none()
            }
            (State::Open, [TimerKind::Alive], true) => {
                let latest = self.now + self.timing.event_source_send_alive_dt;
                why_not.is_none() && self.timers.due(TimerKind::Alive).is_some_and(|due| due <= latest)
            }
            (State::Closing(_), [TimerKind::Close], true) => true,
            (State::Aborted(_), [] | [TimerKind::Reopen], false) => why_not.is_none(),
            _ => false,
        };
        assert!(holds, "{state:?} with {armed:?}, stands: {}, {facts:?}", self.stands);
        assert_eq!(self.view.state, state, "its crSocket was told otherwise");
        assert_eq!(self.view.stream.is_some(), self.receiver.pid().is_some());
    }
}
