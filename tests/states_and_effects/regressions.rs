//! What a crSocket once did otherwise than the specification says, each with the fewest inputs that showed it.

use std::collections::BTreeMap;

use crsocket::protocol::action::{Message, Outcome, RequestNo, StreamNo};
use crsocket::protocol::event::{CrEvent, Rejection};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Pid, Role};
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::socket::Input::{ClientId as SetId, Partner, Unloading, Visible};
use crsocket::protocol::time::{Millis, Step, TimerKind, Timing};
use crsocket::protocol::wire::{AbortReason, EventData, Frame};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{send_line, socket};

/// A crSocket in whose world only what a test says happens; timers apart.
struct Script {
    socket: WiredSocket,
    now: i64,
    timers: BTreeMap<TimerKind, i64>,
    stream: StreamNo,
    sent: Vec<(RequestNo, String)>,
}

impl Script {
    /// Connected as 100000, without a partner.
    fn connected(role: Role) -> Script {
        let socket = WiredSocket::new(role);
        let mut script =
            Script { socket, now: 0, timers: BTreeMap::new(), stream: StreamNo(0), sent: Vec::new() };
        script.tell(Visible(true));
        script.tell(socket::Input::Online(true));
        script.tell(SetId(id(100_000)));
        script.tell(socket::Input::AccessToken(Assigned::Valid(AccessToken::parse("t").unwrap())));
        script.frame(Frame::Hello { pid: pid(1) });
        assert_eq!(script.state(), "readyToPair");
        script
    }

    fn state(&self) -> &'static str {
        self.socket.socket.state().as_str()
    }

    fn tell(&mut self, input: socket::Input) {
        self.input(Input::Socket(input));
    }

    fn frame(&mut self, frame: Frame) {
        let stream = self.stream;
        self.input(Input::Receiver(receiver::Input::Frame { stream, frame }));
    }

    fn hear(&mut self, from: u32, event: &CrEvent) {
        self.frame(EventData::from_event(event, *id(from).valid().unwrap()).unwrap().to_frame());
    }

    /// Answers whatever was sent, and is sent then, with `204`.
    fn answer_all(&mut self) {
        let mut answered = 0;
        while let Some((number, _)) = self.sent.get(answered).cloned() {
            let outcome = Outcome::Understood;
            self.input(Input::SendLine(send_line::Input::Answer { number, outcome }));
            answered += 1;
        }
    }

    /// What was sent since the last question.
    fn sent(&mut self) -> Vec<String> {
        self.sent.drain(..).map(|(_, what)| what).collect()
    }

    fn advance(&mut self, by: i64) {
        let until = self.now + by;
        while let Some((timer, at)) =
            self.timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|it| it.1)
            && at <= until
        {
            self.now = at;
            self.timers.remove(&timer);
            self.input(Input::Timer(timer));
        }
        self.now = until;
    }

    fn input(&mut self, input: Input) {
        let timing = Timing::default();
        let step = Step { now: Millis(self.now), random: 1 << 40, timing: &timing };
        let mut effects = Vec::new();
        self.socket.handle(input, &step, Some(0), &mut effects);
        for effect in effects {
            match effect {
                Effect::Open { stream, .. } => self.stream = stream,
                Effect::Send { number, post } => {
                    let what = match post.message {
                        Message::CrEvent(event) => event.event_type.to_string(),
                        Message::Alive(_) => "alive".into(),
                        Message::Close(_) => "close".into(),
                    };
                    self.sent.push((number, format!("{what} to {}", post.recipient)));
                }
                Effect::SetTimer { timer, after } => drop(self.timers.insert(timer, self.now + after.0)),
                Effect::CancelTimer(timer) => drop(self.timers.remove(&timer)),
                _ => {}
            }
        }
    }
}

fn id(number: u32) -> Assigned<ClientId> {
    Assigned::from(ClientId::from_number(number))
}

fn pid(number: u64) -> Pid {
    Pid::from_number(number).unwrap()
}

/// "`ping`: will be sent [...] when the sender is paired".
#[test]
fn a_queued_ping_does_not_leave_once_the_stream_broke() {
    let mut script = Script::connected(Role::Controller);
    script.tell(Partner(id(500_000)));
    script.answer_all();
    script.hear(500_000, &CrEvent::ping());
    assert_eq!((script.state(), script.sent()), ("interacting", vec!["ping to 500000".into()]));
    let stream = script.stream;
    script.input(Input::Receiver(receiver::Input::Ended { stream, how: StreamEnd::Broken }));
    assert_eq!(script.state(), "connecting");
    script.advance(2_000);
    assert_eq!((script.state(), script.sent()), ("connecting", Vec::new()), "sent while not paired");
}

