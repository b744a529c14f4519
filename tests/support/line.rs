//! A SendLine alone. Commands: `post N` (a ping with request number N), `unassign N` (an unassign), `close` (one without), `answer OUTCOME`
//! (of the last one that left), `stale OUTCOME` (of the one before), `unloading`, `loaded`.

use crsocket::protocol::action::{Message, Post, RequestNo, SendLineAction};
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::receiver;
use crsocket::protocol::send_line::{Input, SendLine};
use crsocket::protocol::sender;
use crsocket::protocol::time::{TimerKind, Timing};

use super::{Clock, Rig, creds, id, outcome_of, pid};

pub struct LineRig {
    pub line: SendLine,
    pub clock: Clock,
    last: RequestNo,
    /// The ping of which it was said that it leaves now.
    leaving: Option<RequestNo>,
}

impl LineRig {
    pub fn new() -> LineRig {
        LineRig {
            line: SendLine::new(),
            clock: Clock::new(Timing::default()),
            last: RequestNo(0),
            leaving: None,
        }
    }

    pub fn give(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.line.handle(input, &self.clock.step(), &mut actions);
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: SendLineAction) {
        match action {
            SendLineAction::Send { number, post } => {
                self.last = number;
                let leaving = post.request.filter(|_| is_ping(&post));
                assert_eq!(
                    self.leaving.take(),
                    leaving,
                    "of a ping, and of nothing else, it is said that it left"
                );
                let what = match (&post.message, post.request) {
                    (Message::Close(_), _) => "close".into(),
                    (_, request) => format!("{}", request.unwrap().0),
                };
                self.clock.write(format!("sends {what}"));
            }
            SendLineAction::Sender(sender::Input::Outcome { request, outcome }) => {
                self.clock.write(format!("{} {outcome:?}", request.0));
            }
            SendLineAction::Sender(sender::Input::PingLeft { request }) => self.leaving = Some(request),
            SendLineAction::Sender(input) => panic!("a line never says {input:?}"),
            SendLineAction::Receiver(receiver::Input::Sent) => {}
            SendLineAction::Receiver(input) => self.clock.write(format!("{input:?}")),
            SendLineAction::SetTimer { timer, after } => self.clock.set_timer(timer, after),
            SendLineAction::CancelTimer(timer) => self.clock.cancel_timer(timer),
        }
    }

    fn post(message: Message, request: Option<RequestNo>) -> Input {
        Input::Post(Post { credentials: creds(1, "a"), recipient: id(2), message, request })
    }
}

fn is_ping(post: &Post) -> bool {
    matches!(&post.message, Message::CrEvent(event) if event.kind() == EventKind::Ping)
}

impl Rig for LineRig {
    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn fire(&mut self, timer: TimerKind) {
        self.give(Input::Timer(timer));
    }

    fn say(&mut self, words: &[&str]) {
        let last = self.last;
        match words {
            ["post", request] => {
                let request = Some(RequestNo(request.parse().unwrap()));
                self.give(Self::post(Message::CrEvent(CrEvent::ping()), request));
            }
            ["unassign", request] => {
                let request = Some(RequestNo(request.parse().unwrap()));
                self.give(Self::post(Message::CrEvent(CrEvent::unassign()), request));
            }
            ["close"] => self.give(Self::post(Message::Close(pid(7)), None)),
            ["answer", outcome] => self.give(Input::Answer { number: last, outcome: outcome_of(outcome) }),
            ["stale", outcome] => {
                self.give(Input::Answer { number: RequestNo(last.0 - 1), outcome: outcome_of(outcome) });
            }
            ["unloading"] => self.give(Input::Unloading(true)),
            ["loaded"] => self.give(Input::Unloading(false)),
            other => panic!("no command: {other:?}"),
        }
    }
}
