//! An EventReceiver alone. Commands: `set active|idle ID|- TOKEN|-|!`, frames (`frame_of`; `@N` before one names the
//! stream, else the last one that was opened), `retry N`, `end HOW`, `sent`, `woke`, `state`.

use crsocket::protocol::action::{ReceiverAction, StreamNo};
use crsocket::protocol::ids::Assigned;
use crsocket::protocol::receiver::{Facts, Input, Receiver, View, WhyClosed};
use crsocket::protocol::socket;
use crsocket::protocol::time::{Millis, TimerKind, Timing};

use super::{
    Clock, Rig, assigned, end_of, frame_of, id_of, number, says, says_event, says_post, says_view, token,
};

pub struct ReceiverRig {
    pub receiver: Receiver,
    pub clock: Clock,
    pub view: View,
    last: StreamNo,
    /// Opened, and neither dropped nor ended.
    stands: Option<StreamNo>,
    revision: u32,
}

impl ReceiverRig {
    pub fn new() -> ReceiverRig {
        let state = crsocket::protocol::receiver::State::Closed(WhyClosed::ClientNotActive);
        ReceiverRig {
            receiver: Receiver::new(),
            clock: Clock::new(Timing::default()),
            view: View { state, stream: None },
            last: StreamNo(0),
            stands: None,
            revision: 0,
        }
    }

    /// Gives it facts, and holds what it reports against what its crSocket predicts.
    pub fn set(&mut self, facts: Facts) {
        let predicted = self.view.clone().given(&facts);
        self.revision += 1;
        self.give(Input::Set { facts, revision: self.revision });
        assert_eq!(self.view, predicted, "7 one step: reported (left) and predicted (right)");
    }

    pub fn give(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.receiver.handle(input, &self.clock.step(), &mut actions);
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: ReceiverAction) {
        let said = match action {
            ReceiverAction::Open { stream, credentials, resume } => {
                assert_eq!(self.stands, None, "5: never two streams at a time");
                assert!(stream != self.last, "5: the link numbers its streams");
                self.last = stream;
                self.stands = Some(stream);
                let resumes = if resume { " resume" } else { "" };
                format!("open as {}{resumes}", says(&credentials))
            }
            ReceiverAction::Drop { stream } => {
                let stood = self.stands.take_if(|stands| *stands == stream);
                if stood.is_some() { "drop".into() } else { String::new() }
            }
            ReceiverAction::Post(post) => says_post(&post),
            ReceiverAction::Socket(input) => self.told(input),
            ReceiverAction::SetTimer { timer, after } => {
                self.clock.set_timer(timer, after);
                String::new()
            }
            ReceiverAction::CancelTimer(timer) => {
                self.clock.cancel_timer(timer);
                String::new()
            }
        };
        self.clock.write(said);
    }

    fn told(&mut self, input: socket::Input) -> String {
        match input {
            socket::Input::ReceiverReport { view, revision } => {
                assert_eq!(revision, self.revision, "a report carries the last revision");
                let said = says_view(&view);
                self.view = view;
                said
            }
            socket::Input::Received { event, credentials, stale } => {
                let stale = if stale { " stale" } else { "" };
                let from = event.sender.map_or("nobody".into(), |sender| sender.number().to_string());
                format!("got {} from {from} as {}{stale}", says_event(&event), says(&credentials))
            }
            other => panic!("a receiver never says {other:?}"),
        }
    }
}

impl Rig for ReceiverRig {
    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn fire(&mut self, timer: TimerKind) {
        self.give(Input::Timer(timer));
    }

    fn say(&mut self, words: &[&str]) {
        let (stream, words) = match words[0].strip_prefix('@') {
            Some(stream) => (StreamNo(stream.parse().unwrap()), &words[1..]),
            None => (self.last, words),
        };
        if let Some(frame) = frame_of(words) {
            return self.give(Input::Frame { stream, frame });
        }
        match words {
            ["set", active, id, access_token] => self.set(Facts {
                client_active: *active == "active",
                client_id: match assigned(id, id_of) {
                    Assigned::Valid(id) => Some(id),
                    Assigned::Nothing | Assigned::Invalid => None,
                },
                access_token: assigned(access_token, token),
            }),
            ["retry", after] => self.give(Input::Retry { stream, after: Millis(number(after)) }),
            ["end", how] => {
                self.stands.take_if(|stands| *stands == stream);
                self.give(Input::Ended { stream, how: end_of(how) });
            }
            ["sent"] => self.give(Input::Sent),
            ["woke"] => self.give(Input::Woke),
            ["state"] => {
                let state = self.receiver.state();
                self.clock.write(super::with_sub(state.as_str(), state.sub_state()));
            }
            other => panic!("no command: {other:?}"),
        }
    }
}