/// The same, worse: "it would make the partner believe us active afterwards".
#[test]
fn a_queued_ping_does_not_leave_once_the_socket_is_passive() {
    let mut script = Script::connected(Role::Controller);
    script.tell(Partner(id(500_000)));
    script.answer_all();
    script.hear(500_000, &CrEvent::ping());
    assert_eq!((script.state(), script.sent()), ("interacting", vec!["ping to 500000".into()]));
    script.frame(Frame::Aborted { pid: pid(1), reason: AbortReason::ReleasedByOther, releaser: None });
    script.tell(Visible(false));
    script.advance(2_000);
    assert_eq!((script.state(), script.sent()), ("passive", Vec::new()), "sent while passive");
}

/// "An `unassign` that was offline or unanswered is repeated [...] until it is answered".
#[test]
fn an_unassign_that_was_answered_while_unloading_is_not_repeated() {
    let mut script = Script::connected(Role::Controller);
    script.tell(Partner(id(500_000)));
    script.answer_all();
    script.tell(Unloading(true));
    script.tell(Partner(id(500_001)));
    script.tell(Partner(id(500_002)));
    script.answer_all();
    script.sent();
    script.advance(6_000);
    assert_eq!(script.sent(), Vec::<String>::new(), "repeated though answered with 204");
}

/// "A `reject` flags the partner only if a `ping` left for it since the flag was last cleared (else a late one, meant for
/// old credentials, parts a pair for ever)".
#[test]
fn a_reject_that_comes_before_the_first_ping_left_the_line_flags_nobody() {
    let mut script = Script::connected(Role::Controller);
    script.hear(500_000, &CrEvent::ping());
    assert_eq!(script.sent(), ["reject to 500000"]);
    script.tell(Partner(id(500_000)));
    script.hear(500_000, &CrEvent::reject(&Rejection::AssignedToOther));
    assert_eq!((script.state(), script.sent()), ("searching", Vec::new()), "rejected before any ping left");
}

/// "It is remembered, one, with its sender [...]; a change of clientId [...] forgets it."
#[test]
fn what_was_heard_under_the_old_client_id_makes_nobody_active_under_the_new_one() {
    let mut script = Script::connected(Role::Controller);
    script.tell(SetId(id(100_001)));
    script.tell(Partner(id(500_000)));
    script.hear(500_000, &CrEvent::ping());
    script.frame(Frame::Closed { pid: pid(1) });
    script.frame(Frame::Hello { pid: pid(2) });
    assert_eq!(script.state(), "searching", "500000 has never heard of 100001");
}

/// "Waking [...]: an `alive` leaves at once; crEvents that come before its echo (for sendAnswerDt at most) are handled,
/// but do not make the partner active: they may be as old as the sleep."
#[test]
fn what_may_be_as_old_as_a_sleep_makes_nobody_active_while_the_stream_closes() {
    let mut script = Script::connected(Role::Controller);
    script.tell(Partner(id(500_000)));
    script.answer_all();
    script.now += 60_000;
    script.input(Input::Timer(TimerKind::Alive));
    script.tell(Visible(false));
    script.hear(500_000, &CrEvent::ping());
    script.tell(Visible(true));
    script.frame(Frame::Closed { pid: pid(1) });
    script.frame(Frame::Hello { pid: pid(2) });
    assert_eq!(script.state(), "searching", "the ping came before the echo of the alive");
}

/// "Waking (a timer more than 5 s late: the device slept)".
#[test]
fn a_late_timer_of_an_unassign_says_that_the_device_slept() {
    let mut script = Script::connected(Role::Controller);
    script.tell(Partner(id(500_000)));
    script.answer_all();
    script.tell(Partner(id(500_001)));
    for (number, _) in std::mem::take(&mut script.sent) {
        let outcome = Outcome::NoAnswer;
        script.input(Input::SendLine(send_line::Input::Answer { number, outcome }));
    }
    script.answer_all();
    script.now = script.timers[&TimerKind::Unassign] + 5_001;
    script.input(Input::Timer(TimerKind::Unassign));
    script.hear(500_001, &CrEvent::ping());
    assert_eq!(script.state(), "searching", "the ping may be as old as the sleep");
}
